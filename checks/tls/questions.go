package tls

import (
	"cmp"
	"crypto/tls"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

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
func (p *prober) classic(version uint16, suites []uint16) *hello.Hello {
	h := &hello.Hello{Version: version, Suites: suites, Compression: true}
	if version == hello.SSL3 {
		return h
	}
	h.ServerName = p.sni
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
func (p *prober) only13(suites, groups []uint16, share uint16) *hello.Hello {
	return &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13}, ServerName: p.sni,
		Suites: suites, Groups: groups, Share: share, Schemes: schemesWhere(anyScheme),
		Ask: []uint16{hello.ExtStatusRequest},
	}
}

// usual is what an ordinary sender offers: TLS 1.3 and 1.2, no hybrid group.
func (p *prober) usual() *hello.Hello {
	h := p.classic(hello.TLS12, nil)
	h.Versions = []uint16{hello.TLS13, hello.TLS12}
	h.Compression = false
	h.Groups, h.Share = commonGroups, hello.X25519
	for _, s := range strongestFirst() {
		if modern(s) || s.TLS13 && s.Cipher != "NULL" {
			h.Suites = append(h.Suites, s.ID)
		}
	}
	return h
}

// everything finds out what the server chooses from all there is, best first. A server
// whose first handshake was TLS 1.3 has said so already.
func (p *prober) everything(first *tls.ConnectionState) {
	if first != nil && first.Version == tls.VersionTLS13 {
		p.suite(first.Version, first.CipherSuite, 0).Chosen = true
		return
	}
	h := p.usual()
	h.Suites = ids(strongestFirst())
	h.Groups = append(slices.Clone(commonGroups), curvesWhere(func(g hello.Group) bool {
		return strongCurve(g) && !slices.Contains(commonGroups, g.ID)
	})...)
	h.Versions = []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10}
	if a := p.ask("everything", h); a.accepted() {
		f := a.flight
		p.suite(f.Version, f.Suite, 0).Chosen = true
		if first == nil && a.completed {
			p.tls.Version, p.tls.Cipher = hello.VersionName(f.Version), hello.SuiteOf(f.Suite).Name
			if f.Group != 0 {
				p.tls.Group = hello.GroupOf(f.Group).Name
			}
		}
	}
	if first != nil { // the best it shares with us, though not with the whole of this hello
		p.suite(first.Version, first.CipherSuite, 0)
	}
}

// tls12 offers all suites there are in TLS 1.2, until no more is accepted. The first answer
// is in the best version that the server has up to that; a refusal rules out all.
func (p *prober) tls12() {
	answered, a := p.enumerate(hello.TLS12, weakestFirst(hello.TLS12), 0)
	if answered == 0 && p.confirmed(a) {
		p.refuseFrom(hello.TLS12)
	}
}

// older goes on below the version that has answered: one hello offers all that a version
// knows, the server answers with the best it has, and the next hello stops just below. A
// refusal rules out whatever is left.
func (p *prober) older() {
	p.unsure = nil
	for p.lowest > hello.SSL3 {
		v := p.lowest - 1
		answered, a := p.enumerate(v, weakestFirst(v), 1)
		if answered == 0 {
			if p.unsure == nil && p.confirmed(a) {
				p.refuseFrom(v)
			}
			break
		}
	}
	if len(p.tls.Versions) == 0 && slices.Contains(p.tls.Refused, "SSL3") && p.stopped == "" { // perhaps it stumbles over extensions
		p.enumerate(hello.SSL3, weakestFirst(hello.SSL3), 1)
	}
}

// refuseFrom notes that no version from v down to SSL 3.0 is there.
func (p *prober) refuseFrom(v uint16) {
	for ; v >= hello.SSL3; v-- {
		p.refuse(v)
	}
}

// descend notes which version has answered an offer of v and all below.
func (p *prober) descend(v, answered uint16) {
	for ; v > answered; v-- {
		p.refuse(v)
	}
	if p.highest == 0 {
		p.highest = answered
	}
	if p.lowest == 0 || answered < p.lowest {
		p.lowest = answered
	}
	p.pass("TLS1.2" + firstAnswer)
}

// leftovers offers at the lowest version what no other one showed: some libraries keep
// their worst suites for old versions.
//
// Before that it settles what older has left open until all of TLS 1.2 was known: whether a
// list was refused for what is in it, or for its length.
func (p *prober) leftovers() {
	if p.unsure != nil {
		if !p.wide {
			p.older()
		} else if p.confirmed(*p.unsure) {
			p.refuseFrom(p.lowest - 1)
		}
	}
	if p.lowest == 0 || p.lowest == hello.TLS12 {
		return
	}
	shown := make(map[int]bool)
	for _, c := range p.tls.Ciphers {
		if s, ok := hello.SuiteNamed(c.Name); ok {
			shown[familyOf(s)] = true
		}
	}
	p.enumerate(p.lowest, slices.DeleteFunc(weakestFirst(p.lowest), func(s hello.Suite) bool {
		return shown[familyOf(s)] && !p.full || p.has(s.Name)
	}), 0)
}

// spare is how many connections are kept for what has to be asked once more at the end.
const spare = 4

// eachVersion lists at full depth every version below TLS 1.2 by itself. It comes last: what
// the connections no longer suffice for is noted as not asked, and by then it can only be what
// a newer version has shown already.
func (p *prober) eachVersion() {
	for v := hello.TLS11; v >= hello.SSL3; v-- {
		name := hello.VersionName(v)
		if !slices.Contains(p.tls.Versions, name) {
			continue
		}
		list := weakestFirst(v)
		slices.SortStableFunc(list, func(a, b hello.Suite) int { // the likely ones first
			return cmp.Compare(bit(!p.has(a.Name)), bit(!p.has(b.Name)))
		})
		for len(list) > 0 && p.stopped == "" {
			list = slices.DeleteFunc(list, func(s hello.Suite) bool { return p.settled(v, s, nil) })
			offer := list
			if !p.wide {
				offer = list[:min(len(list), short)]
			}
			if len(offer) == 0 {
				break
			}
			if p.left <= spare {
				for _, s := range list {
					if p.has(s.Name) {
						p.tls.NotAsked = append(p.tls.NotAsked, report.Suite{Version: name, Name: s.Name, Class: classOf(s, 0)})
					}
				}
				break
			}
			a := p.ask(name, p.classic(v, ids(offer)))
			switch {
			case a.accepted() && a.flight.Version == v:
			case a.accepted(), a.refused():
				list = list[len(offer):]
			default:
				return
			}
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *prober) has(suite string) bool {
	for _, c := range p.tls.Ciphers {
		if c.Name == suite {
			return true
		}
	}
	return false
}

// enumerate asks which of the suites a version accepts: each hello offers what is not yet
// known, each answer takes one suite away (at standard depth its whole family), and a
// refusal ends it. It returns the version that answered, 0 for none, and the last answer.
// At most limit suites are asked for, 0 for all; an answer in a lower version ends it.
//
// Lists of more than 64 suites are too long for some servers, which stop reading there. A
// pick from beyond shows that this one reads on; without such a pick a refusal is asked
// again in lists of 64.
func (p *prober) enumerate(version uint16, suites []hello.Suite, limit int) (answered uint16, last answer) {
	hit := make(map[int]bool)
	split := func(list []hello.Suite) (windows [][]hello.Suite) {
		for end := len(list); end > 0; end -= short {
			windows = append(windows, list[max(0, end-short):end])
			if limit == 1 { // only whether the version is there: the usual suites tell
				break
			}
		}
		return windows
	}
	windows := [][]hello.Suite{suites}
	if p.unclear > 0 && !p.wide { // it was silent before, perhaps at the length
		windows = split(suites)
	}
	for len(windows) > 0 {
		list := slices.DeleteFunc(slices.Clone(windows[0]), func(s hello.Suite) bool { return p.settled(version, s, hit) })
		if len(list) == 0 {
			windows = windows[1:]
			continue
		}
		h := p.classic(version, ids(list))
		if version == hello.TLS12 && len(p.picks) >= sure {
			last = p.carry(hello.VersionName(version), h)
		} else {
			last = p.ask(hello.VersionName(version), h)
		}
		long := !p.wide && len(list) > short
		switch {
		case last.accepted():
			at := slices.Index(h.Suites, last.flight.Suite)
			p.wide = p.wide || at >= short
			answered = max(answered, last.flight.Version)
			p.descend(version, last.flight.Version)
			if last.flight.Version != version {
				return answered, last
			}
			if version == hello.TLS12 {
				p.picks = append(p.picks, pick{last.flight.Suite, h.Suites})
			}
			hit[familyOf(list[at])] = true
			if limit--; limit == 0 {
				return answered, last
			}
		case long && p.stopped == "" && last.alert != alertProtocolVersion:
			if version < hello.TLS12 && !p.passed["TLS1.2"] {
				p.unsure = &last // the picks of TLS 1.2 may yet show that the server reads on
				return answered, last
			}
			windows = split(list)
		case last.refused():
			windows = windows[1:]
		default:
			return answered, last
		}
	}
	return answered, last
}

const alertProtocolVersion = 70

// short is how long a list of suites may be for every server.
const short = 64

// sure is after how many picks a server is taken to have more: fewer are what a strict one has.
const sure = 4

// settled reports whether nothing is to be learned from offering a suite again: it is
// known, or at standard depth its family is. Of the ECDHE families both key types are
// wanted until a certificate of each was seen.
func (p *prober) settled(version uint16, s hello.Suite, hit map[int]bool) bool {
	for _, c := range p.tls.Ciphers {
		if c.Version == hello.VersionName(version) && c.Name == s.Name && (p.full || hit[familyOf(s)]) {
			return true
		}
	}
	if p.full || !hit[familyOf(s)] {
		return false
	}
	return s.KeyExchange != "ECDHE" || s.Auth == "anon" || p.auths[s.Auth]
}

// ssl2 asks for SSL 2.0, which no library has that has TLS 1.3.
func (p *prober) ssl2() {
	if slices.Contains(p.tls.Versions, "TLS1.3") && !p.full {
		p.note("SSL2", "refused", "inferred: no library has both TLS 1.3 and SSL 2.0")
		p.refuse(hello.SSL2)
		return
	}
	if p.ask("SSL2", &hello.Hello{Version: hello.SSL2}).refused() {
		p.refuse(hello.SSL2)
	}
}
