package ask

import (
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/class"
)

// hellos makes the ClientHellos that are the questions, for one name of a host; RULES 2.6 says
// what the answers mean.
type hellos struct {
	sni string // empty for none
}

// classic is a hello up to TLS 1.2 that asks for everything the answer tells on the side.
func (m hellos) classic(version uint16, suites []uint16) *hello.Hello {
	h := &hello.Hello{Version: version, Suites: suites, Compression: true}
	if version == hello.SSL3 {
		return h
	}
	h.ServerName = m.sni
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
func (m hellos) only13(suites, groups []uint16, share uint16) *hello.Hello {
	return &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13}, ServerName: m.sni,
		Suites: suites, Groups: groups, Share: share, Schemes: schemesWhere(anyScheme),
		Ask: []uint16{hello.ExtStatusRequest},
	}
}

// usual is what an ordinary sender offers: TLS 1.3 and 1.2, no hybrid group.
func (m hellos) usual() *hello.Hello {
	h := m.classic(hello.TLS12, nil)
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

// everything is what a client would offer that knows all there is from TLS 1.0 on, best first.
func (m hellos) everything() *hello.Hello {
	h := m.usual()
	h.Suites = class.IDs(class.StrongestFirst())
	h.Groups = append(slices.Clone(commonGroups), curvesWhere(func(g hello.Group) bool {
		return strongCurve(g) && !slices.Contains(commonGroups, g.ID)
	})...)
	h.Versions = []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10}
	return h
}

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
