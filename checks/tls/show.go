package tls

import (
	"cmp"
	"fmt"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is what the first ordinary handshake with a mail server agreed on.
var Column = view.Column{Name: "TLS", Check: ID, Word: func(_ report.Observed, _ *report.Host, a *report.Address) view.Word {
	t := a.TLS
	if t == nil || t.Version == "" {
		return view.Word{Text: "none"}
	}
	return view.Word{Text: view.Version(t.Version), More: strings.TrimSpace(t.Cipher + " " + t.Group)}
}}

// Show says what each address has after STARTTLS: versions, suites, key exchange and features,
// each with its class and how others see it, and what was asked for it.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	for _, h := range o.Hosts {
		for _, a := range h.Addresses {
			if a.TLS != nil {
				list = append(list, view.Section{Check: ID, Host: h.Name, Address: a.IP, Title: "TLS", Brief: view.Version(a.TLS.Version), Blocks: blocks(a.TLS)})
			}
		}
	}
	return list
}

func blocks(t *report.TLS) []view.Block {
	list := []view.Block{append(agreed(t), features(t)...)}
	for _, table := range []view.Table{protocols(t.Protocols), suitesAccepted(t.Ciphers), exchanges(t.KeyExchange)} {
		if len(table.Rows) > 0 {
			list = append(list, table)
		}
	}
	if len(t.Probes) > 0 {
		list = append(list, view.Fold{Title: "What was asked", Brief: view.Plural(len(t.Probes), "probe"), Blocks: []view.Block{asked(t.Probes)}})
	}
	return list
}

// agreed is what a server agrees to in an ordinary handshake. What a table says is not said twice.
func agreed(t *report.TLS) view.Facts {
	var facts view.Facts
	facts.Add("First handshake", strings.TrimSpace(view.Version(t.Version)+" "+t.Cipher+" "+t.Group))
	if t.SeenAs != "" && t.SeenAt != nil {
		facts.Add("Under another name", "The certificates were asked for under this host's name; all that does not depend on the name was seen under "+t.SeenAs+", "+view.Moment(*t.SeenAt)+".")
	}
	if len(t.Protocols) == 0 {
		facts.Add("Versions accepted", view.Versions(t.Versions))
		facts.Add("Versions refused", view.Versions(t.Refused))
	}
	if len(t.KeyExchange) == 0 {
		facts.Add("Key exchange groups", view.Joined(t.Groups))
		if t.DHBits > 0 {
			facts.AddMore("Diffie-Hellman", fmt.Sprint(t.DHBits)+" bit", view.Joined(t.DHGroups))
		}
	}
	facts.Add("Cipher chosen by", string(t.Preference))
	if t.Staple != nil {
		facts.Add("Stapled OCSP", string(t.Staple.Status))
	}
	if t.Connections > 0 {
		facts.AddMore("Connections for TLS", fmt.Sprint(t.Connections), fmt.Sprintf("%d brought to the end of the handshake and closed with QUIT", t.Completed))
	}
	return facts
}

// features are what the handshakes told on the side, as far as it was looked at.
func features(t *report.TLS) view.Facts {
	var facts view.Facts
	if f := t.Features; f != nil {
		for _, x := range []struct {
			name string
			on   *bool
		}{
			{"Extended master secret", f.ExtendedMasterSecret},
			{"Secure renegotiation", f.SecureRenegotiation},
			{"Renegotiation at a client's wish", f.Renegotiation},
			{"Compression", f.Compression},
			{"Encrypt-then-MAC", f.EncryptThenMAC},
			{"Truncated HMAC", f.TruncatedHMAC},
			{"Heartbeat", f.Heartbeat},
			{"Stumbles over ML-KEM", f.HybridIntolerant},
			{"Stumbles over unknown values (GREASE)", f.GREASEIntolerant},
			{"Needs a server name (SNI)", f.NeedsSNI},
			{"Refuses an unknown server name (SNI)", f.RefusesUnknownName},
			{"Has downgrade protection", f.FallbackSCSV},
			{"Signs with SHA-1 or MD5 if asked", f.WeakHash},
			{"Session tickets", f.Tickets},
			{"Resumes sessions", f.Resumed},
			{"0-RTT", f.EarlyData},
		} {
			if x.on != nil {
				facts.Add(x.name, view.YesNo(x.on))
			}
		}
		facts.Add("Signature in TLS 1.3", f.CertificateVerify)
		facts.Add("Signature in TLS 1.2", cmp.Or(f.KeyExchangeScheme, f.KeyExchangeHash))
	}
	if t.TicketLifetime > 0 {
		facts.Add("Tickets are valid for", view.Duration(int64(t.TicketLifetime)))
	}
	return facts
}

// standings are the heads of how others see a version, a suite or a group.
var recommendations = []view.Head{{Name: "IETF", Explained: "RFC 9325 and what updates it"},
	{Name: "NCSC-NL", Explained: "IT Security Guidelines for TLS, 2025-05"}, {Name: "BSI", Explained: "TR-02102-2, 2026-01"}}

// seen is how others see it; a dash where they say nothing.
func seen(s report.Recommended) (cells []view.Cell) {
	for _, word := range []string{s.IETF, s.NCSC, s.BSI} {
		cells = append(cells, view.Cell{Text: cmp.Or(word, "–")})
	}
	return cells
}

func protocols(list []report.Protocol) view.Table {
	t := view.Table{Title: "Versions", Heads: append([]view.Head{{Name: "Version"}, {Name: "Answer"}, {Name: "Class"}}, recommendations...)}
	for _, v := range list {
		answer := "refused"
		if v.Accepted {
			answer = "accepted"
		}
		t.Rows = append(t.Rows, append([]view.Cell{{Text: view.Version(v.Version)}, {Text: answer}, {Text: string(v.Class)}}, seen(v.Recommended)...))
	}
	return t
}

func suitesAccepted(list []report.Suite) view.Table {
	t := view.Table{Title: "Cipher suites accepted", Heads: append([]view.Head{{Name: "Version"}, {Name: "Suite"}, {Name: "Class"}}, recommendations...)}
	for _, s := range list {
		class := view.Cell{Text: string(s.Class)}
		if s.Chosen {
			class.More = "chosen"
		}
		t.Rows = append(t.Rows, append([]view.Cell{{Text: view.Version(s.Version)}, {Text: s.Name, Code: true}, class}, seen(s.Recommended)...))
	}
	return t
}

func exchanges(list []report.Exchange) view.Table {
	t := view.Table{Title: "Key exchange", Heads: append([]view.Head{{Name: "Group"}, {Name: "Bits"}, {Name: "In"}, {Name: "Class"}}, recommendations...)}
	for _, x := range list {
		t.Rows = append(t.Rows, append([]view.Cell{{Text: x.Name, Code: true}, {Text: fmt.Sprint(x.Bits)}, {Text: view.Versions(x.Versions)}, {Text: string(x.Class)}}, seen(x.Recommended)...))
	}
	return t
}

func asked(list []report.Probe) view.Table {
	t := view.Table{Heads: []view.Head{{Name: "Probe"}, {Name: "Answer"}, {Name: "What came, and what was offered"}}}
	for _, p := range list {
		answer := view.Cell{Text: string(p.Result)}
		if p.Completed {
			answer.More = "completed"
		}
		t.Rows = append(t.Rows, []view.Cell{{Text: p.Name}, answer, {Text: p.Text, More: p.Offered}})
	}
	return t
}
