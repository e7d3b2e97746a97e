package main

import (
	"fmt"
	"strings"
	"time"

	"mxseal/checks/report"
)

var (
	stateSign = map[report.State]string{report.Secure: "✓", report.Insecure: "!", report.Bogus: "✗", report.Indeterminate: "?"}

	// stateText says what a state means for whoever asks.
	stateText = map[report.State]string{
		report.Secure:        "signed, and every link from the root down to it holds",
		report.Insecure:      "not signed, so whoever can forge DNS answers can change it",
		report.Bogus:         "its signatures do not hold, so resolvers that validate give no answer",
		report.Indeterminate: "whether it is signed could not be told",
	}
)

// ladder draws the chain of trust, root first and the answer last, with the link that breaks
// it marked and, below that, why and who can mend it.
func (p *printer) ladder(margin string, t report.Trust) {
	for _, s := range t.Steps {
		p.line("%s%s is an alias of %s  %s", margin, s.Name, s.Target, p.state(s.State))
	}
	broken := t.Broken()
	for i, l := range t.Chain {
		if i > 0 && !below(l.Zone, t.Chain[i-1].Zone) {
			p.line("%s· the alias leads on to", margin)
		}
		p.rung(margin, zoneName(l.Zone), l.State, l.Reason, l.EDE)
		p.link(margin, l)
		if i == broken {
			p.fault(margin+"│ ", l.Detail, t)
		}
	}
	if t.State == "" || len(t.Chain) == 0 && t.State == report.Secure {
		return
	}
	state, reason, ede := t.State, t.Reason, t.EDE
	if broken < len(t.Chain) {
		reason, ede = "", 0 // the link has said it
	}
	p.rung(margin, "the answer", state, reason, ede)
	if t.Signature != nil {
		p.line("%s     signed %s", margin, span(*t.Signature))
	}
	if broken == len(t.Chain) {
		p.fault(margin+"  ", t.Detail, t)
	}
	if notes := noteTexts(t); notes != "" {
		p.wrapped(margin+"     ", notes)
	}
}

func (p *printer) rung(margin, name string, s report.State, reason string, ede int) {
	line := fmt.Sprintf("%s%s %s  %s", margin, p.paint(stateColour[s], stateSign[s]), p.bold(name), p.state(s))
	if reason != "" {
		line += "  " + reason
	}
	if ede > 0 {
		line += fmt.Sprintf("  (extended DNS error %d)", ede)
	}
	p.line("%s", line)
}

// link writes what leads into a zone and what it has: the DS above it, and its keys.
func (p *printer) link(margin string, l report.Link) {
	if len(l.DS) > 0 {
		var list []string
		for _, d := range l.DS {
			list = append(list, fmt.Sprintf("%d %s %s", d.Tag, algorithmName(d.Algorithm), digestName(d.Digest)))
		}
		p.record(margin, "DS", list, l.DSWindow)
	}
	if len(l.Keys) > 0 {
		var list []string
		for _, k := range l.Keys {
			use := ""
			if k.SEP {
				use = " KSK"
			}
			list = append(list, fmt.Sprintf("%d%s %s %d bits", k.Tag, use, algorithmName(k.Algorithm), k.Bits))
		}
		p.record(margin, "keys", list, l.Window)
	}
}

// maxListed bounds the DS records and keys shown of one zone; the JSON form has them all.
const maxListed = 4

func (p *printer) record(margin, what string, list []string, s *report.Signature) {
	if n := len(list) - maxListed; n > 0 {
		list = append(list[:maxListed:maxListed], fmt.Sprintf("%d more", n))
	}
	line := fmt.Sprintf("%s│    %-5s%s", margin, what, strings.Join(list, " · "))
	if s != nil {
		line += "  signed to " + day(s.Expires)
	}
	p.line("%s", line)
}

func (p *printer) fault(margin, detail string, t report.Trust) {
	if detail != "" {
		p.wrapped(margin+"   ", detail)
	}
	if who := t.WhoActs(); who != "" {
		p.wrapped(margin+"   ", "→ "+who)
	}
}

// below reports whether a zone lies below another.
func below(zone, above string) bool {
	return above == "." || strings.HasSuffix(strings.TrimSuffix(zone, "."), "."+strings.TrimSuffix(above, "."))
}

func zoneName(z string) string {
	if z == "." {
		return ". (the root)"
	}
	return z
}

func span(s report.Signature) string {
	return fmt.Sprintf("%s to %s by key %d, %s", day(s.Inception), day(s.Expires), s.Tag, algorithmName(s.Algorithm))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// algorithmName names a DNSSEC algorithm (IANA registry).
func algorithmName(n uint8) string {
	if name := algorithmNames[n]; name != "" {
		return name
	}
	return fmt.Sprintf("algorithm %d", n)
}

var algorithmNames = map[uint8]string{1: "RSAMD5", 3: "DSA", 5: "RSASHA1", 7: "RSASHA1", 8: "RSASHA256", 10: "RSASHA512",
	12: "GOST", 13: "ECDSAP256", 14: "ECDSAP384", 15: "Ed25519", 16: "Ed448", 17: "SM2", 23: "GOST 2012"}

// digestName names a DS digest type (IANA registry).
func digestName(n uint8) string {
	if name := map[uint8]string{1: "SHA-1", 2: "SHA-256", 3: "GOST", 4: "SHA-384"}[n]; name != "" {
		return name
	}
	return fmt.Sprintf("digest type %d", n)
}

// noteTexts puts the faults that did not decide the state into words.
func noteTexts(t report.Trust) string {
	var list []string
	add := func(where string, notes []string) {
		for _, n := range notes {
			list = append(list, where+report.NoteText(n))
		}
	}
	for _, l := range t.Chain {
		add(zoneName(l.Zone)+": ", l.Notes)
	}
	add("", t.Notes)
	if len(list) == 0 {
		return ""
	}
	return "Noted: " + strings.Join(list, "; ") + "."
}
