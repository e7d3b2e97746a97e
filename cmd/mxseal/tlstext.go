package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"mxseal/checks/report"
)

// tlsTables prints what a mail server has after STARTTLS: versions, suites, key exchange and
// features, each with its class and how others see it, and what was asked for it.
func (p *printer) tlsTables(t *report.TLS) {
	if t == nil {
		return
	}
	if len(t.Protocols) > 0 {
		rows := [][]string{{"version", "answer", "class", "IETF", "NCSC-NL", "BSI"}}
		for _, v := range t.Protocols {
			answer := "refused"
			if v.Accepted {
				answer = "accepted"
			}
			rows = append(rows, standing(v.Standing, string(v.Version), answer, string(v.Class)))
		}
		p.table(rows)
	}
	if len(t.Ciphers) > 0 {
		rows := [][]string{{"version", "suite", "class", "IETF", "NCSC-NL", "BSI"}}
		for _, s := range t.Ciphers {
			class := string(s.Class)
			if s.Chosen {
				class += ", chosen"
			}
			rows = append(rows, standing(s.Standing, string(s.Version), s.Name, class))
		}
		p.table(rows)
	}
	if len(t.KeyExchange) > 0 {
		rows := [][]string{{"group", "bits", "in", "class", "IETF", "NCSC-NL", "BSI"}}
		for _, x := range t.KeyExchange {
			in := strings.Trim(fmt.Sprint(x.Versions), "[]")
			rows = append(rows, standing(x.Standing, x.Name, fmt.Sprint(x.Bits), in, string(x.Class)))
		}
		p.table(rows)
	}
	if rows := tlsFeatures(t); len(rows) > 0 {
		p.table(append([][]string{{"feature", ""}}, rows...))
	}
	if len(t.Probes) > 0 {
		p.line("%s", p.bold(fmt.Sprintf("%swhat was asked, in %s, %d of them brought to the end of the handshake", margin, count(t.Connections, "connection"), t.Completed)))
		for _, q := range t.Probes {
			p.line("%s%-28s %-9s %s", margin, q.Name, q.Result, q.Text)
			if q.Offered != "" {
				p.wrapped(margin+"    ", "offered "+q.Offered)
			}
		}
	}
}

const margin = "          "

// standing ends a row by how others see it, a dash where they say nothing.
func standing(s report.Standing, row ...string) []string {
	return append(row, cmp.Or(s.IETF, "–"), cmp.Or(s.NCSC, "–"), cmp.Or(s.BSI, "–"))
}

// table prints rows in columns, the first row as the head.
func (p *printer) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		}
		line = margin + strings.TrimRight(line, " ")
		if n == 0 {
			line = p.bold(line)
		}
		p.line("%s", line)
	}
	p.line("")
}

// tlsFeatures are what the handshakes told on the side, as far as it was looked at.
func tlsFeatures(t *report.TLS) [][]string {
	f := t.Features
	if f == nil {
		return nil
	}
	var rows [][]string
	for _, x := range []struct {
		name string
		on   *bool
	}{
		{"extended master secret", f.ExtendedMasterSecret},
		{"secure renegotiation", f.SecureRenegotiation},
		{"renegotiation at a client's wish", f.Renegotiation},
		{"compression", f.Compression},
		{"encrypt-then-MAC", f.EncryptThenMAC},
		{"truncated HMAC", f.TruncatedHMAC},
		{"heartbeat", f.Heartbeat},
		{"stumbles over ML-KEM", f.HybridIntolerant},
		{"stumbles over unknown values", f.GREASEIntolerant},
		{"needs a server name", f.NeedsSNI},
		{"refuses an unknown server name", f.RefusesUnknownName},
		{"notices a needless step down", f.FallbackSCSV},
		{"signs with SHA-1 or MD5 if asked", f.WeakHash},
		{"session tickets", f.Tickets},
		{"resumes sessions", f.Resumed},
		{"0-RTT", f.EarlyData},
	} {
		if x.on != nil {
			rows = append(rows, []string{x.name, map[bool]string{true: "yes", false: "no"}[*x.on]})
		}
	}
	for _, x := range [][]string{
		{"signature in TLS 1.3", f.CertificateVerify},
		{"signature in TLS 1.2", cmp.Or(f.KeyExchangeScheme, f.KeyExchangeHash)},
	} {
		if x[1] != "" {
			rows = append(rows, x)
		}
	}
	if t.TicketLifetime > 0 {
		rows = append(rows, []string{"tickets live for", fmt.Sprint(time.Duration(t.TicketLifetime) * time.Second)})
	}
	if t.Preference != "" {
		rows = append(rows, []string{"suite chosen by", t.Preference})
	}
	return rows
}
