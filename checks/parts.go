package checks

import (
	"context"
	"encoding/json"
	"iter"
	"net/netip"
	"slices"

	"mxseal/checks/input"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// A check of many domains is made in parts, so that a mail server is looked at once for all that share
// it: Resolve asks about a domain and says which calls on mail servers it rests on, Look makes a call,
// Conclude puts the two together. Each part is a report that can be kept in between; what comes out is
// what Run would have said.

// Call is one on a mail server: an address, and the name by which it is called there.
type Call struct {
	Address netip.Addr `json:"address"`
	Name    string     `json:"name"` // A-label
}

// EnoughAlike is how many names an address has to have answered alike, to be taken to answer so to others:
// AlikeOf needs no more looks.
const EnoughAlike = 3

// Resolve is the first part: all that is asked about a domain, but nothing of its mail servers. The
// report is not judged. It has to be followed by the calls, each once, whoever makes it.
func (e *Engine) Resolve(ctx context.Context, d input.Domain, id string) (*report.Report, []Call) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	run := e.newRun(e.beginFor(d, id), nil)
	run.apart = true
	run.domain(ctx)
	run.close(ctx)
	var calls []Call
	for _, h := range tested(run.r) {
		for _, addr := range called(h) {
			calls = append(calls, Call{addr, h.Name})
			if base := alsoCalled(h); base != "" {
				calls = append(calls, Call{addr, base})
			}
		}
	}
	return run.r, calls
}

// tested are the mail exchangers of a report that are looked at.
func tested(r *report.Report) []*report.Host {
	return slices.DeleteFunc(slices.Clone(r.Hosts), func(h *report.Host) bool { return h.NotTested != "" })
}

// called are the addresses of a mail exchanger that are looked at.
func called(h *report.Host) iter.Seq2[*report.Address, netip.Addr] {
	return func(yield func(*report.Address, netip.Addr) bool) {
		for _, a := range h.Addresses {
			if addr, err := netip.ParseAddr(a.IP); err == nil && a.NotTested == "" && !yield(a, addr) {
				return
			}
		}
	}
}

// Look is the second part: one call on a mail server, for a domain and all others that share it. The
// report holds one host with one address and is not judged.
func (e *Engine) Look(ctx context.Context, c Call, domain string) *report.Report {
	return e.lookAt(ctx, c, domain, false)
}

// lookAt is Look; for another vantage what is remembered will not do, and no other is asked in turn.
func (e *Engine) lookAt(ctx context.Context, c Call, domain string, forOther bool) *report.Report {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	r := e.begin("")
	r.Domain = domain
	run := e.newRun(r, nil)
	run.anew = forOther
	run.purse = newPurse(e.cfg.Depth, 1)
	defer run.purse.close()
	h := &report.Host{Name: c.Name, Addresses: []*report.Address{{IP: c.Address.String()}}}
	r.Hosts = []*report.Host{h}
	for a, t := range run.purse.queue(0, h) {
		run.address(ctx, h, a, t)
	}
	if !forOther {
		run.elsewhere(ctx)
	}
	h.Fit(1)
	run.close(ctx)
	return r
}

// Conclude is the last part: it writes into the report of Resolve what the calls have shown, and
// judges it, without a sentence (Explain). seen returns the report of a look at the address under the name, or under another one
// for which Alike says that it stands; nil where there is none.
func (e *Engine) Conclude(r *report.Report, seen func(Call) *report.Report) *report.Report {
	run := e.newRun(r, nil)
	hosts := tested(r)
	for _, h := range hosts {
		for a, addr := range called(h) {
			run.show(a, seen(Call{addr, h.Name}), h.Name)
			if base := alsoCalled(h); base != "" && speaksTLS(a) {
				var as report.Address
				run.show(&as, seen(Call{addr, base}), base)
				a.AsBase = shownAs(base, as, as.SeenAt)
			}
		}
		h.Fit(len(hosts))
	}
	run.judge(r)
	return r
}

// show writes into an address what a look has shown, as it is seen under a name.
func (run *run) show(a *report.Address, seen *report.Report, name string) {
	of := lookedAt(seen)
	if of == nil || of.SMTP == nil {
		missing := alone(report.Failed(report.PhaseConnect, report.KindSpent, report.Say(report.SaysCheckOver)))
		a.SMTP, a.Failure = missing.SMTP, missing.Failure
		return
	}
	r := run.r
	r.Meet(seen.Conditions...)
	r.HeldBack = r.HeldBack || seen.HeldBack
	r.Faults = append(r.Faults, seen.Faults...)
	if r.Interrupted == "" {
		r.Interrupted = seen.Interrupted
	}
	h, at := seen.Hosts[0], seen.CheckedAt
	if of.SeenAt != nil {
		at = *of.SeenAt
	}
	a.SeenAt = &at
	a.Reachable, a.Failure, a.Connections = of.Reachable, of.Failure, of.Connections
	a.SMTP, a.TLS, a.Certificates, a.Elsewhere = own(of.SMTP), own(of.TLS), of.Certificates, of.Elsewhere
	if name == h.Name {
		return
	}
	a.Certificates = nil
	for _, c := range of.Certificates {
		under := run.roots.Describe(sent(c), name, at)
		under.Via = c.Via
		a.Certificates = append(a.Certificates, under)
	}
	if a.TLS != nil && a.TLS.SeenAs == "" {
		a.TLS.SeenAs, a.TLS.SeenAt = h.Name, &at
	}
}

// sent is the list of certificates that a server sent, the leaf first.
func sent(c *report.Certificate) [][]byte {
	list := [][]byte{c.DER}
	for _, above := range c.Chain {
		list = append(list, above.DER)
	}
	return list
}

// Alike says under which names an address answers alike. The zero value: it is not known of any.
type Alike struct {
	Any   bool       `json:"any,omitempty"`   // whatever the name
	Names [][]string `json:"names,omitempty"` // those in each of the certificates that it shows (SAN dNSNames)
}

// AlikeOf says what the looks at one address, each under another name, allow to say of further names.
// Where nobody gets as far as TLS the name does not matter. Else so many names in a row must have
// been shown the same certificates, whole, and these stand for the names that they cover.
func AlikeOf(looks []*report.Report) (alike Alike) {
	shown := make(map[string]bool)
	var last *report.Address
	for _, r := range looks {
		a := lookedAt(r)
		if a == nil || a.SMTP == nil || a.Failure != nil && report.Own(a.Failure.Kind) || r.Troubled() {
			return Alike{}
		}
		if !speaksTLS(a) {
			return Alike{Any: true}
		}
		shown[showing(a)], last = true, a
	}
	if len(looks) < EnoughAlike || len(shown) != 1 {
		return Alike{}
	}
	if last.SMTP.STARTTLS == report.HandshakeFailed {
		return Alike{Any: true}
	}
	for _, c := range last.Named() {
		if !c.Kept() || c.Omitted > 0 || c.MoreNames > 0 {
			return Alike{}
		}
		alike.Names = append(alike.Names, c.Names)
	}
	return alike
}

// lookedAt is the address that a look is about; nil where the report is of something else.
func lookedAt(r *report.Report) *report.Address {
	if r == nil || len(r.Hosts) != 1 || len(r.Hosts[0].Addresses) != 1 {
		return nil
	}
	return r.Hosts[0].Addresses[0]
}

// speaksTLS reports whether an address got as far as TLS, where the name that is sent may matter.
func speaksTLS(a *report.Address) bool {
	return a.SMTP.STARTTLS == report.Works || a.SMTP.STARTTLS == report.HandshakeFailed
}

// To reports whether an address answers so to a name too.
func (a Alike) To(name string) bool {
	return a.Any || len(a.Names) > 0 && !slices.ContainsFunc(a.Names, func(names []string) bool { return !pkix.NameMatches(names, name) })
}

// showing is what tells one answer of an address from another: how STARTTLS ended, and the certificates.
func showing(a *report.Address) string {
	var list []string
	for _, c := range a.Named() {
		list = append(list, c.SHA256)
	}
	slices.Sort(list)
	text, _ := json.Marshal(append([]string{string(a.SMTP.STARTTLS)}, slices.Compact(list)...)) // of strings
	return string(text)
}
