package report

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"slices"
)

// What the mail servers of one report may take together, in octets. A host gets the share that
// falls to each of those that are tested, however little the others need: no host takes what
// another one is judged by, and what is kept does not depend on who answered first.
const (
	HostsRoom  = 360 << 10 // as JSON
	HostsStore = 120 << 10 // compressed, about as it lies in the store
)

// A loss takes something out of the evidence of a host, and reports whether it took anything.
type loss struct {
	what Loss
	take func(*Host) bool
}

// losses are taken in their order, each as often as it takes something, until the host fits:
// first what nothing is judged by. What was cut is untested, and no fault.
var losses = []loss{
	{LossTranscripts, atOnce(transcripts(1 << 10))},
	{LossTranscripts, atOnce(transcripts(0))},
	{LossIdle, atOnce(idle)},
	{LossNames, atOnce(names)},
	{LossProbes, atOnce(probes)},
	{LossTrust, atOnce(trusts(4))},
	{LossReplies, atOnce(replies(120))},
	{LossSuites, atOnce(suites)},
	{LossTLSA, atOnce(records(4 << 10))},
	{LossCertificates, further},
	{LossTrust, atOnce(trusts(2))},
	{LossReplies, atOnce(replies(60))},
	{LossTLSA, atOnce(records(1 << 10))},
	{LossCertificates, first},
	{LossNames, atOnce(skeleton)},
}

func atOnce(take func(*Host)) func(*Host) bool {
	return func(h *Host) bool { take(h); return false }
}

// Fit cuts the evidence of a host until it takes no more than its share among so many hosts that
// are tested. It is to be called before anything is judged. Evidence that others share, as a
// look at one address that serves many domains, is not changed: the host gets its own.
func (h *Host) Fit(hosts int) {
	room, store := HostsRoom/max(hosts, 1), HostsStore/max(hosts, 1)
	text, fits := h.fits(room, store)
	if fits {
		return
	}
	var own Host
	if json.Unmarshal(text, &own) != nil {
		return // unreachable: it was written a moment ago
	}
	known := make(map[string][]byte)
	own.whole(known, false)
	own.whole(known, true)
	*h = own
	for _, l := range losses {
		for more := true; more; {
			more = l.take(h)
			if !slices.Contains(h.Cut, l.what) {
				h.Cut = append(h.Cut, l.what)
			}
			if _, fits = h.fits(room, store); fits {
				return
			}
		}
	}
}

// fits returns a host as JSON, each certificate once, and whether that is within both bounds.
func (h *Host) fits(room, store int) (text []byte, fits bool) {
	text, err := json.Marshal(h.once(make(map[string]bool)))
	if err != nil || len(text) > room {
		return text, false
	}
	if len(text) <= store {
		return text, true
	}
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is a valid one
	z.Write(text)
	z.Close()
	return text, b.Len() <= store
}

// transcripts keeps so many octets of what was said at each address.
func transcripts(octets int) func(*Host) {
	return func(h *Host) {
		for _, a := range h.Addresses {
			if a.SMTP == nil {
				continue
			}
			room := octets
			for i, l := range a.SMTP.Transcript {
				if room -= len(l.Text); room < 0 {
					a.SMTP.Transcript = append(a.SMTP.Transcript[:i:i], Line{MS: l.MS, From: Remark, Statement: Say(SaysRestLeftOut)})
					break
				}
			}
		}
	}
}

// lists are the certificates of each address, and those shown to who names its TLSA base domain.
func (h *Host) lists() (all [][]*Certificate) {
	for _, a := range h.Addresses {
		all = append(all, a.Certificates)
		if a.AsBase != nil {
			all = append(all, a.AsBase.Certificates)
		}
	}
	return all
}

// idle leaves out what was sent in vain.
func idle(h *Host) {
	for _, c := range slices.Concat(h.lists()...) {
		whole := len(c.Chain)
		c.Chain = slices.DeleteFunc(c.Chain, func(l *Certificate) bool { return !l.OnPath })
		c.Omitted += whole - len(c.Chain)
	}
}

// further cuts the last chain that is not the first of its address, first the last that is.
func further(h *Host) bool { return cutLast(h, 1) }

func first(h *Host) bool { return cutLast(h, 0) }

func cutLast(h *Host, from int) bool {
	for _, list := range slices.Backward(h.lists()) {
		for i, c := range slices.Backward(list) {
			if i >= from && c.Kept() {
				c.Cut()
				return true
			}
		}
	}
	return false
}

// trusts keeps so many links of each chain, with two of their keys.
func trusts(links int) func(*Host) {
	return func(h *Host) {
		h.DNSSEC.cut(links)
		for i := range h.Families {
			h.Families[i].DNSSEC.cut(links)
		}
		if h.TLSA.DNSSEC != nil {
			h.TLSA.DNSSEC.cut(links)
		}
	}
}

// names leaves out what addresses and certificates are called beside what they are asked for.
func names(h *Host) {
	h.cutCAA()
	h.TLSA.Reports = nil
	for _, a := range h.Addresses {
		a.PTR = nil
	}
	for _, leaf := range slices.Concat(h.lists()...) {
		for _, c := range append([]*Certificate{leaf}, leaf.Chain...) {
			if more := len(c.Names) - 5; more > 0 {
				c.Names = c.Names[:5]
				c.MoreNames += more
			}
		}
	}
}

// skeleton leaves hardly more than codes, digests and counts.
func skeleton(h *Host) {
	const short = 40
	trusts := []*Trust{&h.DNSSEC, h.TLSA.DNSSEC}
	for i := range h.Families {
		trusts = append(trusts, &h.Families[i].DNSSEC)
		h.Families[i].Failure.cut(short)
	}
	for _, t := range trusts {
		if t == nil {
			continue
		}
		t.Unheard += len(t.Witnesses)
		t.Witnesses, t.Statement, t.Detail = nil, t.Statement.cut(short), Clean(t.Detail, short)
		for i := range t.Chain {
			l := &t.Chain[i]
			l.Statement, l.Detail = l.Statement.cut(short), Clean(l.Detail, short)
		}
		for i := range t.Steps {
			t.Steps[i].Name, t.Steps[i].Target = Clean(t.Steps[i].Name, short), Clean(t.Steps[i].Target, short)
		}
	}
	h.Failure.cut(short)
	h.TLSA.Failure.cut(short)
	for _, c := range slices.Concat(h.lists()...) {
		c.Subject = Clean(c.Subject, short)
		if c.Path != nil {
			for i := range c.Path.Faults {
				f := &c.Path.Faults[i]
				f.About, f.More = Clean(f.About, short), Clean(f.More, short)
			}
		}
	}
	replies(short)(h)
}

func probes(h *Host) {
	for _, a := range h.Addresses {
		if a.TLS == nil {
			continue
		}
		for i := range a.TLS.Probes {
			p := &a.TLS.Probes[i]
			p.Statement, p.Text, p.Offered = Statement{}, "", ""
		}
	}
}

// records keeps so many octets of the TLSA records.
func records(octets int) func(*Host) {
	return func(h *Host) {
		room := octets
		for i, r := range h.TLSA.Records {
			if room -= len(r.Data); room < 0 {
				h.TLSA.Omitted += len(h.TLSA.Records) - i
				h.TLSA.Records = h.TLSA.Records[:i]
				return
			}
		}
	}
}

// replies cuts every text of a mail server to so many octets.
func replies(octets int) func(*Host) {
	return func(h *Host) {
		for _, a := range h.Addresses {
			a.Failure.cut(octets)
			if b := a.AsBase; b != nil {
				b.Reply = Clean(b.Reply, octets)
				b.Failure.cut(octets)
				rungs(b.Ladder, octets)
			}
			s := a.SMTP
			if s == nil {
				continue
			}
			for _, text := range []*string{&s.Banner, &s.Reply, &s.MailReply, &s.Stray} {
				*text = Clean(*text, octets)
			}
			if s.Offer != nil {
				s.Offer.Line = Clean(s.Offer.Line, octets)
			}
			s.MailFailure.cut(octets)
			rungs(s.Ladder, octets)
			for _, list := range []*[]string{&s.EHLO, &s.EHLOTLS} {
				*list = slices.DeleteFunc(*list, func(k string) bool { return len(k) > octets/2 })
				*list = (*list)[:min(len(*list), 12)]
			}
		}
	}
}

func rungs(ladder []Rung, octets int) {
	for i := range ladder {
		r := &ladder[i]
		r.Statement, r.Error = r.Statement.cut(octets), Clean(r.Error, octets)
	}
}

// suites leaves of the lists of a TLS server one suite of each version and class.
func suites(h *Host) {
	for _, a := range h.Addresses {
		if a.TLS == nil {
			continue
		}
		a.TLS.Probes, a.TLS.NotAsked = nil, nil
		type kind struct {
			Version
			Class
		}
		seen := make(map[kind]bool)
		a.TLS.Ciphers = slices.DeleteFunc(a.TLS.Ciphers, func(s Suite) bool {
			of := kind{s.Version, s.Class}
			again := seen[of] && !s.Chosen
			seen[of] = true
			return again
		})
	}
}
