package pkix

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"time"

	"mxseal/checks/report"
)

const (
	maxShown  = 10        // certificates of a list that are kept whether they matter or not
	maxOctets = 512 << 10 // of all that are kept
	maxNames  = 100       // dNSNames kept of one
	maxText   = 300       // octets kept of a subject or issuer
)

// Describe describes a list of DER certificates, leaf first, as one that a sender meets
// who connects to name at that time. An empty name, or an address, means that no name is
// to be matched. It is nil for an empty list.
func (s Store) Describe(list [][]byte, name string, at time.Time) *report.Certificate {
	if len(list) == 0 {
		return nil
	}
	read, described := one(list[0])
	if read == nil {
		described.Chain, described.Omitted = others(list, nil, nil)
		return described
	}
	sent := ReadAll(list[1:])
	_, named := hostname(name)
	described.NameMatch = named && NameMatches(read.DNSNames, name)
	path := Build(read, sent, s.roots, true, at)
	described.Chain, described.Omitted = others(list, above(read, sent), &path)
	described.OnPath = true
	judge(described, path, named, name)
	return described
}

// judge says what a sender makes of a leaf whose best path that is.
func judge(leaf *report.Certificate, path Path, named bool, name string) {
	only := func(codes ...Code) bool { // beside dates
		return path.Anchored && !slices.ContainsFunc(path.Faults, func(f Fault) bool { return !f.dated() && !slices.Contains(codes, f.Code) })
	}
	ownKey := !slices.ContainsFunc(path.Faults, func(f Fault) bool { return f.Code == WeakKey && f.Depth > 0 })
	leaf.Trusted = only(WeakKey) && ownKey
	leaf.PublicCA = path.Anchored && !path.Has(WrongSignature) && !path.Has(TooMuch)
	switch {
	case leaf.Trusted && leaf.WeakKey != "":
		leaf.PKIX, leaf.PKIXDetail = "weak", "the private key can be found out"
	case path.Holds() && (leaf.NameMatch || !named):
		leaf.PKIX = "ok"
	case path.Holds():
		leaf.PKIX, leaf.PKIXDetail = "name-mismatch", "no dNSName covers "+report.Clean(name, 253)
	case path.Dated() && path.Has(Expired):
		leaf.PKIX = "expired"
	case path.Dated():
		leaf.PKIX = "not-yet-valid"
	case path.Has(TooMuch), only(Unchecked, WeakKey):
		leaf.PKIX = "untested"
	case leaf.SelfSigned && !path.Anchored:
		leaf.PKIX = "self-signed"
	case only(WeakKey, WeakSignature), !path.Anchored && (leaf.WeakKey != "" || path.Has(WeakKey) || path.Has(WeakSignature)):
		leaf.PKIX = "weak"
	case path.Has(NoIssuer):
		leaf.PKIX = "incomplete"
	default:
		leaf.PKIX = "untrusted"
	}
	if len(path.Faults) == 0 {
		return
	}
	first := path.Faults[0]
	for _, f := range path.Faults {
		if leaf.PathFaults = append(leaf.PathFaults, string(f.Code)); first.dated() && !f.dated() {
			first = f // what time does not heal is the better reason
		}
	}
	slices.Sort(leaf.PathFaults)
	leaf.PathFaults = slices.Compact(leaf.PathFaults)
	if leaf.PKIXDetail == "" {
		leaf.PKIXDetail = report.Clean(first.String(), maxText)
	}
}

// above is everything that may stand on some way up from a leaf, by what it is.
func above(leaf *Certificate, sent []*Certificate) map[string]bool {
	bySubject := make(map[string][]*Certificate)
	for _, c := range sent {
		bySubject[c.Subject.canon] = append(bySubject[c.Subject.canon], c)
	}
	reached := make(map[string]bool)
	for ahead := []string{leaf.Issuer.canon}; len(ahead) > 0; ahead = ahead[1:] {
		for _, c := range bySubject[ahead[0]] {
			reached[string(c.Raw)] = true
			ahead = append(ahead, c.Issuer.canon)
		}
		delete(bySubject, ahead[0])
	}
	return reached
}

// others describes what was sent beside the leaf: what may matter to anyone who builds a path,
// and the first of the rest. It also says how many are left out.
func others(list [][]byte, above map[string]bool, path *Path) (kept []*report.Certificate, omitted int) {
	octets := len(list[0])
	for _, der := range list[1:] {
		if octets += len(der); octets > maxOctets || len(kept) >= maxShown && !above[string(der)] {
			omitted++
			continue
		}
		read, c := one(der)
		c.OnPath = path != nil && read != nil && path.Contains(read)
		kept = append(kept, c)
	}
	return kept, omitted
}

// one describes a certificate by itself.
func one(der []byte) (*Certificate, *report.Certificate) {
	sum := sha256.Sum256(der)
	c := &report.Certificate{SHA256: hex.EncodeToString(sum[:]), DER: der}
	cert, err := Read(der)
	if err != nil {
		c.PKIX, c.PKIXDetail = "unparsable", report.Clean(err.Error(), maxText)
		return nil, c
	}
	sum = sha256.Sum256(cert.SPKI)
	c.SPKISHA256 = hex.EncodeToString(sum[:])
	c.Subject, c.Issuer = cert.Subject.Text, cert.Issuer.Text
	c.CommonName = report.Clean(cert.Subject.CommonName, maxText)
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		c.Names = append(c.Names, report.Clean(name, 253))
	}
	c.NotBefore, c.NotAfter = cert.NotBefore, cert.NotAfter
	c.Key, c.KeyBits, c.WeakKey = cert.Key.String(), cert.Key.Bits, cert.Key.Weak
	c.KeyUsage, c.Purposes = cert.Usages(), cert.PurposeNames()
	c.Signature = cert.Signature.Name
	c.SelfSigned = cert.SelfSigned()
	c.CA = cert.CA
	c.SCT = cert.SCT
	if _, err := x509.ParseCertificate(der); err != nil {
		c.GoRefuses = report.Clean(err.Error(), maxText)
	}
	return cert, c
}
