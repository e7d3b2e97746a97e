package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestTLSTables(t *testing.T) {
	yes, no := true, false
	full := &report.TLS{
		Protocols: []report.Protocol{
			{Version: "TLS1.3", Accepted: true, Class: "good", Standing: report.Standing{IETF: "SHOULD", NCSC: "good", BSI: "recommended"}},
			{Version: "SSL3", Class: "bad", Standing: report.Standing{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
		},
		Ciphers: []report.Suite{
			{Version: "TLS1.3", Name: "TLS_AES_256_GCM_SHA384", Class: "good", Chosen: true, Standing: report.Standing{IETF: "SHOULD", NCSC: "good"}},
		},
		KeyExchange: []report.Exchange{{Name: "own-1024", Kind: "finite-field", Bits: 1024, Versions: []report.Version{"TLS1.2"}, Class: "phase-out", Standing: report.Standing{IETF: "MUST NOT"}}},
		Features:    &report.Features{NeedsSNI: &no, EarlyData: &yes, CertificateVerify: "ed25519", KeyExchangeHash: "SHA-1"},
		Preference:  "server", TicketLifetime: 7200, Connections: 2, Completed: 1,
		Probes: []report.Probe{
			{Name: "TLS1.2", Result: "refused", Text: "alert 70 (protocol_version)", Offered: "TLS1.2; 188 suites; name mx.example.test"},
			{Name: "ssl2", Result: "untested", Text: "421 too many"},
		},
	}
	for _, test := range []struct {
		why    string
		tls    *report.TLS
		lines  []string // each has to stand there, columns apart
		absent string
	}{
		{"nothing is known", nil, nil, "version"},
		{"quick: no tables", &report.TLS{Version: "TLS1.3"}, nil, "suite"},
		{"everything", full, []string{
			"version answer class IETF NCSC-NL BSI",
			"TLS1.3 accepted good SHOULD good recommended",
			"SSL3 refused bad MUST NOT insufficient no",
			"TLS1.3 TLS_AES_256_GCM_SHA384 good, chosen SHOULD good –",
			"own-1024 1024 TLS1.2 phase-out MUST NOT – –",
			"needs a server name no",
			"0-RTT yes",
			"signature in TLS 1.3 ed25519",
			"signature in TLS 1.2 SHA-1",
			"tickets live for 2h0m0s",
			"suite chosen by server",
			"what was asked, in 2 connections, 1 of them brought to the end of the handshake",
			"TLS1.2 refused alert 70 (protocol_version)",
			"offered TLS1.2; 188 suites; name mx.example.test",
			"ssl2 untested 421 too many",
		}, "heartbeat"},
	} {
		var out strings.Builder
		newPrinter(&out, false).tlsTables(test.tls)
		var lines []string
		for _, l := range strings.Split(out.String(), "\n") {
			lines = append(lines, strings.Join(strings.Fields(l), " "))
		}
		text := "\n" + strings.Join(lines, "\n") + "\n"
		for _, want := range test.lines {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("%s: no line %q in\n%s", test.why, want, out.String())
			}
		}
		if strings.Contains(text, test.absent) {
			t.Errorf("%s: %q stands in\n%s", test.why, test.absent, out.String())
		}
	}
}

// Cells stand below the head of their column.
func TestColumns(t *testing.T) {
	var out strings.Builder
	newPrinter(&out, false).table([][]string{{"a", "long head", "b"}, {"wide cell", "–", "x"}})
	lines := strings.Split(out.String(), "\n")
	if strings.Index(lines[0], "long") != len(margin)+len("wide cell")+2 || strings.Index(lines[0], "b") != strings.Index(lines[1], "x")-len("–")+1 {
		t.Errorf("%q", lines)
	}
}

func TestTLSTablesToAClosedTerminal(t *testing.T) {
	p := newPrinter(closed{}, true)
	p.tlsTables(&report.TLS{Protocols: []report.Protocol{{Version: "TLS1.3"}}})
	if !errors.Is(p.err, io.ErrClosedPipe) {
		t.Errorf("error %v", p.err)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
