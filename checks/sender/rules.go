package sender

import "mxseal/checks/report"

// Rule is one row of the catalogue: when it applies, what it means, what it does to the letter.
type Rule struct {
	ID      string
	Trap    Trap             // that it is about; none for those about the sender as a whole
	Fates   []Fate           // of the trap, for which it applies
	Old     bool             // only where the message came by a version below TLS 1.2
	If      func(Facts) bool // nil for always
	Verdict report.Verdict
	Cap     report.Letter // the letter is no better; none if empty
	Fix     Fix           // what to do about it; none if empty
	Title   string
	Text    string
	Source  string
}

var (
	came    = []Fate{InClear, Encrypted}
	inClear = []Fate{InClear}
	inTLS   = []Fate{Encrypted}
	refused = []Fate{Refused}
)

func dane(f Facts) bool       { return f.DANE == Yes }
func noDANE(f Facts) bool     { return f.DANE == No }
func sts(f Facts) bool        { return f.MTASTS == Yes }
func opportune(f Facts) bool  { return f.PKIX == No && f.DANEAlone != Yes }
func aloneSTS(f Facts) bool   { return f.MTASTS == Yes && f.DANE != Yes }
func picky(f Facts) bool      { return f.PKIX == Yes || f.DANEAlone == Yes }
func unverified(f Facts) bool { return f.DANE == No && f.MTASTS == No }

// Rules are the catalogue. Ids are kept for ever.
var Rules = []Rule{
	{ID: "SND-01", Trap: Plain, Fates: inTLS, Verdict: report.Pass, Source: "RFC 3207 §4",
		Title: "Mail is encrypted where the receiver offers it", Text: "Somebody who only listens on the way cannot read the mail that this server sends."},
	{ID: "SND-02", Trap: Plain, Fates: inClear, Verdict: report.Fail, Cap: "F", Fix: FixEncrypt, Source: "RFC 3207 §4",
		Title: "Mail is sent unencrypted although encryption is offered", Text: "Everybody on the way can read and change the mail that this server sends."},
	{ID: "SND-03", Trap: Plain, Fates: refused, Verdict: report.Info, If: picky, Source: "RFC 7672 §2.1",
		Title: "An ordinary domain gets no mail from this server", Text: "This server insists on more than most domains publish. That is safe, and much mail cannot be delivered."},
	{ID: "SND-04", Trap: Plain, Fates: inTLS, Old: true, Verdict: report.Fail, Cap: "D", Fix: FixVersions, Source: "RFC 8996",
		Title: "An outdated version of TLS is used with a modern server", Text: "The server offers TLS 1.3 and 1.2, and the mail came by an older version."},

	{ID: "SND-05", Trap: Cleartext, Fates: inClear, Verdict: report.Info, Source: "RFC 7435 §3",
		Title: "Mail is sent unencrypted where no encryption is offered", Text: "That is usual. An attacker who strips STARTTLS gets the mail unless the domain has promised TLS and the sender checks it."},
	{ID: "SND-06", Trap: Cleartext, Fates: refused, Verdict: report.Pass, If: func(f Facts) bool { return f.DANEAlone != Yes }, Source: "RFC 7435 §3",
		Title: "Nothing is sent unencrypted", Text: "Where no encryption is offered, this server keeps the mail back."},
	{ID: "SND-07", Trap: TempFail, Fates: inClear, Verdict: report.Info, Source: "RFC 3207 §4",
		Title: "A refused STARTTLS leads to cleartext", Text: "Where STARTTLS is answered with 454, this server sends unencrypted at once. An attacker on the way can bring that about."},
	{ID: "SND-08", Trap: TempFail, Fates: refused, Verdict: report.Pass, If: opportune, Source: "RFC 3207 §4",
		Title: "A refused STARTTLS does not lead to cleartext", Text: "Where STARTTLS is answered with 454, this server waits."},
	{ID: "SND-09", Trap: Broken, Fates: inClear, Verdict: report.Info, Source: "RFC 7435 §3",
		Title: "A failed handshake leads to cleartext", Text: "Where TLS breaks, this server sends unencrypted. An attacker on the way can bring that about."},
	{ID: "SND-10", Trap: Broken, Fates: refused, Verdict: report.Pass, If: opportune, Source: "RFC 7435 §3",
		Title: "A failed handshake does not lead to cleartext", Text: "Where TLS breaks, this server waits."},
	{ID: "SND-11", Trap: SelfSigned, Fates: came, Verdict: report.Info, Source: "RFC 7435 §3",
		Title: "A self-signed certificate is accepted", Text: "Without a promise of the domain that is usual: nobody would know which certificate is right."},
	{ID: "SND-12", Trap: SelfSigned, Fates: refused, If: picky, Verdict: report.Pass,
		Title: "A self-signed certificate is refused", Text: "This server wants a certificate that it can verify, from every domain."},
	{ID: "SND-13", Trap: Expired, Fates: refused, If: picky, Verdict: report.Pass,
		Title: "An expired certificate is refused", Text: "This server wants a certificate that is valid, from every domain."},
	{ID: "SND-14", Trap: OldTLS, Fates: inTLS, Old: true, Verdict: report.Warn, Cap: "A", Fix: FixVersions, Source: "RFC 8996",
		Title: "TLS 1.0 is still used", Text: "Where the receiver has nothing better, this server uses a version of TLS that was withdrawn in 2021."},
	{ID: "SND-15", Trap: OldTLS, Fates: inClear, Verdict: report.Info, Source: "RFC 9325 §3.1.1",
		Title: "Where only TLS 1.0 is offered, mail is sent unencrypted", Text: "This server does not use TLS 1.0, and falls back to cleartext."},

	{ID: "SND-16", Trap: DANEBad, Fates: refused, If: dane, Verdict: report.Pass, Source: "RFC 7672 §2.2",
		Title: "DANE is checked", Text: "The TLSA records did not fit the key of the server, and the mail was kept back."},
	{ID: "SND-17", Trap: DANEBad, Fates: came, If: noDANE, Verdict: report.Fail, Fix: FixDANE, Source: "RFC 7672 §2.2",
		Title: "DANE is not checked", Text: "The TLSA records did not fit the key of the server, and the mail was sent nevertheless. An attacker on the way can get the mail."},
	{ID: "SND-18", Trap: DANE, Fates: refused, Verdict: report.Fail, If: func(f Facts) bool { return f.PKIX != Yes }, Source: "RFC 7672 §3.1.1", Fix: FixDANE,
		Title: "A correct DANE domain gets no mail", Text: "The TLSA records fit and the mail did not come."},
	{ID: "SND-19", Trap: DANEClear, Fates: inClear, If: dane, Verdict: report.Fail, Cap: "C", Fix: FixDANE, Source: "RFC 7672 §2.2",
		Title: "DANE is dropped where STARTTLS is stripped", Text: "TLSA records promise TLS. The server offered none, and the mail was sent unencrypted."},
	{ID: "SND-20", Trap: DANEIssuer, Fates: came, If: dane, Verdict: report.Warn, Cap: "B", Fix: FixDANE, Source: "RFC 7672 §3.2.3",
		Title: "Names are not compared for usage 2", Text: "The TLSA records name an issuer. Everybody who gets a certificate from that issuer can take the mail."},
	{ID: "SND-21", Trap: DANEUnusable, Fates: inClear, If: dane, Verdict: report.Warn, Cap: "A", Fix: FixDANE, Source: "RFC 7672 §2.2",
		Title: "Unusable TLSA records do not lead to encryption", Text: "TLSA records that nobody can use still promise encryption. The mail was sent unencrypted."},
	{ID: "SND-22", Trap: DANEInsecure, Fates: refused, If: dane, Verdict: report.Info, Source: "RFC 7672 §2.2.1",
		Title: "TLSA records count behind an unsigned MX record, too", Text: "That is lenient DANE, as Postfix does it. It stops attackers who are on the way and cannot forge DNS."},
	{ID: "SND-23", Trap: DANEInsecure, Fates: came, If: dane, Verdict: report.Info, Source: "RFC 7672 §2.2.1",
		Title: "TLSA records do not count behind an unsigned MX record", Text: "That is strict DANE, as the standard describes it."},
	{ID: "SND-24", Trap: Bogus, Fates: refused, Verdict: report.Pass, Source: "RFC 4035 §5",
		Title: "The resolver validates DNSSEC", Text: "A forged DNS answer was not believed."},
	{ID: "SND-25", Trap: Bogus, Fates: came, If: dane, Verdict: report.Fail, Cap: "C", Fix: FixResolver, Source: "RFC 7672 §2.1.1",
		Title: "A forged DNS answer is believed", Text: "DANE is worth nothing without a resolver that validates."},
	{ID: "SND-26", Trap: Bogus, Fates: came, If: func(f Facts) bool { return f.DANE != Yes }, Verdict: report.Warn, Fix: FixResolver, Source: "RFC 4035 §5",
		Title: "The resolver does not validate DNSSEC", Text: "A forged DNS answer was believed. DANE needs a resolver that validates."},

	{ID: "SND-27", Trap: STSCert, Fates: refused, If: sts, Verdict: report.Pass, Source: "RFC 8461 §4.2",
		Title: "MTA-STS is checked", Text: "The certificate did not fit the policy, and the mail was kept back."},
	{ID: "SND-28", Trap: STSCert, Fates: came, Verdict: report.Fail, If: func(f Facts) bool { return f.MTASTS == No && f.DANE != Yes }, Fix: FixMTASTS, Source: "RFC 8461 §4.2",
		Title: "MTA-STS is not checked", Text: "The certificate did not fit the policy that the domain enforces, and the mail was sent nevertheless."},
	{ID: "SND-29", Trap: STSCert, Fates: came, Verdict: report.Info, If: func(f Facts) bool { return f.MTASTS == No && f.DANE == Yes }, Fix: FixMTASTS, Source: "RFC 8461 §4.2",
		Title: "MTA-STS is not checked", Text: "Large providers protect their mail with MTA-STS and not with DANE. An attacker can get the mail that this server sends them."},
	{ID: "SND-30", Trap: STSOutside, Fates: came, If: sts, Verdict: report.Fail, Cap: "C", Fix: FixMTASTS, Source: "RFC 8461 §4.1",
		Title: "Mail goes to a server that the policy does not list", Text: "An attacker who forges DNS answers can get the mail."},
	{ID: "SND-31", Trap: STSOutsideMX, Fates: came, If: sts, Verdict: report.Warn, Cap: "B", Fix: FixMXNames, Source: "RFC 8461 §4.1",
		Title: "Names of mail servers are not compared with the policy", Text: "Only the certificate is compared. Postfix before 3.10.5 does so; it is safe as long as certificates are."},
	{ID: "SND-32", Trap: STSClear, Fates: inClear, If: sts, Verdict: report.Fail, Cap: "C", Fix: FixMTASTS, Source: "RFC 8461 §4.2",
		Title: "MTA-STS is dropped where STARTTLS is stripped", Text: "The policy promises TLS. The server offered none, and the mail was sent unencrypted."},
	{ID: "SND-33", Trap: DANEBadSTS, Fates: came, If: dane, Verdict: report.Fail, Cap: "B", Fix: FixPrecedence, Source: "RFC 8461 §2",
		Title: "MTA-STS overrides a failure of DANE", Text: "The TLSA records did not fit, and the mail was sent because an MTA-STS policy was kept."},
	{ID: "SND-34", Trap: STSBadDANE, Fates: came, If: aloneSTS, Verdict: report.Fail, Cap: "C", Fix: FixMTASTS, Source: "RFC 8461 §4.2",
		Title: "TLSA records make the server forget MTA-STS", Text: "The policy was not kept, and the mail was sent, though this server does not check DANE."},
	{ID: "SND-35", Trap: STS, Fates: refused, Verdict: report.Fail, If: func(f Facts) bool { return f.PKIX != Yes && f.DANEAlone != Yes }, Fix: FixMTASTS, Source: "RFC 8461 §4",
		Title: "A correct MTA-STS domain gets no mail", Text: "The policy was kept and the mail did not come."},

	{ID: "SND-36", If: func(f Facts) bool { return f.Modern == No }, Verdict: report.Warn, Cap: "A", Fix: FixVersions, Source: "RFC 9325 §3.1.1",
		Title: "TLS 1.3 is not offered", Text: "Newer versions hide more and break less."},
	{ID: "SND-37", If: func(f Facts) bool { return f.PostQuantum == Yes }, Verdict: report.Pass,
		Title: "A post-quantum key exchange is offered", Text: "What is recorded today stays unreadable for the computers of tomorrow."},
	{ID: "SND-38", If: func(f Facts) bool { return f.PostQuantum == No && (f.DANE == Yes || f.MTASTS == Yes) }, Verdict: report.Info,
		Title: "No post-quantum key exchange is offered", Text: "Current versions of OpenSSL and of Go offer one (X25519MLKEM768)."},
	{ID: "SND-39", If: func(f Facts) bool { return unverified(f) && f.PKIX == Yes && f.Domain == No }, Verdict: report.Warn, Fix: FixDANE,
		Title: "Every certificate is verified, for a name that comes from DNS", Text: "An attacker who forges DNS answers names a server of his own, which has a good certificate."},
	{ID: "SND-40", If: func(f Facts) bool { return f.Reports == Yes }, Verdict: report.Pass, Source: "RFC 8460 §3",
		Title: "Failures are reported", Text: "A TLS report about this test has come. Domains that get such reports notice trouble and attacks."},
	{ID: "SND-41", If: func(f Facts) bool { return f.Reports == No }, Verdict: report.Info, Source: "RFC 8460 §3",
		Title: "Failures are not reported", Text: "The domains of this test asked for TLS reports, and within 48 hours none came. Domains that get reports notice trouble and attacks."},
}
