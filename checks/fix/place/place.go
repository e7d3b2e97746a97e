// Package place is one finding of a report with what is known about the place that it speaks of:
// what every fix asks of the evidence before it can name the domain's own things.
//
// Names come from strangers, and what is shown is pasted into shells and zones: only what is Plain
// is ever part of it.
package place

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
)

// Place is where a finding of a report has to be fixed.
type Place struct {
	Report   *report.Report
	Rules    report.Catalogue
	Finding  report.Finding
	Rule     report.Rule
	Host     *report.Host       // nil where the finding is about the domain
	Address  *report.Address    // nil where it is about no single address
	Provider *provider.Provider // nil where the domain's owner runs the host
	Needs    []report.Setting   // that any finding of the host wants of the mail server (WithNeeds)
	Lineage  string             // name under which certbot keeps a certificate that is not to be used yet; empty: the host's
}

// Of is the place of a finding.
func Of(r *report.Report, rules report.Catalogue, f report.Finding) Place {
	p := Place{Report: r, Rules: rules, Finding: f, Rule: rules[f.Rule]}
	if f.Host == "" {
		return p
	}
	p.Provider = Operator(f.Host, r.Domain)
	if i := slices.IndexFunc(r.Hosts, func(h *report.Host) bool { return h.Name == f.Host }); i >= 0 {
		p.Host = r.Hosts[i]
		if i := slices.IndexFunc(p.Host.Addresses, func(a *report.Address) bool { return a.IP == f.Address }); i >= 0 {
			p.Address = p.Host.Addresses[i]
		}
	}
	return p
}

// WithNeeds is the place with what all findings of its host want of the mail server.
func (p Place) WithNeeds() Place {
	if p.Finding.Host == "" {
		return p
	}
	for i := range p.Report.Findings {
		p.need(&p.Report.Findings[i])
	}
	p.need(&p.Finding) // which may be no finding of the report
	return p
}

// need adds what another finding wants of the mail server, where it is about the same host.
func (p *Place) need(other *report.Finding) {
	host := p.Finding.Host
	if other.Host != host || !p.Rules.Fixable(*other) {
		return
	}
	rule := p.Rules[other.Rule]
	p.Needs = append(p.Needs, rule.Settings...)
	if rule.Fix == report.ReplaceCertificate && p.Published() && p.Lineage == "" {
		p.Lineage = host + "-" + p.Report.CheckedAt.UTC().Format("20060102") // for every finding of the host: they name one file
	}
}

// Hosted reports whether others than the domain's owner run the host.
func (p Place) Hosted() bool { return p.Provider != nil }

// Published reports whether there are TLSA records for the host.
func (p Place) Published() bool { return p.Host != nil && len(p.Host.TLSA.Records) > 0 }

// Fix is what fixes the finding at this place.
func (p Place) Fix() report.Fix {
	if p.Hosted() {
		return cmp.Or(p.Rule.Hosted, p.Rule.Fix)
	}
	return p.Rule.Fix
}

// Kept is the name under which certbot keeps the certificate that is spoken of.
func (p Place) Kept() string { return cmp.Or(p.Lineage, p.Finding.Host) }

// Param returns a parameter of the finding.
func (p Place) Param(name string) string { return p.Finding.Params[name] }

// AsSaid is what the rule says to be done, as the only step.
func (p Place) AsSaid() []report.Step {
	who := report.Owner
	if p.Host != nil {
		who = p.Server()
	}
	return []report.Step{{Who: who, Kind: report.StepTask, Text: p.Finding.FixText}}
}

// Server is who has to act at the mail server.
func (p Place) Server() report.Who {
	if p.Hosted() {
		return report.Provider
	}
	return report.Operator
}

// Zone is the zone that the finding is about.
func (p Place) Zone() string {
	switch zone := p.Param("zone"); {
	case Plain(zone):
		return zone
	case p.Host != nil:
		return Unsigned(p.Host.DNSSEC, p.Host.Name)
	case p.Report.MX != nil:
		return Unsigned(p.Report.MX.DNSSEC, p.Report.Domain)
	}
	return p.Report.Domain
}

// OwnZone reports whether the zone that the finding is about is the owner's to sign.
func (p Place) OwnZone() bool { return !p.Hosted() || ours(p.Zone(), p.Report.Domain) }

// MX are the MX records that name a host, as lines of a zone.
func (p Place) MX(host string) []string {
	var lines []string
	if p.Report.MX != nil {
		for _, m := range p.Report.MX.Records {
			if m.Host == host {
				lines = append(lines, fmt.Sprintf("%s. IN MX %d %s.", p.Report.Domain, m.Preference, strings.TrimSuffix(m.Host, ".")))
			}
		}
	}
	return lines
}

// Fill puts the names of the place into the {placeholders} of steps.
func (p Place) Fill(steps []report.Step) {
	name := func(placeholder string) (string, bool) {
		switch placeholder {
		case "domain":
			return p.Report.Domain, true
		case "host":
			return p.Finding.Host, true
		case "address":
			return p.Finding.Address, true
		case "zone":
			return p.Zone(), true
		}
		return "", false
	}
	for i := range steps {
		s := &steps[i]
		for _, text := range [...]*string{&s.Text, &s.Code, &s.Where, &s.Wait, &s.Risk} {
			*text = report.Fill(*text, name)
		}
	}
}
