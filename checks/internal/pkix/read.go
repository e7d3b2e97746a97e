package pkix

// Read reads a certificate. The error says that its frame is not that of one.
func Read(der []byte) (*Certificate, error) {
	outer, ok := parse(der, tagSequence)
	if !ok {
		return nil, errDER
	}
	c := &Certificate{Raw: der, Version: 1, PathLength: -1, present: make(map[string]bool)}
	tbs, algorithm, signature := outer.take(tagSequence), outer.take(tagSequence), outer.take(tagBits)
	if outer.bad {
		return nil, errDER
	}
	c.TBS = tbs.raw
	c.Signature = readSignature(algorithm, signature.bits())

	r := inside(tbs)
	if v, ok := r.maybe(tagContext | tagConstructed); ok {
		n, _ := inside(v).any().small()
		c.Version = n + 1
	}
	c.serial = r.take(tagInteger).body
	r.take(tagSequence) // the algorithm once more
	c.Issuer = readName(r.take(tagSequence))
	dates := inside(r.take(tagSequence))
	c.Subject = readName(r.take(tagSequence))
	spki := r.take(tagSequence)
	if r.bad {
		return nil, errDER
	}
	var exact, known [2]bool
	c.NotBefore, exact[0], known[0] = dates.any().moment()
	c.NotAfter, exact[1], known[1] = dates.any().moment()
	if dates.bad || !known[0] || !known[1] {
		return nil, errDER // no sender takes one without dates
	}
	c.badDate = !exact[0] || !exact[1]
	c.SPKI = spki.raw
	c.Key = ReadKey(spki.raw)
	for r.more() {
		if e := r.any(); e.tag == tagContext|tagConstructed|3 {
			c.readExtensions(inside(e).take(tagSequence))
		}
	}
	return c, nil
}

// ReadAll reads those of a list that can be read.
func ReadAll(list [][]byte) []*Certificate {
	var all []*Certificate
	for _, der := range list {
		if c, err := Read(der); err == nil {
			all = append(all, c)
		}
	}
	return all
}
