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
	maxKept   = 64        // that are kept at all
	maxOctets = 512 << 10 // of those
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
		others(described, list, nil, Path{})
		return described
	}
	sent := ReadAll(list[1:])
	_, named := hostname(name)
	described.NameMatch = named && NameMatches(read.DNSNames, name)
	path := Build(read, sent, s.roots, true, at)
	others(described, list, above(read, sent), path)
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
	case path.Has(TooMuch), path.Has(Unchecked) && only(Unchecked, WeakKey):
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

// others puts what was sent beside the leaf into its description: the path, what else may matter
// to anyone who builds one, and the first of the rest.
func others(leaf *report.Certificate, list [][]byte, above map[string]bool, path Path) {
	octets, room := len(list[0]), maxKept
	for _, c := range path.Certificates[min(1, len(path.Certificates)):] {
		octets += len(c.Raw)
		room--
	}
	for _, der := range list[1:] {
		on := slices.ContainsFunc(path.Certificates, func(c *Certificate) bool { return string(c.Raw) == string(der) })
		fits := on || room > 0 && octets+len(der) <= maxOctets
		if !fits || len(leaf.Chain) >= maxShown && !above[string(der)] {
			leaf.Omitted++
			if above[string(der)] {
				leaf.OmittedIssuers++
			}
			continue
		}
		if !on {
			octets += len(der)
			room--
		}
		_, c := one(der)
		c.OnPath = on
		leaf.Chain = append(leaf.Chain, c)
	}
	for _, der := range list {
		leaf.ListOctets += 3 + len(der)
	}
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
