// Package remedy says how to mend what was found, ready to be copied: the record with the
// domain's own names and digests, the policy file for its mail servers, the configuration
// of the mail server that was recognised, the letter to the provider.
//
// It is pure: steps follow from a finding and the evidence of its report. What is said of
// a rule stands in table.go, of a mail server in software.go, of a provider in
// providers.go; a rule that has no row there is given its own remedy as the only step.
// Steps come in the order that breaks nothing: a digest before its key, a file before its
// id, a test before the promise.
package remedy

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
)

// For returns what to do about a finding of a report whose sentences are filled in
// (Finding.Explain); nothing where there is nothing to mend. What the findings of one mail
// server want of an option of its configuration is one line, the same in the steps of each.
func For(r *report.Report, f report.Finding) []report.Step {
	if !mendable(f) {
		return nil
	}
	c := newCase(r, f)
	row, known := table[f.Rule]
	c.settings = row.settings
	for _, other := range append(slices.Clone(r.Findings), f) {
		row := table[other.Rule]
		if other.Host != f.Host || f.Host == "" || !mendable(other) {
			continue
		}
		c.all = append(c.all, row.settings...)
		if row.change == "certificate" && c.host != nil && len(c.host.TLSA.Records) > 0 {
			c.lineage = c.beside() // for every finding of the server: they name one file
		}
	}
	var steps []report.Step
	switch {
	case !known, f.Host != "" && !plain(f.Host):
		steps = c.asSaid()
	case c.hosted() && row.atServer:
		steps = c.hostedSteps()
	default:
		steps = row.steps(c)
	}
	fill := strings.NewReplacer("{domain}", r.Domain, "{host}", f.Host, "{address}", f.Address, "{zone}", c.zone())
	for i := range steps {
		for _, text := range []*string{&steps[i].Text, &steps[i].Code, &steps[i].Where, &steps[i].Wait, &steps[i].Risk} {
			if strings.Contains(*text, "{") {
				*text = fill.Replace(*text)
			}
		}
	}
	return steps
}

// plain reports whether a name holds nothing but letters, digits, hyphens, underscores and
// dots. Names come from strangers, and what is shown here is pasted into shells.
func plain(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) && name[0] != '-'
}

// mendable reports whether there is something to be done that moves the letter.
func mendable(f report.Finding) bool {
	if f.Remedy == "" || f.Verdict == report.Pass || f.Verdict == report.Untested {
		return false
	}
	if _, more := opened[f.Rule]; more {
		return true
	}
	return len(f.Repaired) > 0 || slices.ContainsFunc(f.Effects, func(e report.Effect) bool {
		_, capped := e.Cap()
		return capped || e == report.NoAPlus
	})
}

// the is one finding with what is known about the place it speaks of.
type the struct {
	r        *report.Report
	finding  report.Finding
	host     *report.Host       // nil where the finding is about the domain
	address  *report.Address    // nil where it is about no single address
	provider *provider.Provider // nil where the domain's owner runs the host
	lineage  string             // the name under which certbot keeps the certificate spoken of, where that is not the host's
	settings []string           // of the mail server that mend the finding
	all      []string           // those that its other findings need as well
}

func newCase(r *report.Report, f report.Finding) the {
	c := the{r: r, finding: f}
	if i := slices.IndexFunc(r.Hosts, func(h *report.Host) bool { return h.Name == f.Host }); i >= 0 && f.Host != "" {
		c.host = r.Hosts[i]
		if i := slices.IndexFunc(c.host.Addresses, func(a *report.Address) bool { return a.IP == f.Address }); i >= 0 {
			c.address = c.host.Addresses[i]
		}
	}
	if f.Host != "" {
		c.provider = operator(f.Host, r.Domain)
	}
	return c
}

// names are those that an own mail server goes by, now and once the MX record names it and
// not an alias of it.
func names(h *report.Host, domain string) []string {
	proper := strings.TrimSuffix(h.Canonical, ".")
	if proper == "" || proper == h.Name || !plain(proper) || !ours(proper, domain) {
		return []string{h.Name}
	}
	return []string{h.Name, proper}
}

// hosted reports whether others than the domain's owner run the host.
func (c the) hosted() bool { return c.provider != nil }

// who has to act at the mail server.
func (c the) server() string {
	if c.hosted() {
		return "provider"
	}
	return "server"
}

// param returns a parameter of the finding.
func (c the) param(name string) string { return c.finding.Params[name] }

// asSaid is the remedy of the rule as the only step.
func (c the) asSaid() []report.Step {
	who := "owner"
	if c.host != nil {
		who = c.server()
	}
	return []report.Step{{Who: who, Kind: "task", Text: c.finding.Remedy}}
}

// ours reports whether a name stands in the domain, or beside it under one registration.
func ours(name, domain string) bool {
	if name == domain || strings.HasSuffix(name, "."+domain) {
		return true
	}
	a, errA := publicsuffix.EffectiveTLDPlusOne(name)
	b, errB := publicsuffix.EffectiveTLDPlusOne(domain)
	return errA == nil && errB == nil && a == b
}

// operator returns who runs a host for others; nil where it is the domain's own.
func operator(host, domain string) *provider.Provider {
	if ours(host, domain) || domain == "" {
		return nil
	}
	if p := provider.Of(host); p != nil {
		return p
	}
	above, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		above = host
	}
	return &provider.Provider{Name: "the operator of " + above}
}

// unsigned returns the zone that keeps an answer from being secure: the first link of the
// chain that is not; name if there is none.
func unsigned(t report.Trust, name string) string {
	for _, link := range t.Chain {
		if zone := strings.TrimSuffix(link.Zone, "."); link.State != report.Secure && plain(zone) {
			return zone
		}
	}
	return name
}

// zone is the zone that the finding is about.
func (c the) zone() string {
	switch zone := c.param("zone"); {
	case plain(zone):
		return zone
	case c.host != nil:
		return unsigned(c.host.DNSSEC, c.host.Name)
	case c.r.MX != nil:
		return unsigned(c.r.MX.DNSSEC, c.r.Domain)
	}
	return c.r.Domain
}
