package templates

import (
	"strings"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// hostile is what a stranger would like to see in a page.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;{host}`

var (
	topics = checks.Topics()
	frame  = Frame{Title: "A page", Style: "style.css", Icon: "icon.svg", Script: "live.js", Version: "1.0", Topics: topics}
	moment = time.Date(2026, 8, 3, 12, 30, 0, 0, time.UTC)
)

func outcomesOf(line string) map[report.Attacker]report.Outcome {
	cells := make(map[report.Attacker]report.Outcome)
	for i, o := range strings.Fields(line) {
		cells[report.Attacker(view.Attackers()[i].ID)] = report.Outcome(o)
	}
	return cells
}

func yes(b bool) *bool { return &b }

// rich is a report with something in every corner.
func rich() *report.Report {
	window := &report.Signature{Tag: 20326, Algorithm: 8, Inception: moment.Add(-time.Hour), Expires: moment.Add(240 * time.Hour), TTL: 3600}
	chain := []report.Link{
		{Zone: ".", State: report.Secure, Keys: []report.Key{{Tag: 20326, Algorithm: 8, Bits: 2048, SEP: true}, {Tag: 46441, Algorithm: 8, Bits: 2048}}, Window: window},
		{Zone: "org.", State: report.Secure, DS: []report.DS{{Tag: 26974, Algorithm: 8, Digest: 2}}, Keys: []report.Key{{Tag: 26974, Algorithm: 8, Bits: 2048, SEP: true}}, Window: window},
		{Zone: "xn--bcher-kva.org.", State: report.Secure, DS: []report.DS{{Tag: 31337, Algorithm: 13, Digest: 2}}, Keys: []report.Key{{Tag: 31337, Algorithm: 13, Bits: 256, SEP: true}}, Window: window},
	}
	secure := report.Trust{State: report.Secure, Chain: chain, Signature: window, Notes: []report.Note{"sha1-ds-beside-sha256"}}
	broken := report.Trust{State: report.Bogus, Reason: "signature-expired", Detail: "The signature over mx2.example.net A expired on 1 August 2026: the operator of example.net must sign again.", EDE: 7,
		Chain: []report.Link{chain[0], {Zone: "example.net.", State: report.Bogus, Reason: "signature-expired", Detail: "expired on 1 August 2026"}}}
	leaf := &report.Certificate{
		Subject: "CN=mx1.xn--bcher-kva.org", Names: []string{"mx1.xn--bcher-kva.org", "mail.xn--bcher-kva.org"}, Issuer: "CN=E7, O=Let's Encrypt, C=US",
		NotBefore: moment.Add(-30 * 24 * time.Hour), NotAfter: moment.Add(60 * 24 * time.Hour), Key: "ECDSA P-256", Signature: "ECDSA-SHA384",
		SPKISHA256: strings.Repeat("ab", 32), SHA256: strings.Repeat("cd", 32), PKIX: "ok", Trusted: true, PublicCA: true, NameMatch: true, Via: "first",
		Chain: []*report.Certificate{{Subject: "CN=E7, O=Let's Encrypt, C=US", Issuer: "CN=ISRG Root X1", NotAfter: moment.Add(900 * 24 * time.Hour), PKIX: "ok"}},
	}
	good := &report.Address{
		IP: "192.0.2.25", Reachable: true, Connections: 14, PTR: []string{"mx1.xn--bcher-kva.org"},
		SMTP: &report.SMTP{Banner: "mx1.xn--bcher-kva.org ESMTP Postfix", Software: "Postfix", EHLO: []string{"PIPELINING", "SIZE 52428800", "STARTTLS", "8BITMIME"},
			EHLOTLS: []string{"PIPELINING", "SIZE 52428800", "8BITMIME", "REQUIRETLS"}, STARTTLS: "ok", Enforced: yes(true), Injection: "discarded", Reply: "220 2.0.0 Ready to start TLS", MailReply: "530 5.7.0 Must issue a STARTTLS command first",
			Transcript: []report.Line{{MS: 0, From: "*", Text: "connected to 192.0.2.25:25"}, {MS: 31, From: "S", Text: "220 mx1.xn--bcher-kva.org ESMTP Postfix"}, {MS: 31, From: "C", Text: "EHLO probe.example"}, {MS: 62, From: "S", Text: "250-STARTTLS"}}},
		TLS: &report.TLS{Version: "TLS1.3", Cipher: "TLS_AES_256_GCM_SHA384", Group: "X25519MLKEM768", Versions: []report.Version{"TLS1.3", "TLS1.2"}, Refused: []report.Version{"TLS1.1", "TLS1.0", "SSL3", "SSL2"},
			Ciphers: []report.Suite{{Version: "TLS1.3", Name: "TLS_AES_256_GCM_SHA384", Class: "good", Chosen: true}, {Version: "TLS1.2", Name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Class: "good"}},
			Groups:  []string{"X25519MLKEM768", "X25519", "secp256r1"}, Preference: "server", DHBits: 2048, DHGroups: []string{"ffdhe2048"},
			Features: &report.Features{ExtendedMasterSecret: yes(true), SecureRenegotiation: yes(true), Compression: yes(false), WeakHash: yes(false), KeyExchangeHash: "SHA-256"},
			Staple:   &report.Staple{Status: "good"}, Probes: []report.Probe{{Name: "tls10", Result: "refused", Text: "alert 70"}}},
		Certificates: []*report.Certificate{leaf},
	}
	bad := &report.Address{
		IP: "198.51.100.7", Reachable: true, Connections: 6,
		SMTP: &report.SMTP{Banner: "220 " + hostile, EHLO: []string{"SIZE", hostile}, EHLOTLS: []string{}, STARTTLS: "not-offered", Reply: hostile,
			Ladder: []report.Rung{{Hello: "modern", Error: "handshake failure", Alert: 40}, {Hello: "tls10", OK: true}}, Transcript: []report.Line{{MS: 3, From: "S", Text: hostile}}},
	}
	dead := &report.Address{IP: "2001:db8::25", Failure: &report.Failure{Phase: "connect", Kind: "timeout", Text: "2001:db8::25 did not answer on port 25 within 15 s"}}
	return &report.Report{
		Meta: report.Meta{
			Schema:        1,
			ID:            "k2m4p6q8s2t4v6x8z2b4d6f8h2",
			Domain:        "xn--bcher-kva.org",
			UnicodeDomain: "bücher.org",
			CheckedAt:     moment,
			ElapsedMS:     6120,
			Engine:        "1.0",
			Depth:         report.Standard,
			Connections:   24,
			Interrupted:   "the time for one domain ran out",
			Faults:        []string{"tls"},
		},
		Evidence: report.Evidence{
			Past: &report.Past{ID: "earlier", CheckedAt: moment.Add(-72 * time.Hour), Letter: "D"},
			MX: &report.MX{State: "ok", DNSSEC: secure, Records: []report.Record{{Preference: 10, Host: "mx1.xn--bcher-kva.org"}, {Preference: 20, Host: "mx2.example.net"}, {Preference: 30, Host: "192.0.2.9", Skipped: "literal"}},
				Neighbours: report.Neighbours{SPF: "v=spf1 mx -all " + hostile, DMARC: "v=DMARC1; p=reject"}},
			Hosts: []*report.Host{
				{Name: "mx1.xn--bcher-kva.org", Preference: 10, DNSSEC: secure, Addresses: []*report.Address{good, dead},
					TLSA: report.TLSA{State: "match", Base: "mx1.xn--bcher-kva.org", DNSSEC: &secure, Records: []report.TLSARecord{
						{Usage: 3, Selector: 1, Matching: 1, Data: strings.Repeat("ab", 32), Usable: true, Matches: []string{"192.0.2.25"}},
						{Usage: 1, Selector: 1, Matching: 1, Data: strings.Repeat("00", 32), Unusable: "pkix-usage", Matches: []string{}}}}},
				{Name: "mx2.example.net", Preference: 20, DNSSEC: broken, TLSA: report.TLSA{State: "insecure"}, Addresses: []*report.Address{bad}},
				{Name: "mx3.example.net", Preference: 30, DNSSEC: report.Trust{State: report.Insecure, Steps: []report.Alias{{Name: "mx3.example.net", Target: "gone.example.net", State: report.Insecure}}}, Addresses: []*report.Address{}, Canonical: "gone.example.net", NotTested: "no-address",
					Failure: &report.Failure{Phase: "address", Kind: "nxdomain", Text: "gone.example.net does not exist"}, TLSA: report.TLSA{State: "none"}},
			},
			DNSSEC: &report.DNSSEC{Zones: []report.Zone{{Name: "xn--bcher-kva.org.", Trust: secure, DNSKEY: true, Iterations: new(int), Salted: true}, {Name: "example.net.", Trust: report.Trust{State: report.Insecure}, DNSKEY: true}}},
			MTASTS: &report.MTASTS{State: "enforce", ID: "20260801", TXT: []string{"v=STSv1; id=20260801;"}, Policy: &report.Policy{Version: "STSv1", Mode: "enforce", MaxAge: 604800, MX: []string{"*.xn--bcher-kva.org", "mx9.example.net"}},
				Raw: "version: STSv1\nmode: enforce\nmx: *.xn--bcher-kva.org\nmx: mx2.example.net\nmax_age: 604800\n# " + hostile, Error: hostile,
				Fetch: &report.Fetch{URL: "https://mta-sts.xn--bcher-kva.org/.well-known/mta-sts.txt", Address: "192.0.2.80", Status: 200, ContentType: "text/plain", TLSVersion: "TLS1.3", Location: hostile, Certificate: leaf}},
			TLSRPT: &report.TLSRPT{State: "ok", TXT: []string{"v=TLSRPTv1; rua=mailto:tls@example.net"}, RUA: []string{"mailto:tls@example.net"}, Targets: []report.Target{{URI: "mailto:tls@example.net", Domain: "example.net", Mail: "yes"}}},
		},
		Conclusions: report.Conclusions{
			Rules: 1,
			Grade: &report.Grade{Letter: "E", Provisional: true, Because: []string{"SMT-12", "DAN-10"}, Broken: []report.Promise{report.PromiseDANE}, Sentence: "Some mail is still sent unencrypted.",
				Next: []report.Next{{Fix: "SMT-12", Letter: "B"}, {Fix: "CRT-08", Letter: "D"}}, Why: "Not better than E because mx2.example.net offers no STARTTLS (SMT-12).",
				First: []report.First{{Rule: "SMT-12", Rules: []string{"SMT-12", "STS-28"}, Title: "Turn on STARTTLS at mx2.example.net", Letter: "B", Effort: report.Reload}}},
			Changes:  []report.Change{{What: "letter", Before: "D", After: "E"}, {What: "mx", Host: "mx2.example.net", After: "20 mx2.example.net"}, {What: "key", Host: "mx1.xn--bcher-kva.org", Address: "192.0.2.25", Before: hostile, After: ""}},
			Forecast: []report.Due{{At: moment.Add(24 * time.Hour), What: "signatures", Rule: "SEC-05", Text: "Signatures of bücher.org end. " + hostile}, {At: moment.Add(60 * 24 * time.Hour), What: "certificate", Rule: "CRT-06", Host: "mx1.xn--bcher-kva.org"}},
			Matrix: report.Matrix{
				"S0": outcomesOf("CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"), "S1": outcomesOf("ENC CLEAR CLEAR STOLEN STOLEN STOLEN"), "S1L": outcomesOf("ENC CLEAR CLEAR STOLEN STOLEN STOLEN"),
				"S2": outcomesOf("AUTH AUTH DEFER DEFER DEFER DEFER"), "S2L": outcomesOf("AUTH AUTH DEFER DEFER DEFER DEFER"), "S3": outcomesOf("AUTH AUTH DEFER DEFER DEFER STOLEN"),
				"S3C": outcomesOf("AUTH AUTH DEFER DEFER STOLEN STOLEN"), "S4": outcomesOf("AUTH AUTH DEFER DEFER STOLEN STOLEN"), "S5": outcomesOf("DEFER DEFER DEFER DEFER DEFER DEFER"), "S6": outcomesOf("AUTH AUTH DEFER DEFER DEFER DEFER"),
			},
			Badges: []report.Badge{"MTA-STS", "PQ"},
			Findings: []report.Finding{
				{Rule: "MX-04", Check: "mx", Verdict: report.Pass, Title: "3 mail servers are published", Text: "Senders know where to bring mail.", Reference: "RFC 5321 §5.1"},
				{Rule: "MX-12", Check: "mx", Verdict: report.Fail, Host: "mx3.example.net", Title: "The MX points to an alias", Text: "Some senders refuse to follow it.", FixText: "Put gone.example.net in the MX record.", Reference: "RFC 5321 §5.1", Detail: []string{"mx3.example.net CNAME gone.example.net"}},
				{Rule: "SMT-15", Check: "starttls", Verdict: report.Pass, Host: "mx1.xn--bcher-kva.org", Address: "192.0.2.25", Title: "STARTTLS works", Text: "Senders can encrypt.", Effects: []report.Effect{"M.tls=ok"}, Reference: "RFC 3207 §4"},
				{Rule: "SMT-12", Check: "starttls", Verdict: report.Fail, Host: "mx2.example.net", Address: "198.51.100.7", Title: "STARTTLS is not offered at mx2.example.net", Text: "Everyone on the way reads the mail that is brought here. An attacker who blocks the better server chooses this one.", FixText: "Turn on STARTTLS on mx2.example.net with any certificate; even a self-signed one stops listeners.\nPostfix: smtpd_tls_security_level = may", Detail: []string{"250-" + hostile, "250 8BITMIME"}, Effects: []report.Effect{"M.tls=no"}, Reference: "RFC 3207; RFC 7435 §4"},
				{Rule: "NET-01", Check: "starttls", Verdict: report.Untested, Host: "mx1.xn--bcher-kva.org", Address: "2001:db8::25", Title: "2001:db8::25 did not answer", Text: "Not reachable from here.", Reference: "RFC 5321 §4.5.4.1"},
				{Rule: "CRT-01", Check: "certificate", Verdict: report.Pass, Host: "mx1.xn--bcher-kva.org", Address: "192.0.2.25", Title: "The certificate is publicly trusted", Reference: "RFC 5280 §6"},
				{Rule: "CRT-08", Check: "certificate", Verdict: report.Warn, Host: "mx1.xn--bcher-kva.org", Title: hostile, Text: hostile, FixText: hostile, Reference: "RFC 5280"},
				{Rule: "TLS-41", Check: "tls", Verdict: report.Info, Host: "mx1.xn--bcher-kva.org", Address: "192.0.2.25", Title: "Key exchange withstands quantum computers", Reference: "draft-ietf-tls-ecdhe-mlkem"},
				{Rule: "SEC-01", Check: "dnssec", Verdict: report.Pass, Title: "The MX records are signed", Reference: "RFC 4035 §5"},
				{Rule: "SEC-05", Check: "dnssec", Verdict: report.Fail, Host: "mx2.example.net", Title: "The addresses of mx2.example.net do not validate", Text: "Senders that check DNSSEC cannot find the server.", FixText: "Sign example.net again.", Reference: "RFC 4035 §5"},
				{Rule: "DAN-10", Check: "dane", Verdict: report.Pass, Host: "mx1.xn--bcher-kva.org", Address: "192.0.2.25", Title: "TLSA matches", Reference: "RFC 7672 §3.1"},
				{Rule: "STS-27", Check: "mta-sts", Verdict: report.Pass, Host: "mx1.xn--bcher-kva.org", Title: "The policy names the server", Effects: []report.Effect{"M.sts=true"}, Reference: "RFC 8461 §4.1"},
				{Rule: "STS-28", Check: "mta-sts", Verdict: report.Fail, Host: "mx2.example.net", Title: "The policy does not name mx2.example.net", Effects: []report.Effect{"M.sts=false"}, Reference: "RFC 8461 §4.1"},
				{Rule: "RPT-02", Check: "tls-rpt", Verdict: report.Pass, Title: "TLS reports are asked for", Reference: "RFC 8460 §3"},
			},
		},
	}
}

// page wraps a report as the site does.
func page(r *report.Report) Report {
	return Report{Report: checks.View(r), Latest: true, Link: "https://mxseal.example/report/" + r.ID, Today: "D", RulesNow: 2,
		History: []Moment{{"now", moment, "E", true}, {"earlier", moment.Add(-72 * time.Hour), "D", false}, {"nothing", moment.Add(-96 * time.Hour), "T", false}, {"first", moment.Add(-240 * time.Hour), "A+", false}}}
}

// unreachable is a domain whose servers did not answer, noMail one that takes none.
func unreachable() *report.Report {
	r := rich()
	r.Grade = &report.Grade{Letter: "T", Because: []string{"NET-02"}, Sentence: "We could not talk to your servers."}
	r.Matrix, r.Badges, r.MTASTS, r.TLSRPT, r.Faults, r.Interrupted = nil, nil, nil, nil, nil, ""
	r.Hosts = r.Hosts[:1]
	r.Hosts[0].Addresses = r.Hosts[0].Addresses[1:]
	r.Findings = []report.Finding{{Rule: "NET-02", Check: "starttls", Verdict: report.Untested, Title: "No mail server could be reached", Text: "Nothing can be said about them.", Reference: "RFC 5321 §4.5.4.1"}}
	return r
}

func noMail() *report.Report {
	return &report.Report{Meta: report.Meta{Schema: 1, ID: "a2", Domain: "example.com", UnicodeDomain: "example.com", CheckedAt: moment, Depth: report.Standard}, Evidence: report.Evidence{MX: &report.MX{State: "null", DNSSEC: report.Trust{State: report.Secure}, Records: []report.Record{{Host: ".", Skipped: "null"}}}}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "N", Sentence: "This domain says it takes no mail."}, Findings: []report.Finding{{Rule: "MX-07", Check: "mx", Verdict: report.Pass, Title: "The domain declares that it takes no mail", Reference: "RFC 7505 §3"}}}}
}
