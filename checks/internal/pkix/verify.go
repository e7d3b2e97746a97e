package pkix

// outcome is what came of checking a signature.
type outcome int

const (
	right outcome = iota
	wrong
	unchecked // with a key that we cannot compute with
	unknown   // by an algorithm that neither we nor OpenSSL 3.0 know
)

// verify checks the signature of a certificate with a key.
func verify(c *Certificate, key *Key) outcome {
	s := c.Signature
	switch {
	case s.kind == "":
		return unknown
	case key.Kind == "":
		return unchecked
	}
	if fits := s.kind == key.Kind || s.kind == "RSA-PSS" && key.Kind == "RSA"; !fits {
		return wrong
	}
	if key.public == nil || s.mixed || s.hash == 0 && s.kind[:2] != "Ed" {
		return unchecked
	}
	signed := c.TBS
	if s.hash != 0 {
		h := s.hash.New()
		h.Write(signed)
		signed = h.Sum(nil)
	}
	if s.matches(key, signed) {
		return right
	}
	return wrong
}

// SelfSigned reports whether a certificate is signed by its own key, as far as that can be found
// out; a signature that cannot be checked has the benefit of the doubt.
func (c *Certificate) SelfSigned() bool {
	return c.SelfIssued() && c.names(c) && verify(c, c.Key) != wrong
}
