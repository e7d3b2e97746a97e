package lab

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"time"
)

// Records that recur.
const (
	one   = "@ MX 10 mx\nmx A {mx}\n"
	two   = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A {mx1}\nmx2 A {mx2}\n"
	twice = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A {mx1}\nmx1 A {mx1/2}\nmx2 A {mx2}\nmx2 A {mx2/2}\n"
	dane  = "_25._tcp.mx TLSA {mx 3 1 1}\n"
	sts   = "_mta-sts TXT \"v=STSv1; id=20260101\"\nmta-sts A {mta-sts}\n"
	rpt   = "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@reports.test\"\n"
	spf   = "@ TXT \"v=spf1 mx -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n"
)

var (
	unsigned   = signing{none: true, state: "insecure"}
	good       = []host{{name: "mx"}}
	selfMade   = []identity{{issuer: itself}}
	requireTLS = mail{inTLS: []string{"REQUIRETLS"}}
	clear      = mail{ehlo: usual, starttls: "502 5.5.1 Command not implemented"}

	fourteen, fourteenRecords = many(14, "many-mx.test")
)

// worlds are the domains of the lab, best to worst, then the oddities, then the scenery.
// A number in net is given once and stays, so that addresses do.
var worlds = []world{
	{name: "perfect.test", net: 1, letter: "A+",
		shows:   "DANE, MTA-STS, reports and modern TLS on two servers with two addresses each: nothing left to wish for.",
		rules:   "MX-04 SMT-15 ENF-05 TLS-01 TLS-41 CRT-02 CRT-09 SEC-01 DAN-09 DAN-18 DAN-24 STS-40 RPT-02 NBR-01 NBR-05",
		records: twice + perfectTLSA + sts + rpt + spf + "mx1 CAA 0 issue \"ca.provider.test\"\nmx2 CAA 0 issue \"ca.provider.test\"\n",
		hosts:   []host{{name: "mx1", mail: requireTLS}, {name: "mx1", mail: requireTLS}, {name: "mx2", mail: requireTLS}, {name: "mx2", mail: requireTLS}},
		policy:  &policy{lines: enforce("mx1.perfect.test", "mx2.perfect.test")}},
	{name: "hosted.test", net: 2, letter: "A+",
		shows:   "The same at a provider: mail server, TLSA and policy are all reached through the provider's names.",
		rules:   "SEC-01 DAN-09 DAN-29 STS-03 STS-40 RPT-02",
		records: "@ MX 10 mx.provider.test.\n_mta-sts CNAME hosted._mta-sts.provider.test.\nmta-sts CNAME policy.provider.test.\n" + rpt + spf},
	{name: "dane.test", net: 3, letter: "A",
		shows:   "DANE with a self-made certificate: its digest in the signed DNS is all the trust it needs.",
		rules:   "SEC-01 SEC-06 DAN-09 DAN-18 DAN-23 RPT-01 STS-01",
		records: one + dane, hosts: []host{{name: "mx", serves: selfMade}}},
	{name: "no-report.test", net: 4, letter: "A",
		shows:   "Everything but TLS reports: the owner will not hear when mail cannot be delivered.",
		rules:   "DAN-09 STS-40 RPT-01",
		records: one + dane + sts, hosts: good, policy: &policy{lines: enforce("mx.no-report.test")}},
	{name: "old-tls.test", net: 5, letter: "A",
		shows:   "DANE and MTA-STS, but TLS 1.0, 3DES, RC4 and static RSA are still accepted as a last resort.",
		rules:   "TLS-02 TLS-03 TLS-25 TLS-26 TLS-29",
		records: one + dane + sts + rpt,
		hosts:   []host{{name: "mx", serves: []identity{{rsa: 2048}}, mail: mail{tls: old}}}, policy: &policy{lines: enforce("mx.old-tls.test")}},
	{name: "dane-ta.test", net: 6, letter: "A",
		shows:   "DANE by the owner's own CA: usage 2, the CA certificate sent in the chain.",
		rules:   "DAN-09 RPT-01",
		records: one + "_25._tcp.mx TLSA {mx 2 0 1}\n", hosts: []host{{name: "mx", serves: []identity{{issuer: private}}}}},
	{name: "tlsa-large.test", net: 7, letter: "A",
		shows:   "TLSA records with whole certificates: they match, but the answer only fits through TCP.",
		rules:   "DAN-09 DAN-17 DAN-34",
		records: one + "_25._tcp.mx TLSA {mx 3 0 0}\n_25._tcp.mx TLSA {mx 2 0 0}\n", hosts: []host{{name: "mx", serves: []identity{{rsa: 2048}}}}},
	{name: "cname-mx.test", net: 8, letter: "A",
		shows:   "The MX points to an alias, against the rules; DANE works at the name behind it.",
		rules:   "MX-12 DAN-09",
		records: "@ MX 10 mx\nmx CNAME real\nreal A {real}\n_25._tcp.real TLSA {real 3 1 1}\n", hosts: []host{{name: "real", serves: selfMade}}},
	{name: "nsec3.test", net: 9, letter: "A",
		shows:   "DANE in a zone whose NSEC3 records hash ten times too often and with salt.",
		rules:   "DAN-09 SEC-19 SEC-21",
		zone:    signing{hashed: true, iterations: 10, salt: "c0ffee"},
		records: one + dane, hosts: good},
	{name: "sha1-ds.test", net: 10, letter: "A",
		shows: "DANE in a zone whose only DS has a SHA-1 digest.", rules: "SEC-16 DAN-09",
		zone: signing{ds: sha1DS}, records: one + dane, hosts: good},
	{name: "expiring.test", net: 11, letter: "A",
		shows: "DANE in a zone whose signatures run out within half a day; the signer seems to have stopped.", rules: "SEC-22 DAN-09",
		zone: signing{until: 12 * time.Hour}, records: one + dane, hosts: good},
	{name: "sni-required.test", net: 12, letter: "A",
		shows: "DANE, but the server hangs up on clients that do not name it in the TLS hello.", rules: "TLS-61 DAN-09",
		records: one + dane, hosts: []host{{name: "mx", mail: mail{tls: namedOnly}}}},
	{name: "cname-sni.test", net: 196, letter: "A",
		shows:   "The MX points to an alias, and the server has a certificate for each of the two names: those who check DANE ask for the name of the TLSA records and get the right one.",
		rules:   "MX-12 DAN-09 CRT-09",
		records: "@ MX 10 mx\nmx CNAME real\nreal A {real}\n_25._tcp.real TLSA {real 3 1 1}\n",
		hosts:   []host{{name: "real", serves: []identity{{issuer: itself}, {names: []string{"mx.cname-sni.test"}, rsa: 2048}}}}},
	{name: "sts.test", net: 20, letter: "B",
		shows:   "MTA-STS in mode enforce with reports; the domain is not signed.",
		rules:   "SEC-02 STS-03 STS-20 STS-22 STS-24 STS-27 STS-40 RPT-02",
		zone:    unsigned,
		records: two + sts + rpt + spf, hosts: []host{{name: "mx1"}, {name: "mx2"}},
		policy: &policy{lines: enforce("mx1.sts.test", "mx2.sts.test")}},
	{name: "sts-short.test", net: 21, letter: "B",
		shows: "MTA-STS enforced for one hour at a time: a sender that writes less often starts from nothing.", rules: "STS-24 STS-40 RPT-01",
		zone: unsigned, records: one + sts, hosts: good, policy: &policy{lines: policyLines("enforce", 3600, "mx.sts-short.test")}},
	{name: "sts-unmatched-mx.test", net: 22, letter: "B",
		shows: "MTA-STS enforced, but the backup server is not in the policy.", rules: "STS-27 STS-28",
		zone: unsigned, records: two + sts + rpt, hosts: []host{{name: "mx1"}, {name: "mx2"}},
		policy: &policy{lines: enforce("mx1.sts-unmatched-mx.test")}},
	{name: "sts-beside.test", net: 155, letter: "B",
		shows: "A right MTA-STS record beside one with a blank, which senders discard.", rules: "STS-03 STS-43 STS-40 RPT-02 RPT-12",
		zone: unsigned, records: one + "_mta-sts TXT \"v=STSv1 ; id=1\"\n" + sts + "_smtp._tls TXT \"v=TLSRPTv1 ; rua=mailto:tls@reports.test\"\n",
		hosts: good, policy: &policy{lines: enforce("mx.sts-beside.test")}},
	{name: "tlsa-one-broken.test", net: 23, letter: "B",
		shows: "DANE on two servers; the backup has a new key that nobody published.", rules: "DAN-09 DAN-10 MX-24",
		records: two + "_25._tcp.mx1 TLSA {mx1 3 1 1}\n_25._tcp.mx2 TLSA {next 3 1 1}\n", hosts: []host{{name: "mx1"}, {name: "mx2"}}},
	{name: "weak-key.test", net: 24, letter: "B",
		shows: "DANE with an RSA key of 1024 bits.", rules: "CRT-16 DAN-09",
		records: one + dane, hosts: []host{{name: "mx", serves: []identity{{rsa: 1024, issuer: itself}}}}},
	{name: "certificate.test", net: 30, letter: "C",
		shows: "A valid certificate and nothing that tells senders to insist on it: most hosted domains.", rules: "MX-04 SEC-02 SMT-15 CRT-02 CRT-05 CRT-09 STS-01 RPT-01 ENF-01",
		zone: unsigned, records: one + spf + "tlsa TLSA {next 3 1 1}\n", hosts: good},
	{name: "sts-blank.test", net: 154, letter: "C",
		shows: "The MTA-STS record has a blank before its semicolon and a neighbour, beside which senders discard it; the reporting record has blanks about its equals sign.", rules: "STS-05 RPT-14",
		zone: unsigned, records: one + "_mta-sts TXT \"v=STSv1 ; id=20260101\"\n_mta-sts TXT \"v=spf1 -all\"\nmta-sts A {mta-sts}\n_smtp._tls TXT \"v=TLSRPTv1; rua = mailto:tls@reports.test\"\n",
		hosts: good, policy: &policy{lines: enforce("mx.sts-blank.test")}},
	{name: "signed.test", net: 31, letter: "C",
		shows: "Signed, one TLSA record away from DANE; the one that exists stands where no sender looks.", rules: "SEC-01 DAN-03 DAN-31",
		records: one + "_25._tcp TLSA {mx 3 1 1}\n", hosts: good},
	{name: "signed-domain.test", net: 32, letter: "C",
		shows: "A signed domain whose mail server's zone is not.", rules: "SEC-01 SEC-07 DAN-02",
		records: "@ MX 10 mx.certificate.test.\n"},
	{name: "unsigned-provider.test", net: 33, letter: "C",
		shows: "The provider does DANE; the domain is not signed, so strict senders do not use it.", rules: "SEC-02 SEC-08 DAN-26",
		zone: unsigned, records: "@ MX 10 mx.provider.test.\n"},
	{name: "island.test", net: 34, letter: "C",
		shows: "Signed with keys that the parent knows nothing of: one step missing.", rules: "SEC-09 DAN-02",
		zone: signing{ds: noDS, state: "insecure"}, records: one + dane, hosts: good},
	{name: "tlsa-unsigned.test", net: 54, letter: "C",
		shows: "The TLSA name is an alias into a zone that is not signed: no sender believes what it says.", rules: "DAN-04",
		records: one + "_25._tcp.mx CNAME tlsa.certificate.test.\n", hosts: good},
	{name: "tlsa-one-of-two.test", net: 35, letter: "C",
		shows: "DANE on the first server only: an attacker picks the other.", rules: "DAN-09 DAN-25 MX-24",
		records: two + "_25._tcp.mx1 TLSA {mx1 3 1 1}\n", hosts: []host{{name: "mx1"}, {name: "mx2"}}},
	{name: "tlsa-unusable.test", net: 36, letter: "C",
		shows: "A TLSA record of usage 1, which mail senders cannot use.", rules: "DAN-06 DAN-08",
		records: one + "_25._tcp.mx TLSA {mx 1 1 1}\n", hosts: good},
	{name: "export.test", net: 37, letter: "C",
		shows: "DANE, and a server that still takes RSA_EXPORT_WITH_RC4_40_MD5 from whoever offers nothing better.", rules: "TLS-24 DAN-09",
		records: one + dane, hosts: []host{{name: "mx", serves: []identity{{rsa: 2048}}, mail: mail{handshake: export}}}},
	{name: "injection.test", net: 38, letter: "C",
		shows: "Commands sent in clear behind STARTTLS are obeyed inside TLS.", rules: "SMT-21",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{injection: true}}}},
	{name: "stray-bytes.test", net: 39, letter: "C",
		shows: "The server goes on talking in clear after it agreed to TLS.", rules: "SMT-20",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{stray: "250 2.0.0 What else?\r\n"}}}},
	{name: "chatty.test", net: 40, letter: "C",
		shows: "Keywords in the wrong place: AUTH and REQUIRETLS before TLS, STARTTLS inside.", rules: "SMT-23 SMT-24 ENF-06",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{
			ehlo: []string{"PIPELINING", "AUTH PLAIN LOGIN", "REQUIRETLS", "STARTTLS"}, inTLS: []string{"STARTTLS"}}}}},
	{name: "enforced.test", net: 41, letter: "C",
		shows: "The server takes no mail without TLS.", rules: "ENF-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{clear: "530 5.7.0 Must issue a STARTTLS command first"}}}},
	{name: "requiretls.test", net: 42, letter: "C",
		shows: "REQUIRETLS is offered, but no sender can be sure of the server's name.", rules: "ENF-05 ENF-07",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: requireTLS}}},
	{name: "greylisted.test", net: 43, letter: "C",
		shows: "A greylisting server: come back in five minutes. Its TLS can be judged all the same.", rules: "ENF-03",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{clear: "451 4.7.1 Greylisted, please come back in five minutes"}}}},
	{name: "slow.test", net: 44, letter: "C",
		shows: "The greeting comes after six seconds, as postscreen's does.", rules: "SMT-01 SMT-15",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{wait: 6 * time.Second}}}},
	{name: "implicit-mx.test", net: 45, letter: "C",
		shows: "No MX record: mail goes to the address of the domain itself.", rules: "MX-05",
		zone: unsigned, records: "@ A {@}\n", hosts: []host{{name: "@"}}},
	{name: "domain-alias.test", letter: "C", inTLD: true,
		shows: "The domain is an alias of another, whose servers take its mail.", rules: "MX-10",
		records: "@ CNAME certificate.test.\n"},
	{name: "ipv6.test", net: 46, letter: "C",
		shows: "A mail server that has an IPv6 address only.", rules: "MX-04 SMT-15",
		zone: unsigned, records: "@ MX 10 mx\nmx AAAA {mx}\n", hosts: []host{{name: "mx", ip: "::1"}}},
	{name: "many-mx.test", net: 47, letter: "C",
		shows: "Fourteen mail servers, of which ten are tested.", rules: "MX-21 CRT-23",
		zone: unsigned, records: fourteenRecords, hosts: fourteen},
	{name: "farm.test", net: 55, letter: "C",
		shows: "Two machines behind one name, each with a certificate of its own.", rules: "NET-06",
		zone: unsigned, records: one + "mx A {mx/2}\n", hosts: []host{{name: "mx"}, {name: "mx", serves: []identity{{rsa: 2048}}}}},
	{name: "nolisting.test", net: 48, letter: "C",
		shows: "The first server never answers, the second does; some do so to annoy robots.", rules: "NET-03 NET-04",
		zone: unsigned, records: "@ MX 10 dead\n@ MX 20 mx\ndead A 127.77.48.99\nmx A {mx}\n", hosts: good},
	{name: "tired.test", net: 49, letter: "C",
		shows: "After five connections a minute the server wants to be left alone.", rules: "SMT-26",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{quota: 5}}}},
	{name: "three-at-once.test", net: 163, letter: "C",
		shows: "The server greets after four seconds and lets in three connections of one address at a time; whoever asks more slowly learns everything.", rules: "SMT-15 TLS-01 ENF-01 SMT-21",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{wait: 4 * time.Second, atOnce: 3}}}},
	{name: "empty-lines.test", net: 164, letter: "C",
		shows: "Empty lines behind the greeting and within the answer to EHLO: Postfix passes over them and uses TLS, Exim and OpenSMTPD cannot deliver.", rules: "SMT-05 SMT-15",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{greeting: []string{"220 mx.empty-lines.test ESMTP", ""},
			ehloLines: []string{"250-mx.empty-lines.test", "", "250-PIPELINING", "", "250 STARTTLS"}}}}},
	{name: "greets-again.test", net: 165, letter: "C",
		shows: "A second greeting inside TLS, which is out of place and no hole.", rules: "SMT-15 SMT-21 SMT-22",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{greetsTLS: true}}}},
	{name: "asks-for-tls.test", net: 166, letter: "C",
		shows: "Mail in clear is refused as Exchange refuses it: by another code than 530, and in words.", rules: "ENF-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{clear: "451 5.7.3 STARTTLS is required to send mail"}}}},
	{name: "first-line.test", net: 167, letter: "F",
		shows: "STARTTLS stands in the first line of the answer to EHLO, which is for the host's name: Postfix and Exim do not see it there.", rules: "SMT-12",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{ehloLines: []string{"250-STARTTLS", "250 PIPELINING"}}}}},
	{name: "sts-testing.test", net: 50, letter: "C",
		shows: "MTA-STS in mode testing, and nobody listens to the reports.", rules: "STS-22 STS-34",
		zone: unsigned, records: one + sts, hosts: good, policy: &policy{lines: policyLines("testing", 604800, "mx.sts-testing.test")}},
	{name: "sts-no-file.test", net: 51, letter: "C",
		shows: "MTA-STS announced in the DNS; the policy host has no such file.", rules: "STS-16",
		zone: unsigned, records: one + sts, hosts: good, policy: &policy{status: 404}},
	{name: "sts-redirect.test", net: 52, letter: "C",
		shows: "The policy file redirects, which senders must not follow.", rules: "STS-15",
		zone: unsigned, records: one + sts, hosts: good,
		policy: &policy{status: 301, location: "https://www.sts-redirect.test/.well-known/mta-sts.txt", lines: []string{"Moved"}}},
	{name: "sts-huge.test", net: 56, letter: "C",
		shows: "The policy file is a gigabyte long.", rules: "STS-18",
		zone: unsigned, records: one + sts, hosts: good, policy: &policy{huge: true}},
	{name: "sts-wrong-name.test", net: 53, letter: "C",
		shows: "The policy host's certificate names another host.", rules: "STS-13",
		zone: unsigned, records: one + sts, hosts: good,
		policy: &policy{identity: identity{names: []string{"www.sts-wrong-name.test"}}, lines: enforce("mx.sts-wrong-name.test")}},
	{name: "selfsigned.test", net: 60, letter: "D",
		shows: "A self-made certificate: listeners get nothing, an impostor everything.", rules: "CRT-14 SMT-15",
		zone: unsigned, records: one, hosts: []host{{name: "mx", serves: selfMade}}},
	{name: "name-mismatch.test", net: 61, letter: "D",
		shows: "The certificate names the mail domain and not the mail server.", rules: "CRT-12",
		zone: unsigned, records: one, hosts: []host{{name: "mx", serves: []identity{{names: []string{"name-mismatch.test"}}}}}},
	{name: "expired-certificate.test", net: 62, letter: "D",
		shows: "The certificate ran out a week ago.", rules: "CRT-06",
		zone: unsigned, records: one, hosts: []host{{name: "mx", serves: outOfDate}}},
	{name: "incomplete-chain.test", net: 63, letter: "D",
		shows: "The intermediate certificate is not sent.", rules: "CRT-03",
		zone: unsigned, records: one, hosts: []host{{name: "mx", serves: []identity{{leaf: true}}}}},
	{name: "sts-wildcard.test", net: 153, letter: "D",
		shows: "MTA-STS enforced with a wildcard that reaches one label, and the server stands two below.", rules: "STS-03 STS-28",
		zone: unsigned, records: "@ MX 10 tenant.h-v1.mx\ntenant.h-v1.mx A {tenant.h-v1.mx}\n" + sts + rpt, hosts: []host{{name: "tenant.h-v1.mx"}},
		policy: &policy{lines: enforce("*.mx.sts-wildcard.test")}},
	{name: "tlsa-mismatch.test", net: 64, letter: "D",
		shows: "DANE with a forgotten digest on every server: senders that check DANE deliver to none of them.", rules: "DAN-10",
		records: two + "_25._tcp.mx1 TLSA {next 3 1 1}\n_25._tcp.mx2 TLSA {next 3 1 1}\n", hosts: []host{{name: "mx1"}, {name: "mx2"}}},
	{name: "dual-cert.test", net: 65, letter: "D",
		shows: "An ECDSA and an RSA certificate, of which only the first is in the TLSA record.", rules: "CRT-22 DAN-28",
		records: one + dane, hosts: []host{{name: "mx", serves: []identity{{}, {rsa: 2048}}}}},
	{name: "tlsa-servfail.test", net: 66, letter: "D",
		shows: "The question for TLSA records fails: DANE senders wait.", rules: "DAN-05",
		records: one, hosts: good, broken: "_25._tcp.mx"},
	{name: "lame.test", net: 57, letter: "D",
		shows: "One of two name servers does not have the domain: who meets that one asks for TLSA records in vain, and DANE senders wait.", rules: "SEC-24 DAN-05",
		records: one, hosts: good, broken: "_25._tcp.mx", servers: []delegate{{name: "ns1"}, {name: "ns2", lame: true}}},
	{name: "no-tcp.test", net: 58, letter: "D",
		shows: "TLSA records that only fit through TCP, and name servers that do not speak it: DANE senders wait.", rules: "SEC-24 SEC-25 DAN-05",
		records: one + "_25._tcp.mx TLSA {mx 3 0 0}\n_25._tcp.mx TLSA {mx 2 0 0}\n", hosts: []host{{name: "mx", serves: []identity{{rsa: 2048}}}},
		broken: "_25._tcp.mx", servers: []delegate{{name: "ns1", mute: true}, {name: "ns2", mute: true}}},
	{name: "bogus.test", net: 67, letter: "D",
		shows: "The DS at the parent belongs to a key that the zone does not have.", rules: "SEC-03 SEC-10",
		zone: signing{ds: wrongDS, state: "bogus"}, records: one, hosts: good},
	{name: "expired.test", net: 68, letter: "D",
		shows: "All signatures of the zone ran out ten days ago.", rules: "SEC-03",
		zone: signing{until: -10 * day, state: "bogus"}, records: one, hosts: good},
	{name: "sts-expired.test", net: 70, letter: "E",
		shows: "MTA-STS enforced with an expired certificate: senders that check it do not deliver.", rules: "CRT-06 STS-29",
		zone: unsigned, records: one + sts + rpt, hosts: []host{{name: "mx", serves: outOfDate}}, policy: &policy{lines: enforce("mx.sts-expired.test")}},
	{name: "backup-cleartext.test", net: 71, letter: "E",
		shows: "The backup server knows no TLS.", rules: "SMT-12 SMT-15 MX-24",
		zone: unsigned, records: two, hosts: []host{{name: "mx1"}, {name: "mx2", mail: clear}}},
	{name: "obsolete-tls.test", net: 72, letter: "E",
		shows: "Nothing newer than TLS 1.1: modern senders cannot agree and send in the clear.", rules: "SMT-19",
		zone: unsigned, records: one, hosts: []host{{name: "mx", serves: []identity{{rsa: 2048}}, mail: mail{tls: obsolete}}}},
	{name: "tls13-averse.test", net: 175, letter: "E",
		shows: "The server breaks off as soon as TLS 1.3 stands in the hello: no sender of today gets on with it.", rules: "SMT-35 TLS-67",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{tls: averse}}}},
	{name: "nameless.test", net: 176, letter: "E",
		shows: "MTA-STS enforced, and TLS works only for clients that do not name the host: senders that check it do not deliver.", rules: "SMT-15 SMT-36",
		zone: unsigned, records: one + sts + rpt, hosts: []host{{name: "mx", mail: mail{tls: unnamedOnly}}}, policy: &policy{lines: enforce("mx.nameless.test")}},
	{name: "no-starttls.test", net: 80, letter: "F",
		shows: "No TLS at all.", rules: "SMT-12",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: clear}}},
	{name: "stripped.test", net: 81, letter: "F",
		shows: "A firewall writes XXXXXXXA over the offer of STARTTLS.", rules: "SMT-13",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{ehlo: []string{"PIPELINING", "SIZE 10240000", "XXXXXXXA", "8BITMIME"}, starttls: "500 5.5.1 Command unrecognized: \"XXXXXXXX\""}}}},
	{name: "hidden-starttls.test", net: 88, letter: "F",
		shows: "STARTTLS would work, but is not offered; no sender tries it.", rules: "SMT-14",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{ehlo: usual}}}},
	{name: "refused-tls.test", net: 82, letter: "F",
		shows: "STARTTLS is offered, and refused when asked for.", rules: "SMT-17",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{starttls: "554 5.7.3 Unable to initialize security subsystem"}}}},
	{name: "broken-handshake.test", net: 83, letter: "F",
		shows: "Every TLS handshake ends with alert 80, internal error.", rules: "SMT-18",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{handshake: alert(80)}}}},
	{name: "half-tls.test", net: 84, letter: "F",
		shows: "The server hangs up in the middle of every TLS handshake.", rules: "SMT-18",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{handshake: half}}}},
	{name: "client-certificate.test", net: 85, letter: "F",
		shows: "The server demands a certificate of the sender.", rules: "ENF-08",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{tls: func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }}}}},
	{name: "no-esmtp.test", net: 86, letter: "F",
		shows: "A server from before EHLO.", rules: "SMT-08",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{noEHLO: true, starttls: clear.starttls}}}},
	{name: "takeover.test", net: 87, letter: "F",
		shows: "The backup server's domain does not exist: who can register it gets the mail.", rules: "MX-14 MX-16",
		zone: unsigned, records: one + "@ MX 20 mx.forgotten-provider.test.\n", hosts: good},
	{name: "rate-limited.test", net: 90, letter: "T",
		shows: "The server has had enough of us before the first word: untested, not bad.", rules: "SMT-02 NET-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{greeting: []string{"421 4.7.0 mx.rate-limited.test Too many connections, try again later"}}}}},
	{name: "unreachable.test", net: 91, letter: "T",
		shows: "One server refuses connections, the other swallows them.", rules: "NET-01 NET-02",
		zone: unsigned, records: "@ MX 10 refusing\n@ MX 20 mx\nrefusing A 127.77.91.99\nmx A {mx}\n", hosts: []host{{name: "mx", hole: true}}},
	{name: "private-mx.test", net: 92, letter: "T",
		shows: "The MX has a loopback address, which is never contacted.", rules: "MX-17",
		zone: unsigned, records: "@ MX 10 mx\nmx A 127.0.0.1\n"},
	{name: "silent.test", net: 93, letter: "T",
		shows: "The server takes the connection and never says a word.", rules: "SMT-04 NET-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{instead: silent}}}},
	{name: "endless.test", net: 94, letter: "T",
		shows: "The greeting has no last line.", rules: "SMT-04 NET-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{instead: endless}}}},
	{name: "garbage.test", net: 95, letter: "T",
		shows: "What listens on the port is no mail server.", rules: "NET-02",
		zone: unsigned, records: one, hosts: []host{{name: "mx", mail: mail{instead: garbage}}}},
	{name: "servfail.test", net: 96, letter: "T", dead: true,
		shows: "No name server answers for the domain.", rules: "MX-02"},
	{name: "alias-loop.test", letter: "T", inTLD: true,
		shows: "The domain is an alias of an alias of itself.", rules: "MX-11",
		records: "@ CNAME alias-loop-back.test.\nalias-loop-back.test. CNAME @\n"},
	{name: "null-mx.test", net: 100, letter: "N",
		shows: "A null MX: the domain says that it takes no mail.", rules: "MX-07",
		zone: unsigned, records: "@ MX 0 .\n@ TXT \"v=spf1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n"},
	{name: "no-mail.test", net: 101, letter: "N",
		shows: "Neither an MX nor an address.", rules: "MX-06"},
	{name: "nothing.test", letter: "T", inTLD: true,
		shows: "The domain does not exist.", rules: "MX-01"},
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

	{name: "plain.test", net: 152, zone: unsigned, broken: "dead",
		records: "h A 127.77.137.1\nstale A 127.77.138.1\nkeyless A 127.77.139.1\n"},
	{name: "provider.test", net: 200, zone: signing{hashed: true},
		records: one + "_25._tcp.mx CNAME mx._tlsa\nmx._tlsa TLSA {mx 3 1 1}\nmx._tlsa TLSA {next 3 1 1}\n" +
			"hosted._mta-sts TXT \"v=STSv1; id=20260101\"\npolicy A {policy}\n" + rpt,
		hosts:  good,
		policy: &policy{host: "policy", identity: identity{names: []string{"mta-sts.hosted.test"}}, lines: enforce("mx.provider.test")}},
	{name: "reports.test", net: 201, records: one + dane, hosts: good},
}

const perfectTLSA = "_25._tcp.mx1 TLSA {mx1 3 1 1}\n_25._tcp.mx1 TLSA {next 3 1 1}\n_25._tcp.mx2 TLSA {mx2 3 1 1}\n_25._tcp.mx2 TLSA {next 3 1 1}\n"

var outOfDate = []identity{{starts: -97 * day, ends: -7 * day}}

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

// old accepts everything from TLS 1.0 to 1.2, static RSA, 3DES and RC4 after better suites.
func old(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
	c.CipherSuites = append(c.CipherSuites,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA,
		tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA)
}

// obsolete knows nothing newer than TLS 1.1.
func obsolete(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
}

// averse breaks off where it is offered TLS 1.3.
func averse(c *tls.Config) {
	c.MaxVersion = tls.VersionTLS12
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedVersions, tls.VersionTLS13) {
			return nil, errors.New("lab: TLS 1.3")
		}
		return nil, nil
	}
}

// unnamedOnly refuses a hello with a server name.
func unnamedOnly(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName != "" {
			return nil, errors.New("lab: a server name")
		}
		return nil, nil
	}
}

// namedOnly refuses a hello without a server name.
func namedOnly(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName == "" {
			return nil, errors.New("lab: no server name")
		}
		return nil, nil
	}
}
