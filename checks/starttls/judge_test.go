package starttls

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
)

// good is the evidence of a server without fault; change makes it another.
func good(change func(*report.Address)) *report.Address {
	no := false
	a := &report.Address{IP: "192.0.2.1", Connections: 2, SMTP: &report.SMTP{
		Banner: "mx.example ESMTP", EHLO: []string{"PIPELINING", "STARTTLS"}, EHLOTLS: []string{"PIPELINING"},
		STARTTLS: "ok", Enforced: &no, MailReply: "250 ok", Injection: "discarded",
		Ladder: []report.Rung{{Hello: "modern", OK: true}},
	}}
	if change != nil {
		change(a)
	}
	return a
}

// laddered is the evidence of a server at which these hellos were tried: each with what it
// ended in, or nothing where it worked.
func laddered(tries ...string) *report.Address {
	return good(func(a *report.Address) {
		a.SMTP.Ladder = nil
		for _, try := range tries {
			name, kind, _ := strings.Cut(try, " ")
			r := report.Rung{Hello: report.Hello(name), OK: kind == "", Kind: report.Kind(kind)}
			if kind == "alert" {
				r.Alert = 40
			}
			a.SMTP.Ladder = append(a.SMTP.Ladder, r)
		}
	})
}

// stopped is the evidence of a conversation that ended before STARTTLS was known.
func stopped(phase report.Phase, kind report.Kind, reply string) *report.Address {
	return &report.Address{IP: "192.0.2.1", Failure: &report.Failure{Phase: phase, Kind: kind, Text: string(phase) + " " + string(kind)},
		SMTP: &report.SMTP{STARTTLS: "untested", Reply: reply}}
}

func dead(ip string, kind report.Kind) *report.Address {
	return &report.Address{IP: ip, Failure: &report.Failure{Phase: "connect", Kind: kind, Text: "connect " + string(kind)}}
}

// one is a report of one host with these addresses.
func one(addresses ...*report.Address) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: []*report.Host{host("mx.example", 10, addresses...)}}}
}

func host(name string, preference uint16, addresses ...*report.Address) *report.Host {
	return &report.Host{Name: name, Preference: preference, Addresses: addresses}
}

func hosts(list ...*report.Host) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example"}, Evidence: report.Evidence{Hosts: list}}
}

func certificate(digest string, pkix report.PKIX) []*report.Certificate {
	return []*report.Certificate{{Via: "first", SHA256: digest, PKIX: pkix}}
}

// putOffSince is a server that put STARTTLS off so long ago, and does now.
func putOffSince(ago time.Duration, reply string) *report.Report {
	a := stopped("starttls", "reply", reply)
	a.SMTP.Tries = 3
	r := one(a)
	r.CheckedAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r.Past = &report.Past{Hosts: []report.PastHost{{Name: "mx.example", Addresses: []report.PastAddress{{IP: a.IP, PutOffSince: r.CheckedAt.Add(-ago)}}}}}
	return r
}

// Each case names what must be found, as rule, verdict and effects, and what must not.
var cases = []struct {
	why    string
	report *report.Report
	found  []string
	absent string
}{
	{"a good server", one(good(nil)),
		[]string{"SMT-01 pass", "SMT-10 pass M.reach=true", "SMT-15 pass M.tls=ok", "SMT-21 pass", "SMT-22 pass", "SMT-27 info", "ENF-01 info M.forced=false", "ENF-09 info"},
		"NET-01 NET-02 NET-03 NET-04 NET-05 NET-06 SMT-02 SMT-03 SMT-04 SMT-05 SMT-06 SMT-07 SMT-08 SMT-09 SMT-11 SMT-12 SMT-13 SMT-14 SMT-16 SMT-17 SMT-18 SMT-19 SMT-20 SMT-23 SMT-24 SMT-25 SMT-26 ENF-02 ENF-03 ENF-04 ENF-05 ENF-06 ENF-07 ENF-08"},
	{"a legacy host without anything more", one(good(func(a *report.Address) {
		*a.SMTP = report.SMTP{Banner: "mx.example", STARTTLS: "not-offered", HELO: true}
	})), []string{"SMT-08 fail M.reach=true M.tls=no"}, "SMT-10 SMT-12 SMT-15 SMT-21 SMT-22 SMT-27 ENF-01 ENF-09"},

	{"refused", one(dead("192.0.2.1", "refused")), []string{"NET-01 untested", "NET-02 untested T"}, "SMT-01 NET-03 NET-04 NET-05 NET-06"},
	{"not contacted, since forbidden", one(&report.Address{IP: "127.0.0.1", NotTested: "forbidden", Failure: &report.Failure{}}), nil, "NET-01 NET-02"},
	{"nothing to test", &report.Report{}, nil, "NET-02"},
	{"left alone, as its operator asked", one(dead("192.0.2.1", "opted-out")), []string{"NET-08 untested", "NET-02 untested T"}, "NET-01 NET-03"},
	{"looked at often enough", one(dead("192.0.2.1", "rate-limited")), []string{"NET-08 untested", "NET-02 untested T"}, "NET-01 NET-03"},
	{"one address of two left alone", one(good(nil), dead("2001:db8::1", "opted-out")), []string{"NET-08 untested", "NET-09 warn noA+"}, "NET-01 NET-02 NET-03 NET-05"},
	{"one address of two looked at often enough", one(good(nil), dead("2001:db8::1", "rate-limited")), []string{"NET-08 untested noA+"}, "NET-01 NET-02 NET-03 NET-05 NET-09"},
	{"one address of two beyond what a check may", one(good(nil), dead("2001:db8::1", "spent")), []string{"NET-08 untested noA+"}, "NET-01 NET-02 NET-03 NET-05 NET-09"},
	{"one host of two whose turn did not come", hosts(host("a.example", 10, good(nil)), host("b.example", 20, dead("192.0.2.2", "not-admitted"))), []string{"NET-08 untested prov"}, "NET-01 NET-02 NET-03"},
	{"asked for its certificates alone", one(good(func(a *report.Address) {
		a.SMTP.Transcript = []report.Line{{From: "S", Text: "220 mx.example"}}
		a.Failure = &report.Failure{Phase: "connect", Kind: "spent", Text: "Others came first"}
	})),
		[]string{"NET-11 untested prov"}, "NET-01 NET-02 NET-08 NET-09 SMT-26"},
	{"cut short in the middle, as our turn did not come", one(stopped("connect", "not-admitted", "")), []string{"NET-08 untested", "NET-02 untested T"}, "NET-01 SMT-26"},
	{"the preferred host left alone: our doing, not its fault", hosts(host("a.example", 10, dead("192.0.2.1", "opted-out")), host("b.example", 20, good(nil))),
		[]string{"NET-08 untested prov"}, "NET-01 NET-02 NET-03 NET-04"},
	{"one host left alone, one dead, one good", hosts(host("a.example", 10, dead("192.0.2.1", "opted-out")), host("b.example", 20, dead("192.0.2.2", "timeout")), host("c.example", 30, good(nil))),
		[]string{"NET-08 untested prov", "NET-03 warn prov"}, "NET-02"},
	{"one host of two", hosts(host("a.example", 10, good(nil)), host("b.example", 20, dead("192.0.2.2", "timeout"))),
		[]string{"NET-01 untested", "NET-03 warn prov"}, "NET-02 NET-04"},
	{"the preferred host is dead", hosts(host("a.example", 10, dead("192.0.2.2", "timeout")), host("b.example", 20, good(nil))),
		[]string{"NET-03 warn prov", "NET-04 warn prov"}, "NET-02"},
	{"one of two preferred hosts is dead", hosts(host("a.example", 10, dead("192.0.2.2", "timeout")), host("b.example", 10, good(nil))),
		[]string{"NET-03 warn prov"}, "NET-04"},
	{"a host beyond the limit does not count as dead", hosts(host("a.example", 10, good(nil)), &report.Host{Name: "b.example", NotTested: "limit"}), nil, "NET-02 NET-03"},
	{"IPv6 is dead", one(good(nil), dead("2001:db8::1", "timeout")), []string{"NET-05 warn"}, "NET-02 NET-03"},
	{"IPv4 is dead", one(good(func(a *report.Address) { a.IP = "2001:db8::1" }), dead("192.0.2.1", "refused")), []string{"NET-05 warn"}, "NET-02 NET-03"},
	{"this machine has no IPv6", one(good(nil), dead("2001:db8::1", "unreachable")), []string{"NET-01 untested", "NET-10 info noA+"}, "NET-05 NET-09"},
	{"this machine has no IPv6, and a server a dead address", one(good(nil), dead("192.0.2.2", "refused"), dead("2001:db8::1", "unreachable")),
		[]string{"NET-01 untested", "NET-09 warn noA+", "NET-10 info noA+"}, "NET-05"},
	{"this machine has no IPv4", one(good(func(a *report.Address) { a.IP = "2001:db8::1" }), dead("192.0.2.1", "unreachable")), []string{"NET-10 info noA+"}, "NET-05 NET-09"},
	{"no route to one IPv6 address, another answers", one(good(func(a *report.Address) { a.IP = "2001:db8::1" }), dead("2001:db8::2", "unreachable")), []string{"NET-09 warn noA+"}, "NET-05 NET-10"},
	{"one of two IPv4 addresses is dead", one(good(nil), dead("192.0.2.2", "timeout")), []string{"NET-01 untested", "NET-09 warn noA+"}, "NET-02 NET-03 NET-05 NET-10"},
	{"one of two addresses refuses us", one(good(nil), func() *report.Address { a := stopped("greeting", "reply", "554 no"); a.IP = "192.0.2.2"; return a }()), []string{"NET-09 warn noA+"}, "NET-02 NET-03 NET-10"},
	{"both addresses answer", one(good(nil), good(func(a *report.Address) { a.IP = "192.0.2.2" })), nil, "NET-09 NET-10"},
	{"different certificates", one(
		good(func(a *report.Address) { a.Certificates = certificate("aa", "ok") }),
		good(func(a *report.Address) { a.IP, a.Certificates = "192.0.2.2", certificate("bb", "ok") })), []string{"NET-06 warn"}, ""},
	{"different versions", one(
		good(func(a *report.Address) { a.TLS = &report.TLS{Version: "TLS1.3"} }),
		good(func(a *report.Address) { a.IP, a.TLS = "192.0.2.2", &report.TLS{Version: "TLS1.2"} })), []string{"NET-06 warn"}, ""},
	{"alike", one(
		good(func(a *report.Address) { a.Certificates = certificate("aa", "ok") }),
		good(func(a *report.Address) { a.IP, a.Certificates = "192.0.2.2", certificate("aa", "ok") })), nil, "NET-06"},

	{"greeting 421", one(stopped("greeting", "reply", "421 busy")), []string{"SMT-02 untested", "NET-02 untested T"}, "SMT-01 SMT-03 SMT-04 SMT-07 SMT-26"},
	{"greeting 450", one(stopped("greeting", "reply", "450 later")), []string{"SMT-02 untested"}, "SMT-03"},
	{"421 to EHLO", one(stopped("ehlo", "reply", "421 busy")), []string{"SMT-01 pass", "SMT-02 untested"}, "SMT-09"},
	{"421 to STARTTLS", one(stopped("starttls", "reply", "421 busy")), []string{"SMT-02 untested", "NET-02 untested T"}, "SMT-10 SMT-12 SMT-16 SMT-17"},
	{"greeting 554", one(stopped("greeting", "reply", "554 no")), []string{"SMT-03 untested"}, "SMT-01 SMT-02"},
	{"no greeting", one(stopped("greeting", "timeout", "")), []string{"SMT-04 untested"}, "SMT-01"},
	{"a greeting without end", one(stopped("greeting", "limit", "")), []string{"SMT-04 untested"}, "SMT-01"},
	{"another protocol", one(func() *report.Address {
		a := stopped("greeting", "protocol", "")
		a.SMTP.Oddities = []report.Oddity{"no-code"}
		return a
	}()), []string{"SMT-05 warn", "NET-02 untested T"}, "SMT-01 SMT-04"},
	{"long lines", one(good(func(a *report.Address) { a.SMTP.Oddities = []report.Oddity{"long-line", "bare-lf"} })), []string{"SMT-05 warn"}, "SMT-06"},
	{"mixed codes", one(good(func(a *report.Address) { a.SMTP.Oddities = []report.Oddity{"mixed-codes"} })), []string{"SMT-06 warn"}, "SMT-05"},
	{"another name", one(good(func(a *report.Address) { a.SMTP.Banner = "relay7.internal.example ESMTP" })), []string{"SMT-07 info"}, ""},
	{"the same name in other case", one(good(func(a *report.Address) { a.SMTP.Banner = "MX.Example. ESMTP" })), nil, "SMT-07"},
	{"no name", one(good(func(a *report.Address) { a.SMTP.Banner = "ESMTP v1.2 <b>" })), nil, "SMT-07"},
	{"EHLO refused", one(stopped("ehlo", "reply", "550 no")), []string{"SMT-09 untested"}, "SMT-02 SMT-08 SMT-12"},
	{"STARTTLS with a parameter", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"STARTTLS now"} })), []string{"SMT-10 pass M.reach=true", "SMT-11 warn"}, ""},
	{"STARTTLS in lower case", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"starttls"} })), []string{"SMT-10 pass M.reach=true"}, "SMT-11 SMT-12"},
	{"no STARTTLS", one(good(func(a *report.Address) {
		a.SMTP.STARTTLS, a.SMTP.EHLO, a.SMTP.EHLOTLS = "not-offered", []string{"SIZE"}, nil
	})),
		[]string{"SMT-12 fail M.reach=true M.tls=no"}, "SMT-10 SMT-13 SMT-14 SMT-15 SMT-22 ENF-09"},
	{"erased by a firewall", one(good(func(a *report.Address) { a.SMTP.STARTTLS, a.SMTP.EHLO = "not-offered", []string{"XXXXXXXA"} })),
		[]string{"SMT-13 fail M.reach=true M.tls=no"}, "SMT-12"},
	{"STARTTLS in the first line", one(good(func(a *report.Address) {
		a.SMTP.STARTTLS, a.SMTP.EHLO, a.SMTP.EHLOTLS, a.SMTP.Hidden = "not-offered", []string{"PIPELINING"}, nil, true
		a.SMTP.Offer = &report.Offer{Form: "first-line", Line: "250-STARTTLS", Readers: map[string]report.Reading{"postfix": "clear", "exim": "clear", "opensmtpd": "tls"}}
	})), []string{"SMT-12 fail M.reach=true M.tls=no"}, "SMT-10 SMT-14 SMT-15 SMT-29"},
	{"STARTTLS in small letters", one(good(func(a *report.Address) {
		a.SMTP.EHLO = []string{"starttls"}
		a.SMTP.Offer = &report.Offer{Form: "lower-case", Line: "250-starttls", Readers: map[string]report.Reading{"postfix": "tls", "exim": "clear", "opensmtpd": "clear"}}
	})), []string{"SMT-10 pass M.reach=true", "SMT-15 pass M.tls=ok", "SMT-29 warn"}, "SMT-12"},
	{"empty lines, over which some break off", one(good(func(a *report.Address) {
		a.SMTP.Oddities = []report.Oddity{"empty-line"}
		a.SMTP.Offer = &report.Offer{Readers: map[string]report.Reading{"postfix": "tls", "exim": "breaks-off", "opensmtpd": "breaks-off"}}
	})), []string{"SMT-05 warn", "SMT-15 pass M.tls=ok"}, "SMT-12 SMT-29"},
	{"a reply longer than some read", one(good(func(a *report.Address) {
		a.SMTP.Offer = &report.Offer{Form: "long-reply", Readers: map[string]report.Reading{"postfix": "tls", "exim": "breaks-off", "opensmtpd": "tls"}}
	})), []string{"SMT-05 warn"}, "SMT-29"},
	{"a greeting masked by a firewall", one(good(func(a *report.Address) {
		*a.SMTP = report.SMTP{Banner: "****", STARTTLS: "not-offered", HELO: true,
			Offer: &report.Offer{Form: "masked-greeting", Line: "220 ****", Readers: map[string]report.Reading{"postfix": "clear"}}}
	})), []string{"SMT-30 fail M.reach=true M.tls=no"}, "SMT-08 SMT-12 SMT-15"},
	{"not listed, yet it works", one(good(func(a *report.Address) { a.SMTP.STARTTLS, a.SMTP.EHLO, a.SMTP.Hidden = "not-offered", nil, true })),
		[]string{"SMT-12 fail M.reach=true M.tls=no", "SMT-14 info"}, "SMT-15"},
	{"only without a server name", one(good(func(a *report.Address) {
		a.SMTP.Ladder = []report.Rung{{Hello: "modern", Error: "x"}, {Hello: "no-sni", OK: true}}
	})), []string{"SMT-15 pass M.tls=ok", "SMT-36 fail M.pkix=false"}, "SMT-18 SMT-19 SMT-34 SMT-35"},
	{"only without a server name, at a host with DANE", func() *report.Report {
		r := one(good(func(a *report.Address) {
			a.SMTP.Ladder = []report.Rung{{Hello: "modern", Alert: 112, Kind: "alert"}, {Hello: "no-hybrid", Alert: 112}, {Hello: "small-tls12", Alert: 112},
				{Hello: "no-sni", OK: true}, {Hello: "postfix", OK: true}, {Hello: "exim", OK: true}, {Hello: "opensmtpd", OK: true}}
		}))
		r.Hosts[0].TLSA.State = "match"
		return r
	}(), []string{"SMT-15 pass M.tls=ok", "SMT-36 fail M.tlsa=mismatch M.pkix=false"}, "SMT-34"},
	{"the modern hello had no answer, which says nothing of names", one(good(func(a *report.Address) {
		a.SMTP.Ladder = []report.Rung{{Hello: "modern", Kind: "timeout"}, {Hello: "modern", Kind: "timeout"}, {Hello: "no-sni", OK: true}}
	})), []string{"SMT-15 pass M.tls=ok"}, "SMT-36"},
	{"a certificate that Go does not parse", one(laddered("modern unsupported", "postfix", "exim", "opensmtpd")),
		[]string{"SMT-34 warn M.tls=ok noA+"}, "SMT-15 SMT-18 SMT-26 SMT-35"},
	{"signatures with SHA-1", one(laddered("modern alert", "no-hybrid alert", "small-tls12 alert", "no-sni alert", "postfix", "exim", "opensmtpd alert")),
		[]string{"SMT-34 warn M.tls=ok noA+"}, "SMT-15 SMT-19 SMT-35"},
	{"a suite that Exim lacks", one(laddered("modern alert", "postfix", "exim alert", "opensmtpd")), []string{"SMT-34 fail M.tls=ok cap C"}, "SMT-15 SMT-35"},
	{"nobody bears it", one(laddered("modern reset", "no-hybrid reset", "small-tls12", "postfix reset", "exim reset", "opensmtpd reset")),
		[]string{"SMT-35 fail M.reach=true M.tls=legacy"}, "SMT-15 SMT-34"},
	{"suites of yesterday", one(laddered("modern alert", "postfix alert", "exim alert", "opensmtpd alert", "every-suite")),
		[]string{"SMT-35 fail M.reach=true M.tls=legacy"}, "SMT-15 SMT-19"},
	{"senders that had no answer are not spoken of", one(laddered("modern timeout", "modern timeout", "no-hybrid", "postfix timeout", "exim", "opensmtpd")),
		[]string{"SMT-15 pass M.tls=ok"}, "SMT-34 SMT-35"},
	{"a list of certificates of 155 KB", one(good(func(a *report.Address) { a.SMTP.CertificateOctets = 155_000 })),
		[]string{"SMT-35 fail M.reach=true M.tls=legacy"}, "SMT-15"},
	{"one of 120 KB, which GnuTLS reads and OpenSSL does not", one(good(func(a *report.Address) { a.SMTP.CertificateOctets = 120_000 })),
		[]string{"SMT-34 fail M.tls=ok cap C"}, "SMT-15"},
	{"one of 90 KB", one(good(func(a *report.Address) { a.SMTP.CertificateOctets = 90_000 })), []string{"SMT-15 pass M.tls=ok"}, "SMT-34 SMT-35"},
	{"ML-KEM and nothing else", one(good(func(a *report.Address) {
		a.TLS = &report.TLS{Versions: []report.Version{"TLS1.3"}, Refused: []report.Version{"TLS1.2"}, Groups: []string{"X25519MLKEM768"},
			Probes: []report.Probe{{Name: "TLS1.3", Result: "refused"}}}
	})), []string{"SMT-35 fail M.reach=true M.tls=legacy"}, "SMT-15"},
	{"ML-KEM, and the rest could not be asked", one(good(func(a *report.Address) {
		a.TLS = &report.TLS{Versions: []report.Version{"TLS1.3"}, Refused: []report.Version{"TLS1.2"}, Groups: []string{"X25519MLKEM768"},
			Probes: []report.Probe{{Name: "TLS1.3", Result: "untested"}}}
	})), []string{"SMT-15 pass M.tls=ok"}, "SMT-34 SMT-35"},
	{"a prime of 1024 bits", one(good(func(a *report.Address) {
		a.SMTP.Ladder = laddered("modern alert", "postfix", "exim", "opensmtpd").SMTP.Ladder
		for i := range a.SMTP.Ladder {
			a.SMTP.Ladder[i].Version, a.SMTP.Ladder[i].Cipher, a.SMTP.Ladder[i].DHBits = "TLS1.2", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 1024
		}
	})), []string{"SMT-34 warn M.tls=ok noA+"}, "SMT-15"},
	{"TLS 1.1, said by the sender's own hello", one(good(func(a *report.Address) {
		a.SMTP.Ladder = laddered("modern alert", "postfix", "exim", "opensmtpd alert").SMTP.Ladder
		a.SMTP.Ladder[1].Version, a.SMTP.Ladder[2].Version = "TLS1.1", "TLS1.1"
	})), []string{"SMT-19 fail M.reach=true M.tls=legacy"}, "SMT-15 SMT-34 SMT-35"},
	{"STARTTLS put off", one(func() *report.Address {
		a := stopped("starttls", "reply", "454 later")
		a.SMTP.Tries = 3
		return a
	}()), []string{"SMT-16 warn", "NET-02 untested T"}, "SMT-10 SMT-12 SMT-17 SMT-26"},
	{"closed in answer to STARTTLS", one(func() *report.Address {
		a := stopped("starttls", "closed", "")
		a.SMTP.Tries = 3
		return a
	}()), []string{"SMT-16 warn"}, "SMT-17 SMT-26"},
	{"STARTTLS put off for an hour", putOffSince(time.Hour, "454 later"), []string{"SMT-16 fail M.reach=true M.tls=no"}, "NET-02 NET-03"},
	{"STARTTLS put off for less", putOffSince(59*time.Minute, "454 later"), []string{"SMT-16 warn", "NET-02 untested T"}, ""},
	{"a limit on connections, an hour later", putOffSince(time.Hour, "421 busy"), []string{"SMT-02 untested", "NET-02 untested T"}, "SMT-16"},
	{"STARTTLS refused", one(good(func(a *report.Address) { a.SMTP.STARTTLS, a.SMTP.Reply = "refused", "502 no" })),
		[]string{"SMT-10 pass M.reach=true", "SMT-17 fail M.reach=true M.tls=no"}, "SMT-15 SMT-16 SMT-18"},
	{"no hello came through", one(good(func(a *report.Address) {
		a.SMTP.STARTTLS, a.SMTP.Ladder = "handshake-failed", []report.Rung{{Hello: "modern", Error: "alert 40"}}
	})), []string{"SMT-18 fail M.reach=true M.tls=no"}, "SMT-15 SMT-22 ENF-08"},
	{"the handshake hung", one(stopped("handshake", "timeout", "")), []string{"SMT-26 untested prov"}, "SMT-18"},
	{"TLS 1.1 only", one(good(func(a *report.Address) { a.SMTP.Ladder = []report.Rung{{Hello: "modern"}, {Hello: "tls11", OK: true}} })),
		[]string{"SMT-19 fail M.reach=true M.tls=legacy"}, "SMT-15 SMT-18"},
	{"TLS 1.0 only", one(good(func(a *report.Address) { a.SMTP.Ladder = []report.Rung{{Hello: "modern"}, {Hello: "tls10", OK: true}} })),
		[]string{"SMT-19 fail M.reach=true M.tls=legacy"}, "SMT-15"},
	{"stray bytes", one(good(func(a *report.Address) { a.SMTP.Stray = "250 hi" })), []string{"SMT-20 fail noA+"}, ""},
	{"obeys commands from before TLS", one(good(func(a *report.Address) { a.SMTP.Injection = "answered" })), []string{"SMT-21 fail cap C"}, ""},
	{"hangs up on them", one(good(func(a *report.Address) { a.SMTP.Injection = "closed" })), []string{"SMT-21 pass"}, ""},
	{"STARTTLS again inside TLS", one(good(func(a *report.Address) { a.SMTP.EHLOTLS = []string{"STARTTLS"} })), []string{"SMT-23 warn"}, ""},
	{"AUTH before TLS", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"STARTTLS", "AUTH PLAIN"} })), []string{"SMT-24 warn"}, ""},
	{"AUTH before TLS, written as of old", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"STARTTLS", "auth=login CRAM-MD5"} })), []string{"SMT-24 warn"}, ""},
	{"AUTH before TLS that shows no password", one(good(func(a *report.Address) {
		a.SMTP.EHLO = []string{"STARTTLS", "AUTH CRAM-MD5 SCRAM-SHA-256-PLUS GSSAPI EXTERNAL"}
	})), nil, "SMT-24"},
	{"AUTH before TLS without mechanisms", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"STARTTLS", "AUTH"} })), nil, "SMT-24"},
	{"AUTH inside TLS only", one(good(func(a *report.Address) { a.SMTP.EHLOTLS = []string{"AUTH PLAIN"} })), nil, "SMT-24"},
	{"the offer changes", one(good(func(a *report.Address) { a.SMTP.Changed = true })), []string{"SMT-25 warn"}, ""},
	{"the offer changes at a host with DANE", func() *report.Report {
		r := one(good(func(a *report.Address) { a.SMTP.Changed = true }))
		r.Hosts[0].TLSA.State = "match"
		return r
	}(), []string{"SMT-25 fail M.tlsa=mismatch"}, ""},
	{"silent inside TLS", one(good(func(a *report.Address) { a.Failure = &report.Failure{Phase: "ehlo", Kind: "timeout"} })), []string{"SMT-15 pass M.tls=ok", "SMT-26 untested prov"}, ""},
	{"dropped during the further probes", one(good(func(a *report.Address) {
		a.TLS = &report.TLS{Probes: []report.Probe{{Name: "ssl2", Result: "refused"}, {Name: "curves", Result: "untested", Text: "421"}}}
	})), []string{"SMT-26 untested prov"}, ""},

	{"enforced", one(good(func(a *report.Address) { yes := true; a.SMTP.Enforced, a.SMTP.MailReply = &yes, "530 no" })), []string{"ENF-02 info M.forced=true"}, "ENF-01 ENF-03 ENF-04"},
	{"enforced, with TLS 1.3 only", one(good(func(a *report.Address) {
		yes := true
		a.SMTP.Enforced, a.TLS = &yes, &report.TLS{Versions: []report.Version{"TLS1.3"}, Refused: []report.Version{"TLS1.2"}}
	})), []string{"ENF-02 info M.forced=true", "ENF-04 warn"}, ""},
	{"enforced, with suites that nobody offers", one(good(func(a *report.Address) {
		yes := true
		a.SMTP.Enforced, a.SMTP.Ladder = &yes, []report.Rung{{Hello: "modern"}, {Hello: "small-tls12"}, {Hello: "all-tls12", OK: true}}
	})), []string{"ENF-02 info M.forced=true", "ENF-04 warn"}, ""},
	{"enforced, with a key that few programs still take", one(good(func(a *report.Address) {
		yes := true
		a.SMTP.Enforced, a.SMTP.Ladder = &yes, []report.Rung{{Hello: "modern"}, {Hello: "all-tls12"}, {Hello: "any-suite", OK: true}}
	})), []string{"SMT-15 pass M.tls=ok", "ENF-02 info M.forced=true", "ENF-04 warn"}, "SMT-18 SMT-19"},
	{"enforced, TLS 1.2 not looked at", one(good(func(a *report.Address) {
		yes := true
		a.SMTP.Enforced, a.TLS = &yes, &report.TLS{Versions: []report.Version{"TLS1.3"}}
	})), nil, "ENF-04"},
	{"unclear", one(good(func(a *report.Address) { a.SMTP.Enforced, a.SMTP.MailReply = nil, "451 greylisted" })), []string{"ENF-03 untested M.forced=false"}, "ENF-01 ENF-02"},
	{"could not be asked", one(good(func(a *report.Address) {
		a.SMTP.Enforced, a.SMTP.MailReply, a.SMTP.MailFailure = nil, "", &report.Failure{Text: "refused"}
	})), []string{"ENF-03 untested M.forced=false"}, "ENF-01"},
	{"REQUIRETLS, and nobody can use it", one(good(func(a *report.Address) { a.SMTP.EHLOTLS = []string{"REQUIRETLS"} })),
		[]string{"ENF-05 pass M.rtls=true", "ENF-07 warn"}, "ENF-06 ENF-09"},
	{"REQUIRETLS with DANE", func() *report.Report {
		r := one(good(func(a *report.Address) { a.SMTP.EHLOTLS = []string{"REQUIRETLS"} }))
		r.MX.DNSSEC.State, r.Hosts[0].TLSA.State = report.Secure, "match"
		return r
	}(), []string{"ENF-05 pass M.rtls=true"}, "ENF-07"},
	{"REQUIRETLS with MTA-STS", func() *report.Report {
		r := one(good(func(a *report.Address) {
			a.SMTP.EHLOTLS, a.Certificates = []string{"REQUIRETLS"}, certificate("aa", "ok")
		}))
		r.MTASTS = &report.MTASTS{State: "enforce", Policy: &report.Policy{MX: []string{"*.example"}}}
		return r
	}(), []string{"ENF-05 pass M.rtls=true"}, "ENF-07"},
	{"REQUIRETLS with a policy that names others", func() *report.Report {
		r := one(good(func(a *report.Address) {
			a.SMTP.EHLOTLS, a.Certificates = []string{"REQUIRETLS"}, certificate("aa", "ok")
		}))
		r.MTASTS = &report.MTASTS{State: "enforce", Policy: &report.Policy{MX: []string{"mx.elsewhere"}}}
		return r
	}(), []string{"ENF-07 warn"}, ""},
	{"REQUIRETLS before TLS", one(good(func(a *report.Address) { a.SMTP.EHLO = []string{"STARTTLS", "REQUIRETLS"} })), []string{"ENF-06 warn"}, "ENF-05 ENF-07 ENF-09"},
	{"asks for a client certificate", one(good(func(a *report.Address) { a.SMTP.ClientCert = "asked" })), []string{"ENF-08 info", "SMT-15 pass M.tls=ok"}, ""},
	{"demands a client certificate", one(good(func(a *report.Address) { a.SMTP.STARTTLS, a.SMTP.ClientCert = "handshake-failed", "required" })),
		[]string{"ENF-08 fail M.reach=true M.tls=no"}, "SMT-15 SMT-18"},
}

func TestJudge(t *testing.T) {
	for _, test := range cases {
		t.Run(test.why, func(t *testing.T) {
			var got []string
			seen := map[string]bool{}
			for _, f := range Judge(test.report.Observed()) {
				words := []string{f.Rule, string(f.Verdict)}
				for _, e := range f.Effects {
					words = append(words, string(e))
				}
				got = append(got, strings.Join(words, " "))
				seen[f.Rule] = true
			}
			for _, want := range test.found {
				if !slices.Contains(got, want) {
					t.Errorf("not found: %s; but\n%s", want, strings.Join(got, "\n"))
				}
			}
			for id := range strings.FieldsSeq(test.absent) {
				if seen[id] {
					t.Errorf("found %s", id)
				}
			}
		})
	}
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

func TestRules(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range Rules {
		ids[r.ID] = true
		if r.Title == "" || r.Text == "" || r.Reference == "" || r.Verdict == "" {
			t.Errorf("%s lacks a text", r.ID)
		}
		if (r.Verdict == report.Fail || r.Verdict == report.Warn) && r.FixText == "" {
			t.Errorf("%s lacks a fix", r.ID)
		}
	}
	if len(ids) != len(Rules) {
		t.Errorf("%d rules, %d ids", len(Rules), len(ids))
	}
	if Doc == "" {
		t.Error("no documentation")
	}
}
