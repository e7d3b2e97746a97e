package pkix

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"time"

	"mxseal/checks/report"
)

const (
	maxKept   = 16       // certificates of a list that are kept whole: as many as a path may have
	maxOctets = 32 << 10 // of those
	maxBriefs = 10       // further ones that are told of
	maxNames  = 4 << 10  // octets of the dNSNames of one
)

// Describe describes a list of DER certificates, leaf first, as one that a sender meets
// who connects to name at that time. An empty name, or an address, means that no name is
// to be matched. It is nil for an empty list.
//
// What is kept of a list is bounded, and nothing else of it is judged: the leaf and what may
// stand above it come first. Where a path might lead through what was cut, it is untested.
func (s Store) Describe(list [][]byte, name string, at time.Time) *report.Certificate {
	if len(list) == 0 {
		return nil
	}
	kept, cut := choose(list)
	described := &report.Certificate{PKIX: report.PKIXUntested}
	var read *Certificate
	if kept[0] {
		read, described = one(list[0])
	} else {
		*described = brief(list[0])
		described.PKIX = report.PKIXUntested
	}
	if read == nil {
		others(described, list, kept, cut, Path{})
		return described
	}
	var rest [][]byte
	for i, der := range list[1:] {
		if kept[i+1] {
			rest = append(rest, der)
		}
	}
	described.NameMatch = NameMatches(read.DNSNames, name)
	path := Build(read, ReadAll(rest), s.roots, true, at)
	if !path.Holds() && len(cut) > 0 && !path.Has(report.FaultTooMuch) {
		path.Faults = append(path.Faults, report.PathFault{Code: report.FaultTooMuch, About: read.Subject.Text})
	}
	others(described, list, kept, cut, path)
	described.OnPath = true
	described.Path = met(path)
	Conclude(described, name)
	return described
}

// maxFaults bounds the faults of a path that are told.
const maxFaults = 32

// met writes down what a path met. Only the fault that is put into words keeps its subject.
func met(path Path) *report.Path {
	p := &report.Path{Anchored: path.Anchored}
	told := reason(path.Faults)
	for i, f := range path.Faults[:min(len(path.Faults), maxFaults)] {
		fault := report.PathFault{Code: f.Code, Depth: f.Depth}
		if i == told {
			fault.About, fault.More = report.Clean(f.About, maxText), report.Clean(f.More, maxText)
		}
		p.Faults = append(p.Faults, fault)
	}
	return p
}

// choose says which certificates of a list are kept whole: the leaf, then what may stand on
// some way up from it, the likelier issuers first, then the others. cut are those of them that
// may stand on such a way and find no room.
func choose(list [][]byte) (kept []bool, cut map[int]bool) {
	kept, cut = make([]bool, len(list)), make(map[int]bool)
	number, octets := maxKept, maxOctets
	keep := func(i int) bool {
		if number == 0 || len(list[i]) > octets {
			return false
		}
		number, octets = number-1, octets-len(list[i])
		kept[i] = true
		return true
	}
	if !keep(0) {
		return kept, cut
	}
	all := make([]*Certificate, len(list)) // nil for one that cannot be read, or is there already
	bySubject, seen := make(map[string][]int), map[string]bool{string(list[0]): true}
	for i, der := range list {
		if all[i], _ = Read(der); all[i] == nil || seen[string(der)] && i > 0 {
			all[i] = nil
			continue
		}
		seen[string(der)] = true
		if i > 0 {
			bySubject[all[i].Subject.canon] = append(bySubject[all[i].Subject.canon], i)
		}
	}
	for ahead := []int{0}; len(ahead) > 0; ahead = ahead[1:] {
		at := all[ahead[0]]
		if at == nil {
			continue
		}
		issuers := bySubject[at.Issuer.canon]
		delete(bySubject, at.Issuer.canon)
		slices.SortStableFunc(issuers, func(a, b int) int {
			switch fits := at.names(all[a]); {
			case fits == at.names(all[b]):
				return 0
			case fits:
				return -1
			}
			return 1
		})
		for _, i := range issuers {
			if !keep(i) {
				cut[i] = true
			}
		}
		ahead = append(ahead, issuers...)
	}
	for i := range list {
		if !kept[i] && !cut[i] {
			keep(i)
		}
	}
	return kept, cut
}

// others puts what was sent beside the leaf into its description: whole what is kept, the first
// of the rest by what tells them from others, and the number of those beyond.
func others(leaf *report.Certificate, list [][]byte, kept []bool, cut map[int]bool, path Path) {
	briefs := maxBriefs
	for i, der := range list {
		leaf.ListOctets += 3 + len(der)
		if cut[i] {
			leaf.OmittedIssuers++
		}
		switch {
		case i == 0:
		case kept[i]:
			_, c := one(der)
			c.OnPath = slices.ContainsFunc(path.Certificates, func(c *Certificate) bool { return string(c.Raw) == string(der) })
			leaf.Chain = append(leaf.Chain, c)
		case briefs > 0:
			briefs--
			c := brief(der)
			leaf.Chain = append(leaf.Chain, &c)
		default:
			leaf.Omitted++
		}
	}
}

// brief is what is told of a certificate that is not kept.
func brief(der []byte) report.Certificate {
	c := report.Certificate{SHA256: digest(der), DER: der}
	if cert, err := Read(der); err == nil {
		c.SPKISHA256, c.Subject, c.Key = digest(cert.SPKI), cert.Subject.Text, cert.Key.String()
		c.NotBefore, c.NotAfter = cert.NotBefore, cert.NotAfter
	}
	return c.Brief()
}

func digest(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// one describes a certificate by itself.
func one(der []byte) (*Certificate, *report.Certificate) {
	c := &report.Certificate{SHA256: digest(der), DER: bytes.Clone(der)} // der may be a part of something longer
	cert, err := Read(der)
	if err != nil {
		c.PKIX, c.PKIXWhy = report.PKIXUnparsable, report.Say(report.SaysUnreadable, "error", err)
		return nil, c
	}
	c.SPKISHA256 = digest(cert.SPKI)
	c.Subject, c.Issuer = cert.Subject.Text, cert.Issuer.Text
	c.CommonName = report.Clean(cert.Subject.CommonName, maxText)
	room := maxNames
	for i, name := range cert.DNSNames {
		if name = report.Clean(name, 253); room < len(name) {
			c.MoreNames = len(cert.DNSNames) - i
			break
		}
		room -= len(name)
		c.Names = append(c.Names, name)
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
