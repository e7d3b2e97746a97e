package grade

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/report"
)

// values are the facts that effects may set, their values best first. Where several findings
// set one fact, the worst wins. Of two promises the broken one is worse, and no TLSA record
// is worse than one that at least demands encryption.
var values = [...]struct {
	fact   string
	values []string
}{
	{"D.mxdns", []string{"secure", "insecure", "bogus"}},
	{"D.sts", []string{"enforce", "testing", "none", "absent", "invalid"}},
	{"D.stsLong", []string{"true", "false"}},
	{"D.rpt", []string{"true", "false"}},
	{"M.reach", []string{"true", "false"}},
	{"M.addr", []string{"secure", "insecure", "bogus"}},
	{"M.unsigned", []string{"false", "true"}},
	{"M.tlsa", []string{"match", "unusable", "none", "lookupfail", "mismatch"}},
	{"M.tls", []string{"ok", "legacy", "no"}},
	{"M.forced", []string{"true", "false"}},
	{"M.pkix", []string{"true", "false"}},
	{"M.sts", []string{"true", "false"}},
	{"M.rtls", []string{"true", "false"}},
}

// settings holds, for each fact of values in their order, the worst value seen: one more than
// its place among the fact's values, 0 while the fact is unset. The grade asks many times what
// would be if something were fixed, so this is no map.
type settings [len(values)]uint8

func indexOf(fact string) int {
	for i := range values {
		if values[i].fact == fact {
			return i
		}
	}
	return -1
}

// set ignores facts and values that there are not: the grade never fails.
func (s *settings) set(fact, value string) {
	if fact == "M.tlsa" && value == "insecure" {
		value = string(NoTLSA) // RULES 1
	}
	if i := indexOf(fact); i >= 0 {
		s[i] = max(s[i], uint8(slices.Index(values[i].values, value)+1))
	}
}

func (s *settings) setAll(from *settings) {
	for i, worst := range from {
		s[i] = max(s[i], worst)
	}
}

// or returns the value of a fact, or what holds while it is unset.
func (s *settings) or(fact, unset string) string {
	i := indexOf(fact)
	if s[i] == 0 {
		return unset
	}
	return values[i].values[s[i]-1]
}

// get returns the value of a fact, empty while it is unset.
func (s *settings) get(fact string) string { return s.or(fact, "") }

// effects are the effects of all findings, sorted by what they are about.
type effects struct {
	domain  settings
	every   settings // of every host: M facts of findings that name none
	hosts   []*host  // in the order of the findings
	caps    []report.Letter
	noAPlus []string
	prov    bool
	mail    Mail
}

type host struct {
	name      string
	pref      int
	preferred bool     // pref was set
	own       settings // of the host, whatever the address
	addresses []place
}

// place is one address of a host and what is set for it alone.
type place struct {
	address string
	settings
}

// claim is what a finding says to the grade, which asks often what would be if another were true.
type claim struct {
	rule, host, address string
	effects             []report.Effect
}

// claimsOf are those of findings, one each.
func claimsOf(findings []report.Finding) []claim {
	list := make([]claim, len(findings))
	for i := range findings {
		f := &findings[i]
		list[i] = claim{f.Rule, f.Host, f.Address, f.Effects}
	}
	return list
}

// factsOf merges claims into facts.
func factsOf(list []claim) Facts { return gather(list).facts() }

func gather(list []claim) *effects {
	all := &effects{caps: []report.Letter{}, noAPlus: []string{}}
	for i := range list {
		for _, e := range list[i].effects {
			all.add(&list[i], e)
		}
	}
	for _, h := range all.hosts {
		h.own.setAll(&all.every)
	}
	return all
}

func (all *effects) add(c *claim, e report.Effect) {
	if fact, value, ok := e.Fact(); ok {
		all.set(c, fact, value)
		return
	}
	if letter, ok := e.Cap(); ok {
		if letter.Valid() && !slices.Contains(all.caps, letter) {
			all.caps = append(all.caps, letter)
		}
		return
	}
	switch e {
	case report.NoAPlus:
		if !slices.Contains(all.noAPlus, c.rule) {
			all.noAPlus = append(all.noAPlus, c.rule)
		}
		return
	case report.Provisional:
		all.prov = true
		return
	}
	if _, why, ok := e.NoGrade(); ok {
		for _, m := range slices.Backward(mails) {
			if m.mail == all.mail {
				break
			}
			if m.reason == why {
				all.mail = m.mail
				break
			}
		}
	}
}

func (all *effects) set(c *claim, fact, value string) {
	switch {
	case strings.HasPrefix(fact, "D."):
		all.domain.set(fact, value)
	case !strings.HasPrefix(fact, "M."):
	case c.host == "":
		all.every.set(fact, value)
	default:
		all.host(c.host).set(c.address, fact, value)
	}
}

func (all *effects) host(name string) *host {
	if i := slices.IndexFunc(all.hosts, func(h *host) bool { return h.name == name }); i >= 0 {
		return all.hosts[i]
	}
	h := &host{name: name}
	all.hosts = append(all.hosts, h)
	return h
}

func (h *host) set(address, fact, value string) {
	switch {
	case fact == "M.pref":
		// A host that is listed twice is tried at its best preference.
		if pref, err := strconv.Atoi(value); err == nil && (!h.preferred || pref < h.pref) {
			h.pref, h.preferred = pref, true
		}
	case address == "", fact == "M.addr", fact == "M.unsigned", fact == "M.sts": // these are of the name, never of one address
		h.own.set(fact, value)
	default:
		of := h.of(address)
		if of == nil {
			h.addresses = append(h.addresses, place{address: address})
			of = &h.addresses[len(h.addresses)-1].settings
		}
		of.set(fact, value)
	}
}

// of is what is set for one address alone; nil where nothing is.
func (h *host) of(address string) *settings {
	for i := range h.addresses {
		if h.addresses[i].address == address {
			return &h.addresses[i].settings
		}
	}
	return nil
}

// at returns what holds at one address: its own settings and the host's.
func (h *host) at(address string) settings {
	s := h.own
	if of := h.of(address); of != nil {
		s.setAll(of)
	}
	return s
}

// counts reports whether an address is judged: it was reached, and its STARTTLS was tested.
func (h *host) counts(address string) bool {
	s := h.at(address)
	return s.get("M.reach") == "true" && s.get("M.tls") != ""
}

// counted returns the addresses that count. A host without known addresses has one, "".
func (h *host) counted() []string {
	var list []string
	for _, at := range h.addresses {
		if h.counts(at.address) {
			list = append(list, at.address)
		}
	}
	if len(h.addresses) == 0 && h.counts("") {
		list = append(list, "")
	}
	return list
}

// facts merges a host's addresses (RULES 1): the worst of each fact. What nobody said of an
// address is false; about TLSA records an address that nobody judged says nothing.
func (h *host) facts() HostFacts {
	var merged settings
	addresses := h.counted()
	for _, address := range addresses {
		s := h.at(address)
		merged.setAll(&s)
		for _, fact := range []string{"M.forced", "M.pkix", "M.rtls"} {
			merged.set(fact, s.or(fact, "false"))
		}
	}
	return HostFacts{
		Name:   h.name,
		Pref:   h.pref,
		Addr:   report.State(h.own.or("M.addr", "insecure")),
		TLSA:   TLSA(merged.or("M.tlsa", "none")),
		TLS:    TLS(merged.get("M.tls")),
		Forced: merged.get("M.forced") == "true",
		PKIX:   merged.get("M.pkix") == "true",
		STS:    h.own.get("M.sts") == "true",
		RTLS:   merged.get("M.rtls") == "true",
		Reach:  len(addresses) > 0,

		Unsigned: h.own.get("M.unsigned") == "true",
	}
}

func (all *effects) facts() Facts {
	f := Facts{
		Mail:    all.mail,
		MXDNS:   report.State(all.domain.or("D.mxdns", "insecure")),
		STS:     STS(all.domain.or("D.sts", "absent")),
		STSLong: all.domain.or("D.stsLong", "true") == "true",
		RPT:     all.domain.get("D.rpt") == "true",
		Hosts:   []HostFacts{},
		Caps:    all.caps,
		NoAPlus: all.noAPlus,
		Prov:    all.prov,
	}
	for _, h := range all.hosts {
		f.Hosts = append(f.Hosts, h.facts())
	}
	slices.SortStableFunc(f.Hosts, func(a, b HostFacts) int { return cmp.Compare(a.Pref, b.Pref) })
	return f
}

// counts reports whether what is said of a host, or of one of its addresses, is judged.
func (all *effects) counts(name, address string) bool {
	i := slices.IndexFunc(all.hosts, func(h *host) bool { return h.name == name })
	switch {
	case name == "":
		return true
	case i < 0:
		return false
	case address == "":
		return len(all.hosts[i].counted()) > 0
	}
	return all.hosts[i].counts(address)
}
