package lab

import "mxseal/checks/lab/serve"

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
	clear      = mail{ehlo: serve.Usual, starttls: "502 5.5.1 Command not implemented"}

	fourteen, fourteenRecords = many(14, "many-mx.test")
)

// scenery are zones that others need and nobody looks at.
var scenery = []world{
	{name: "plain.test", net: 152, zone: unsigned, broken: "dead",
		records: "h A 127.77.137.1\nstale A 127.77.138.1\nkeyless A 127.77.139.1\n"},
	{name: "provider.test", net: 200, zone: signing{hashed: true},
		records: one + "_25._tcp.mx CNAME mx._tlsa\nmx._tlsa TLSA {mx 3 1 1}\nmx._tlsa TLSA {next 3 1 1}\n" +
			"hosted._mta-sts TXT \"v=STSv1; id=20260101\"\npolicy A {policy}\n" + rpt,
		hosts:  good,
		policy: &policy{host: "policy", identity: identity{names: []string{"mta-sts.hosted.test"}}, lines: enforce("mx.provider.test")}},
	{name: "reports.test", net: 201, records: one + dane, hosts: good},
}

var outOfDate = []identity{{starts: -97 * day, ends: -7 * day}}
