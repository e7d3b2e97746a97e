package real

import "strings"

const (
	oneMX = "@ MX 10 mx\nmx A {{ip `mx`}}\n"
	fits  = "_25._tcp.mx TLSA {{tlsa `3 1 1` `mx`}}\n"
	stale = "TLSA 3 1 1 " + noKey + "\n"
	noKey = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// silence is why a report does not go by what senders meet here.
const silence = "servers that are silent to every question cannot be told from a path of ours on which they are lost; the letter is provisional"

// danes are cases of DANE and of the DNS below it.
var danes = []*delivery{
	{name: "dane-good", shows: "a TLSA record that fits", signed: true, zone: oneMX + fits, letter: "A", want: all("tls")},
	{name: "dane-stale", shows: "a TLSA record of another key", signed: true, zone: oneMX + "_25._tcp.mx " + stale, letter: "D",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},

	{name: "mx-alias-out", shows: "the MX is an alias into an unsigned zone; the TLSA record at the alias fits", signed: true,
		more: map[string]string{"plain-mx-alias-out": "h A {{ip `mx`}}\n"},
		zone: "@ MX 10 mx\nmx CNAME h.plain-mx-alias-out.test.\n" + fits, letter: "A", want: all("tls")},
	{name: "mx-alias-out-stale", shows: "the same with a stale digest", signed: true,
		more: map[string]string{"plain-mx-alias-out-stale": "h A {{ip `mx`}}\n"},
		zone: "@ MX 10 mx\nmx CNAME h.plain-mx-alias-out-stale.test.\n_25._tcp.mx " + stale, letter: "D",
		want: but("tls", "postfix-dane", "deferred"),
		why:  map[string]string{"exim": "Exim uses no DANE when an address is not secure"}},
	{name: "mx-alias-in", shows: "the MX is a secure alias; TLSA at the target fits, the one at the alias is stale", signed: true,
		hosts: []mailHost{{label: "real", names: []string{"real.mx-alias-in.test"}}},
		zone:  "@ MX 10 mx\nmx CNAME real\nreal A {{ip `real`}}\n_25._tcp.real TLSA {{tlsa `3 1 1` `real`}}\n_25._tcp.mx " + stale, letter: "A", want: all("tls")},
	{name: "mx-alias-in-original", shows: "the MX is a secure alias; no TLSA at the target, one at the alias", signed: true,
		hosts: []mailHost{{label: "real", names: []string{"real.mx-alias-in-original.test"}}},
		zone:  "@ MX 10 mx\nmx CNAME real\nreal A {{ip `real`}}\n_25._tcp.mx TLSA {{tlsa `3 1 1` `real`}}\n", letter: "A", want: all("tls")},

	{name: "mx-alias-between", shows: "the MX is an alias of an alias; the only TLSA stands at the name between, and is stale", signed: true,
		hosts: []mailHost{{label: "real", names: []string{"real.mx-alias-between.test", "mx.mx-alias-between.test"}}},
		zone:  "@ MX 10 mx\nmx CNAME mid\nmid CNAME real\nreal A {{ip `real`}}\n_25._tcp.mid " + stale, letter: "C", want: all("tls")},

	{name: "aaaa-unproved", shows: "A is proved, the denial of AAAA is not", signed: true, zone: oneMX + fits,
		tamper: without("mx.aaaa-unproved.test.", "NSEC"), letter: "A", want: all("tls")},
	{name: "aaaa-unproved-stale", shows: "the same with a stale digest", signed: true, zone: oneMX + "_25._tcp.mx " + stale,
		tamper: without("mx.aaaa-unproved-stale.test.", "NSEC"), letter: "D", want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},

	{name: "sni-alias", shows: "the server chooses its certificate by name; the TLSA base domain is the target of the alias", signed: true,
		hosts: []mailHost{{label: "real", names: []string{"real.sni-alias.test"}, manner: manner{tls: otherCertificateFor("mx.sni-alias.test")}}},
		zone:  "@ MX 10 mx\nmx CNAME real\nreal A {{ip `real`}}\n_25._tcp.real TLSA {{tlsa `3 1 1` `real`}}\n", letter: "A", want: all("tls")},

	{name: "alias-domain-target", shows: "the mail domain is a signed alias; 2 1 1; the certificate names the expanded domain alone", signed: true,
		hosts: []mailHost{{chain: fromPrivate, names: []string{"to.alias-domain-target.test"}}},
		zone:  "@ A {{ip `mx`}}\nsub CNAME to\nto MX 10 mx\nmx A {{ip `mx`}}\n_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", mail: "sub.alias-domain-target.test", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "Exim accepts the name of the TLSA records alone"}},
	{name: "alias-domain-alias", shows: "the same; the certificate names the alias alone", signed: true,
		hosts: []mailHost{{chain: fromPrivate, names: []string{"sub.alias-domain-alias.test"}}},
		zone:  "@ A {{ip `mx`}}\nsub CNAME to\nto MX 10 mx\nmx A {{ip `mx`}}\n_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", mail: "sub.alias-domain-alias.test", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "Exim accepts the name of the TLSA records alone"}},
	{name: "alias-mx-alias-name", shows: "2 1 1 at the target of an MX that is an alias; the certificate names the alias alone", signed: true,
		hosts: []mailHost{{label: "real", chain: fromPrivate, names: []string{"mx.alias-mx-alias-name.test"}}},
		zone:  "@ MX 10 mx\nmx CNAME real\nreal A {{ip `real`}}\n_25._tcp.real TLSA {{tlsa `2 1 1` `real/root`}}\n", letter: "D E", want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "two-next-hop", shows: "2 1 1; the certificate names the mail domain alone", signed: true,
		hosts: []mailHost{{chain: fromPrivate, names: []string{"two-next-hop.test"}}},
		zone:  oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "Exim accepts the name of the TLSA records alone"}},

	{name: "cross-expired", shows: "2 1 1 names the root's key; the root is sent as a cross-certificate past its end", signed: true,
		hosts: []mailHost{{chain: crossExpired}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "GnuTLS looks at the dates of the anchor"}},
	{name: "anchor-expired", shows: "2 1 1 names a self-signed root past its end", signed: true,
		hosts: []mailHost{{chain: anchorExpired}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", letter: "D E",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},

	{name: "many-tlsa", shows: "36 stale records and one that fits", signed: true,
		zone: oneMX + fits + manyStale(36), letter: "A", want: all("tls")},

	{name: "wildcard-ended", shows: "a TLSA record below a name ends the wildcard that gave it its address", signed: true,
		zone: "@ MX 10 mail\n*.wildcard-ended.test. A {{ip `mx`}}\n_25._tcp.mail TLSA {{tlsa `3 1 1` `mx`}}\n", letter: "T", want: but("bounced", "opensmtpd", "deferred"),
		why: all("a host without an address: nothing can be tested, and mail is returned or waits"), rules: []string{"MX-15"}},

	{name: "tlsa-alias-nothing", shows: "the TLSA name is an alias into an unsigned zone, where nothing is", signed: true,
		more: map[string]string{"plain-tlsa-alias-nothing": "other A {{ip `mx`}}\n"},
		zone: oneMX + "_25._tcp.mx CNAME tlsa.plain-tlsa-alias-nothing.test.\n", letter: "C", want: all("tls")},
	{name: "tlsa-alias-unsigned", shows: "the same, and a stale record is there, which nobody may believe", signed: true,
		more: map[string]string{"plain-tlsa-alias-unsigned": "tlsa " + stale},
		zone: oneMX + "_25._tcp.mx CNAME tlsa.plain-tlsa-alias-unsigned.test.\n", letter: "C", want: all("tls")},
	{name: "tlsa-alias-servfail", shows: "the TLSA name is an alias into an unsigned zone that does not answer", signed: true,
		more: map[string]string{"plain-tlsa-alias-servfail": ""},
		zone: oneMX + "_25._tcp.mx CNAME tlsa.plain-tlsa-alias-servfail.test.\n", letter: "C", provisional: true,
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred"),
		why:  map[string]string{"postfix-dane": silence, "exim": silence}},

	{name: "two-leaf", shows: "2 0 0 whose data is the leaf itself", signed: true,
		zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 0 0` `mx`}}\n", letter: "D", want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "two-key-client", shows: "2 1 0 with a key that is not sent and signs a leaf for clients only", signed: true,
		hosts: []mailHost{{chain: bareKey(clientOnly)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 0` `mx/root`}}\n", letter: "D E",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "two-key-critical", shows: "2 1 0 with a key that is not sent; the leaf has a critical extension that nobody knows", signed: true,
		hosts: []mailHost{{chain: bareKey(unknownCritical)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 0` `mx/root`}}\n", letter: "D E",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "two-key-usage", shows: "2 1 0 with a key that is not sent; the leaf may only sign certificates", signed: true,
		hosts: []mailHost{{chain: bareKey(signsCertificates)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 0` `mx/root`}}\n", letter: "D E",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "two-key", shows: "2 1 0 with a key that is not sent and signs an ordinary leaf", signed: true,
		hosts: []mailHost{{chain: bareKey(nil)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 0` `mx/root`}}\n", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "GnuTLS looks for the anchor among the certificates that are sent"}},
	{name: "two-full", shows: "2 0 0 with a root that is not sent", signed: true,
		hosts: []mailHost{{chain: bareKey(nil)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 0 0` `mx/root`}}\n", letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "GnuTLS looks for the anchor among the certificates that are sent"}},
	{name: "two-digest", shows: "2 1 1 of a root that is not sent", signed: true,
		hosts: []mailHost{{chain: bareKey(nil)}}, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n", letter: "D E",
		want: but("tls", "postfix-dane", "deferred", "exim", "deferred")},
	{name: "three-expired-name", shows: "3 1 1 fits a certificate past its end with another name", signed: true,
		hosts: []mailHost{{chain: longPast, names: []string{"nobody.test"}}}, zone: oneMX + fits, letter: "A", want: all("tls")},
}

// without takes the records of a type, and their signatures, from a name of a signed zone.
func without(owner, kind string) func(string) string {
	return func(zone string) string {
		var b strings.Builder
		for line := range strings.Lines(zone) {
			f := strings.Fields(line)
			if len(f) > 4 && f[0] == owner && (f[3] == kind || f[3] == "RRSIG" && f[4] == kind) {
				continue
			}
			b.WriteString(line)
		}
		return b.String()
	}
}

func manyStale(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("_25._tcp.mx TLSA 2 1 1 " + strings.Repeat("0123456789abcdef"[i%16:i%16+1], 62) + "0123456789abcdef"[i/16:i/16+1] + "f\n")
	}
	return b.String()
}
