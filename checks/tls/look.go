package tls

import (
	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// look is one look at one address: the line to it, and what has been learned so far, by which the
// next questions are chosen. Learning is in learn.go; every other file asks about one topic.
type look struct {
	*probe.Line
	sni  string // empty for none
	full bool   // every suite, not one of each family

	tls  *report.TLS
	seen []Seen

	describe func([][]byte) *report.Certificate // of Target
	leaves   map[[32]byte]bool                  // certificates known, by their digest
	auths    map[string]bool                    // key types of certificates known: RSA, ECDSA
	nameless []nameless                         // chains shown to a hello without the host's name

	lowest uint16            // the lowest version that has answered an offer of all up to TLS 1.2; 0 before
	wide   bool              // the server reads suite lists beyond 64 entries
	unsure *probe.Answer     // a refusal below TLS 1.2, perhaps of the hello's length; nil for none
	picks  []pick            // of the TLS 1.2 enumeration, in order
	listed bool              // the server has told all its TLS 1.3 groups
	past   map[bool]*session // of TLS 1.3, and of older versions

	odd oddities
}

func newLook(line *probe.Line, depth report.Depth, sni string) *look {
	l := &look{Line: line, sni: sni, full: depth == report.Full, tls: &report.TLS{},
		leaves: make(map[[32]byte]bool), auths: make(map[string]bool), past: make(map[bool]*session)}
	line.Learn = l.learn
	return l
}

// pick is a suite that the server chose among those offered.
type pick struct {
	suite   uint16
	offered []uint16
}

// The hellos of this file are the questions; RULES 2.6 says what the answers mean.

// commonGroups are what senders offer beside the hybrids, in their usual order.
var commonGroups = []uint16{hello.X25519, hello.P256, hello.P384, 25, 30}

// curvesWhere lists curves for hellos up to TLS 1.2. Finite-field groups are left out, so
// that a server shows the prime of its own.
func curvesWhere(wanted func(hello.Group) bool) []uint16 {
	var out []uint16
	for _, g := range hello.Groups {
		if !g.MLKEM && !g.Finite && g.ID < 0x100 && wanted(g) {
			out = append(out, g.ID)
		}
	}
	return out
}

// strongCurve: below 224 bits a curve must not be used (RFC 9325 §4.5).
func strongCurve(g hello.Group) bool { return g.Bits >= 224 }

func schemesWhere(wanted func(hello.Scheme) bool) []uint16 {
	var out []uint16
	for _, s := range hello.Schemes {
		if wanted(s) {
			out = append(out, s.ID)
		}
	}
	return out
}

func anyScheme(hello.Scheme) bool { return true }

// classic is a hello up to TLS 1.2 that asks for everything the answer tells on the side.
func (l *look) classic(version uint16, suites []uint16) *hello.Hello {
	h := &hello.Hello{Version: version, Suites: suites, Compression: true}
	if version == hello.SSL3 {
		return h
	}
	h.ServerName = l.sni
	h.Groups = curvesWhere(strongCurve)
	h.Ask = []uint16{hello.ExtExtendedMasterSecret, hello.ExtRenegotiationInfo, hello.ExtSessionTicket,
		hello.ExtStatusRequest, hello.ExtTruncatedHMAC, hello.ExtEncryptThenMAC, hello.ExtHeartbeat}
	if version >= hello.TLS12 {
		h.Schemes = schemesWhere(anyScheme)
	}
	return h
}

// only13 is a hello for TLS 1.3 alone. Without a key share the server has to name the group
// it wants in a HelloRetryRequest (RFC 9846 §4.2.4), and the hello stays small.
func (l *look) only13(suites, groups []uint16, share uint16) *hello.Hello {
	return &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13}, ServerName: l.sni,
		Suites: suites, Groups: groups, Share: share, Schemes: schemesWhere(anyScheme),
		Ask: []uint16{hello.ExtStatusRequest},
	}
}

// usual is what an ordinary sender offers: TLS 1.3 and 1.2, no hybrid group.
func (l *look) usual() *hello.Hello {
	h := l.classic(hello.TLS12, nil)
	h.Versions = []uint16{hello.TLS13, hello.TLS12}
	h.Compression = false
	h.Groups, h.Share = commonGroups, hello.X25519
	for _, s := range class.StrongestFirst() {
		if class.Modern(s) || s.TLS13 && s.Cipher != "NULL" {
			h.Suites = append(h.Suites, s.ID)
		}
	}
	return h
}
