package lab

import (
	"crypto/tls"
	"strings"
)

// oddities are domains with something that is seldom seen, whatever their letter.
var oddities = []world{
	{name: "hostile-text.test", net: 110, letter: "D",
		shows: "Markup, right-to-left marks and control characters wherever a server can put them.", rules: "SMT-05 CRT-14 MX-14",
		records: hostileRecords, policy: &policy{lines: []string{"version: STSv1", "mode: " + nasty, "mx: " + nasty, "max_age: 604800"}},
		hosts: []host{{name: "mx", serves: []identity{{issuer: itself, cn: nasty, names: []string{"\"><img src=x onerror=alert(1)>.test", "mx.hostile-text.test"}}},
			mail: mail{greeting: []string{"220-" + nasty, "220 mx.hostile-text.test \xff\xfe" + nasty},
				ehlo:  []string{"PIPELINING", "SIZE " + nasty, "X-" + nasty, "STARTTLS"},
				inTLS: []string{"X-INSIDE " + nasty}, clear: "250 2.1.0 " + nasty}}}},
	{name: "alias-key.test", net: 137, letter: "A",
		shows:   "The mail server is a signed alias of an unsigned host; its key stands at the alias, where DANE senders look.",
		rules:   "MX-12 SEC-35 DAN-09",
		records: "@ MX 10 mail\nmail CNAME h.plain.test.\n_25._tcp.mail TLSA {mail 3 1 1}\n", hosts: []host{{name: "mail", serves: selfMade}}},
	{name: "alias-stale-key.test", net: 138, letter: "D",
		shows:   "The same with a forgotten digest at the alias: senders that check DANE deliver to none of them.",
		rules:   "SEC-35 DAN-10",
		records: "@ MX 10 mail\nmail CNAME stale.plain.test.\n_25._tcp.mail TLSA {next 3 1 1}\n", hosts: []host{{name: "mail"}}},
	{name: "alias-keyless.test", net: 139, letter: "C",
		shows:   "The same without a key: one record away from DANE, and led astray by a forged address until then.",
		rules:   "SEC-35 DAN-03",
		records: "@ MX 10 mail\nmail CNAME keyless.plain.test.\n", hosts: []host{{name: "mail"}}},
	{name: "half-servfail.test", net: 140, letter: "A",
		shows: "The question for IPv6 addresses fails; senders deliver to the IPv4 address, by DANE.", rules: "MX-28 SEC-06 DAN-09",
		records: one + dane, hosts: good, broken: "mx AAAA"},
	{name: "half-denied.test", net: 141, letter: "A",
		shows: "That there is no IPv6 address is not proved; the IPv4 address is, and DANE holds there.", rules: "MX-28 SEC-06 DAN-09",
		zone: signing{wrong: "mx AAAA"}, records: one + dane, hosts: good},
	{name: "dotless.test", net: 142, letter: "T",
		shows: "A final dot is missing in the zone file, and the domain stands twice in the name of the mail server.", rules: "MX-15 MX-30",
		records: "@ MX 10 mail.dotless.test.dotless.test.\nmail A {mail}\n", hosts: []host{{name: "mail"}}},
	{name: "wildcard.test", net: 143, letter: "T",
		shows: "A TLSA record below the mail server's name ended the wildcard that gave it its address.", rules: "MX-15 MX-31",
		records: "@ MX 10 mail.w\n*.w A {mail.w}\n_25._tcp.mail.w TLSA {mail.w 3 1 1}\n", hosts: []host{{name: "mail.w"}}},
	{name: "tlsa-nowhere.test", net: 144, letter: "C",
		shows: "The TLSA name is an alias into a zone that is not signed, and nothing is there.", rules: "DAN-45",
		records: one + "_25._tcp.mx CNAME nothing.plain.test.\n", hosts: good},
	{name: "tlsa-nothing.test", net: 145, letter: "C",
		shows: "The TLSA name is an alias of a signed name that has no such record.", rules: "DAN-46",
		records: one + "_25._tcp.mx CNAME tlsa\ntlsa TXT \"nothing else\"\n", hosts: good},
	{name: "tlsa-dead.test", net: 146, letter: "D",
		shows: "The TLSA name is an alias into an unsigned zone whose servers fail: DANE senders wait.", rules: "DAN-05",
		records: one + "_25._tcp.mx CNAME dead.plain.test.\n", hosts: good},
	{name: "base-reports.test", net: 147, letter: "A",
		shows: "Reports about DANE may go to whoever runs the mail server.", rules: "DAN-09 RPT-01 RPT-13",
		records: one + dane + "_smtp._tls.mx TXT \"v=TLSRPTv1; rua=mailto:tls@reports.test\"\n", hosts: good},
	{name: "one-dead.test", net: 148, letter: "A",
		shows: "All that an A+ takes, but one of two addresses does not answer.", rules: "DAN-09 STS-40 RPT-02 NET-01 NET-09",
		records: one + "mx A 127.77.148.99\n" + dane + sts + rpt, hosts: good, policy: &policy{lines: enforce("mx.one-dead.test")}},
	{name: "tls13-only.test", net: 123, letter: "A",
		shows: "DANE and MTA-STS, and TLS 1.3 alone: senders with an older library go on in clear text, or not at all.", rules: "TLS-01 TLS-75 DAN-09 STS-40",
		records: one + dane + sts + rpt, hosts: []host{{name: "mx", mail: mail{tls: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }}}}, policy: &policy{lines: enforce("mx.tls13-only.test")}},
	{name: "wildcard-mx.test", net: 124, letter: "C",
		shows: "Two names of one machine, and every name below takes mail.", rules: "MX-34 MX-35",
		zone: unsigned, records: "@ MX 10 mx\n@ MX 20 mail2\nmx A {mx}\nmail2 A {mx}\n* MX 10 mx\n", hosts: []host{{name: "mx", serves: []identity{{names: []string{"mx.wildcard-mx.test", "mail2.wildcard-mx.test"}}}}}},
	{name: "cds-delete.test", net: 125, letter: "A",
		shows: "DANE in a zone that asks its registry to end DNSSEC.", rules: "DAN-09 SEC-38",
		records: one + dane + "@ CDS 0 0 0 00\n", hosts: good},
	{name: "cds-stray.test", net: 126, letter: "A",
		shows: "DANE in a zone whose CDS record fits none of its keys.", rules: "DAN-09 SEC-39",
		records: one + dane + "@ CDS 12345 13 2 " + strings.Repeat("ab", 32) + "\n", hosts: good},
	{name: "any-authority.test", net: 127, letter: "B",
		shows: "MTA-STS enforced, no DANE, and no CAA record: any authority may issue a certificate for the mail server.", rules: "STS-40 NBR-09",
		zone: unsigned, records: one + sts + rpt, hosts: good, policy: &policy{lines: enforce("mx.any-authority.test")}},
	{name: "lost-server.test", net: 120, letter: "F",
		shows: "One of the name servers stands in a domain that does not exist: who can register it answers for the whole zone.", rules: "SEC-37",
		zone: unsigned, records: one + "@ NS ns.forgotten-dns.test.\n", hosts: good},
	{name: "lost-policy.test", net: 121, letter: "C",
		shows: "The records of MTA-STS and of TLS reporting, and the policy host, are aliases into a domain that does not exist.", rules: "STS-47 RPT-17",
		records: one + dane + "_mta-sts CNAME _mta-sts.forgotten-policies.test.\nmta-sts CNAME policies.forgotten-policies.test.\n_smtp._tls CNAME _smtp._tls.forgotten-policies.test.\n", hosts: good},
	{name: "lost-reports.test", net: 122, letter: "A",
		shows: "DANE, and reports that go to a domain that does not exist.", rules: "DAN-09 RPT-06 RPT-18",
		records: one + dane + "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@forgotten-reports.test\"\n", hosts: good},
}

// nasty is text that must not reach a page or a terminal as it is.
const nasty = "<script>alert('x')</script>\x1b[31m\u202etxt.exe\u202c\x07\x00\"&{{.}}"

const hostileRecords = one +
	`@ MX 20 \<b\>\027\[31m.hostile-text.test.
@ TXT "v=spf1 <script>alert(1)</script>\027[31m -all"
_dmarc TXT "v=DMARC1; p=<b>\226\128\174none"
_mta-sts TXT "v=STSv1; id=20260101; <i>=\027[2J"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:\"><script>alert(1)</script>@hostile-text.test\226\128\174"
mta-sts A {mta-sts}
mx CAA 0 issue "<script>alert(1)</script>"
`
