// Package class says of what a TLS server accepts how good it is: tables of versions, cipher
// suites and groups, and nothing that was seen of a server.
//
// A class is our own word (RULES appendix A): good, sufficient, dated, phase-out, anonymous, bad,
// readable. Beside it stand the words of the IETF, of NCSC-NL and of the BSI, where they have
// one. A family is a set of suites that stand or fall together before the judge: at standard
// depth one of each is asked for.
package class

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// best lists the classes, best first.
var best = []report.Class{report.Good, report.Sufficient, report.Dated, report.PhaseOut, report.Anonymous, report.Bad, report.Readable}

// Compare orders classes, best first.
func Compare(a, b report.Class) int { return cmp.Compare(slices.Index(best, a), slices.Index(best, b)) }

// Worse reports whether class a is worse than class b.
func Worse(a, b report.Class) bool { return Compare(a, b) > 0 }

// Of judges a suite. dhBits is the size of the prime it was used with, 0 where there
// was none.
func Of(s hello.Suite, dhBits int) report.Class {
	ecdhe := s.KeyExchange == "ECDHE"
	switch {
	case Breakable(s) || dhBits > 0 && dhBits < 768:
		return report.Readable
	case s.Cipher == "RC4":
		return report.Bad
	case s.Auth == "anon":
		return report.Anonymous
	case s.Mode == "CCM_8":
		return report.PhaseOut
	case s.TLS13 && s.Bits == 256 && (s.Cipher == "AES" || s.Cipher == "CHACHA20"):
		return report.Good
	case s.TLS13:
		return report.Sufficient
	case ecdhe && s.AEAD && (s.Cipher == "AES" || s.Cipher == "CHACHA20"):
		return report.Sufficient
	case ecdhe && slices.Contains([]string{"AES", "CAMELLIA", "ARIA"}, s.Cipher):
		return report.Dated
	case s.KeyExchange == "DHE" && s.Auth == "RSA" && s.AEAD:
		return report.Dated
	}
	return report.PhaseOut
}

// OfKind judges a cipher kind of SSL 2.0 by its name, none of which is any good: the export kinds,
// DES and RC2 are readable, the rest is bad.
func OfKind(name string) report.Class {
	for _, weak := range []string{"EXPORT", "DES_64", "RC2", "RC4_64"} {
		if strings.Contains(name, weak) {
			return report.Readable
		}
	}
	return report.Bad
}

// Breakable reports whether a listener reads what the suite encrypts: NULL, EXPORT, single
// DES and RC2 (RFC 9325 §4.1: below 112 bits MUST NOT).
func Breakable(s hello.Suite) bool {
	return s.Export || s.Cipher == "NULL" || s.Cipher == "DES" || s.Cipher == "RC2"
}

// Modern reports whether sending servers of today offer the suite: AES and ChaCha20 in any
// key exchange that authenticates the server (the default lists of OpenSSL 3, GnuTLS,
// Schannel and Go, taken together).
func Modern(s hello.Suite) bool {
	return (s.Cipher == "AES" || s.Cipher == "CHACHA20") && s.Auth != "anon" && s.Auth != "DSS" &&
		s.KeyExchange != "DH" && s.KeyExchange != "ECDH"
}

// Static reports whether the key exchange has no forward secrecy: a key stolen later opens
// what was recorded.
func Static(s hello.Suite) bool {
	return s.Auth != "anon" && (s.KeyExchange == "RSA" || s.KeyExchange == "DH" || s.KeyExchange == "ECDH")
}

// PlainCBC reports whether the mode is all that is to be said against the suite.
func PlainCBC(s hello.Suite) bool {
	return s.Mode == "CBC" && s.Cipher != "3DES" && s.KeyExchange == "ECDHE" && s.Auth != "anon"
}

// WeakHash reports whether signatures over the hash can be forged, or may be soon (RFC 9155).
func WeakHash(hash string) bool { return hash == "SHA-1" || hash == "MD5" }

// Families of suites that stand or fall together, weakest first. At standard depth one hit
// tells all that the judge asks of a family.
const (
	famNull = iota
	famExportDH
	famExport
	famDES
	famRC4
	famAnonymous
	fam64Bit
	famStatic
	famCCM8
	famDHECBC
	famRare
	famDHEAEAD
	famCBC
	famCBCSHA2
	famAEAD
)

// Family returns the number of the family that a suite belongs to, the weakest being 0.
func Family(s hello.Suite) int {
	switch {
	case s.Cipher == "NULL":
		return famNull
	case s.Export && s.KeyExchange != "RSA":
		return famExportDH
	case s.Export:
		return famExport
	case Breakable(s):
		return famDES
	case s.Cipher == "RC4":
		return famRC4
	case s.Auth == "anon":
		return famAnonymous
	case s.Cipher == "3DES", s.Cipher == "IDEA":
		return fam64Bit
	case Static(s):
		return famStatic
	case s.Mode == "CCM_8":
		return famCCM8
	case s.KeyExchange == "DHE" && !s.AEAD:
		return famDHECBC
	case s.KeyExchange == "DHE":
		return famDHEAEAD
	case s.Cipher != "AES" && s.Cipher != "CHACHA20":
		return famRare
	case s.AEAD:
		return famAEAD
	case s.Hash == "SHA":
		return famCBC
	}
	return famCBCSHA2
}

// WeakestFirst lists every suite of a version in the order in which we like to hear of it:
// a server that follows the client's order shows its worst at once.
func WeakestFirst(version uint16) []hello.Suite { return slices.Clone(weakestFirst()[version]) }

var weakestFirst = sync.OnceValue(func() map[uint16][]hello.Suite {
	lists := make(map[uint16][]hello.Suite)
	for version := hello.SSL3; version <= hello.TLS13; version++ {
		list := hello.Offers(version)
		slices.SortStableFunc(list, func(a, b hello.Suite) int {
			return cmp.Or(cmp.Compare(Family(a), Family(b)), cmp.Compare(a.Bits, b.Bits))
		})
		lists[version] = list
	}
	return lists
})

// StrongestFirst is what a client would offer that knows everything and prefers the best.
func StrongestFirst() []hello.Suite { return slices.Clone(strongestFirst()) }

var strongestFirst = sync.OnceValue(func() []hello.Suite {
	list := WeakestFirst(hello.TLS12)
	slices.Reverse(list)
	newest := hello.Offers(hello.TLS13)
	slices.SortStableFunc(newest, func(a, b hello.Suite) int { return Compare(Of(a, 0), Of(b, 0)) })
	return append(newest, list...)
})

// IDs lists the numbers of suites.
func IDs(list []hello.Suite) []uint16 {
	out := make([]uint16, len(list))
	for i, s := range list {
		out[i] = s.ID
	}
	return out
}
