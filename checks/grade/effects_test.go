package grade

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// at makes a finding from "RULE host address: effect, effect"; host and address may be left out.
func at(text string) report.Finding {
	about, effects, _ := strings.Cut(text, ": ")
	words := append(strings.Fields(about), "", "")
	f := report.Finding{Rule: words[0], Host: words[1], Address: words[2], Verdict: report.Fail}
	for e := range strings.SplitSeq(effects, ", ") {
		f.Effects = append(f.Effects, report.Effect(e))
	}
	return f
}

func findings(texts ...string) []report.Finding {
	var list []report.Finding
	for _, text := range texts {
		list = append(list, at(text))
	}
	return list
}

func TestFactsOfDomain(t *testing.T) {
	for _, c := range []struct {
		why      string
		findings []report.Finding
		want     func(*Facts)
	}{
		{"nothing was found out", nil, func(f *Facts) {}},
		{"signed", findings("SEC-01: D.mxdns=secure"), func(f *Facts) { f.MXDNS = report.Secure }},
		{"insecure is worse than secure", findings("SEC-01: D.mxdns=secure", "SEC-05: D.mxdns=insecure"), func(f *Facts) {}},
		{"bogus is worse than insecure, in any order", findings("SEC-03: D.mxdns=bogus", "SEC-05: D.mxdns=insecure"), func(f *Facts) { f.MXDNS = report.Bogus }},
		{"a policy in force", findings("STS-22: D.sts=enforce"), func(f *Facts) { f.STS = Enforce }},
		{"a faulty policy is none, whatever its mode", findings("STS-22: D.sts=enforce", "STS-25: D.sts=invalid"), func(f *Facts) { f.STS = Invalid }},
		{"a short-lived policy", findings("STS-24: D.stsLong=false"), func(f *Facts) { f.STSLong = false }},
		{"reports wanted", findings("RPT-02: D.rpt=true"), func(f *Facts) { f.RPT = true }},
		{"reports wanted, but of a faulty record", findings("RPT-02: D.rpt=true", "RPT-04: D.rpt=false"), func(f *Facts) {}},
		{"caps, each once", findings("TLS-04 mx.test: cap B", "TLS-36 mx.test: cap B", "TLS-05 mx.test: cap E"), func(f *Facts) { f.Caps = []report.Letter{"B", "E"} }},
		{"no A+, each rule once", findings("TLS-03 a.test: noA+", "TLS-03 b.test: noA+", "MX-12: noA+"), func(f *Facts) { f.NoAPlus = []string{"TLS-03", "MX-12"} }},
		{"provisional", findings("NET-03: prov"), func(f *Facts) { f.Prov = true }},
		{"takes no mail", findings("MX-07: N"), func(f *Facts) { f.Mail = MailNone }},
		{"not testable", findings("MX-02: T"), func(f *Facts) { f.Mail = MailUnknown }},
		{"no mail is the stronger word", findings("MX-07: N", "NET-02: T"), func(f *Facts) { f.Mail = MailNone }},
		{"facts, values and letters that do not exist change nothing",
			findings("X-01: D.mxdns=certain", "X-02: D.colour=red", "X-03: cap Z", "X-04: sparkle", "X-05: =", "SEC-04: D.mxdns=indeterminate"), func(f *Facts) {}},
	} {
		want := Facts{MXDNS: report.Insecure, STS: Absent, STSLong: true, Hosts: []HostFacts{}, Caps: []report.Letter{}, NoAPlus: []string{}}
		c.want(&want)
		if got := FactsOf(c.findings); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.why, got, want)
		}
	}
}

func TestFactsOfHost(t *testing.T) {
	const mx, v4, v6 = "mx.test", " mx.test 192.0.2.1: ", " mx.test 2001:db8::1: "
	reached := slices.Clip(findings("SMT-15"+v4+"M.reach=true, M.tls=ok", "SMT-15"+v6+"M.reach=true, M.tls=ok"))
	for _, c := range []struct {
		why      string
		findings []report.Finding
		want     func(*HostFacts)
	}{
		{"two good addresses", reached, func(m *HostFacts) {}},
		{"tls: no is worse than ok", append(reached, at("SMT-17"+v6+"M.tls=no")), func(m *HostFacts) { m.TLS = TLSNo }},
		{"tls: legacy is worse than ok", append(reached, at("SMT-19"+v6+"M.tls=legacy")), func(m *HostFacts) { m.TLS = TLSLegacy }},
		{"tls: no is worse than legacy", append(reached, at("SMT-19"+v4+"M.tls=legacy"), at("TLS-20"+v6+"M.tls=no")), func(m *HostFacts) { m.TLS = TLSNo }},
		{"tls: said of the host, it is so at every address", append(reached, at("TLS-21 mx.test: M.tls=no")), func(m *HostFacts) { m.TLS = TLSNo }},

		{"pkix: at every address", append(reached, at("CRT-02"+v4+"M.pkix=true"), at("CRT-02"+v6+"M.pkix=true")), func(m *HostFacts) { m.PKIX = true }},
		{"pkix: false at one address", append(reached, at("CRT-02"+v4+"M.pkix=true"), at("CRT-04"+v6+"M.pkix=false")), func(m *HostFacts) {}},
		{"pkix: nobody said so of one address", append(reached, at("CRT-02"+v4+"M.pkix=true")), func(m *HostFacts) {}},
		{"pkix: false over true at one address", append(reached, at("CRT-02 mx.test: M.pkix=true"), at("TLS-59"+v6+"M.pkix=false")), func(m *HostFacts) {}},
		{"forced: at every address", append(reached, at("ENF-02"+v4+"M.forced=true"), at("ENF-02"+v6+"M.forced=true")), func(m *HostFacts) { m.Forced = true }},
		{"forced: not at one address", append(reached, at("ENF-02"+v4+"M.forced=true"), at("ENF-01"+v6+"M.forced=false")), func(m *HostFacts) {}},
		{"forced: nobody said so of one address", append(reached, at("ENF-02"+v4+"M.forced=true")), func(m *HostFacts) {}},
		{"rtls: at every address", append(reached, at("ENF-05"+v4+"M.rtls=true"), at("ENF-05"+v6+"M.rtls=true")), func(m *HostFacts) { m.RTLS = true }},
		{"rtls: nobody said so of one address", append(reached, at("ENF-05"+v4+"M.rtls=true")), func(m *HostFacts) {}},

		{"tlsa: match at every address", append(reached, at("DAN-09"+v4+"M.tlsa=match"), at("DAN-09"+v6+"M.tlsa=match")), func(m *HostFacts) { m.TLSA = Match }},
		{"tlsa: mismatch if any address mismatches", append(reached, at("DAN-09"+v4+"M.tlsa=match"), at("DAN-10"+v6+"M.tlsa=mismatch")), func(m *HostFacts) { m.TLSA = Mismatch }},
		{"tlsa: an address nobody judged says nothing", append(reached, at("DAN-09"+v4+"M.tlsa=match")), func(m *HostFacts) { m.TLSA = Match }},
		{"tlsa: a match by a key that is worth nothing", append(reached, at("DAN-09 mx.test: M.tlsa=match"), at("CRT-17"+v4+"M.tlsa=unusable")), func(m *HostFacts) { m.TLSA = Unusable }},
		{"tlsa: a worthless key does not make up for no record", append(reached, at("DAN-03 mx.test: M.tlsa=none"), at("CRT-17"+v4+"M.tlsa=unusable")), func(m *HostFacts) {}},
		{"tlsa: insecure records count as none", append(reached, at("DAN-04 mx.test: M.tlsa=insecure")), func(m *HostFacts) {}},
		{"tlsa: lookupfail", append(reached, at("DAN-05 mx.test: M.tlsa=lookupfail")), func(m *HostFacts) { m.TLSA = LookupFail }},

		{"addr: secure", append(reached, at("SEC-06 mx.test: M.addr=secure")), func(m *HostFacts) { m.Addr = report.Secure }},
		{"addr: the worse of A and AAAA", append(reached, at("SEC-06 mx.test: M.addr=secure"), at("SEC-07 mx.test: M.addr=bogus")), func(m *HostFacts) { m.Addr = report.Bogus }},
		{"addr: a fact of the name, also when said of one address", append(reached, at("SEC-06"+v4+"M.addr=secure")), func(m *HostFacts) { m.Addr = report.Secure }},
		{"sts: named in the policy", append(reached, at("STS-27 mx.test: M.sts=true")), func(m *HostFacts) { m.STS = true }},
		{"sts: a host without a name is every host", append(reached, at("STS-01: M.sts=true")), func(m *HostFacts) { m.STS = true }},
		{"sts: but not one that is said not to be", append(reached, at("STS-01: M.sts=true"), at("STS-28 mx.test: M.sts=false")), func(m *HostFacts) {}},
		{"unsigned addresses behind a signed alias", append(reached, at("SEC-35 mx.test: M.addr=secure, M.unsigned=true")), func(m *HostFacts) { m.Addr, m.Unsigned = report.Secure, true }},
		{"unsigned addresses, said of one", append(reached, at("SEC-35 mx.test 192.0.2.77: M.addr=secure, M.unsigned=true")), func(m *HostFacts) { m.Addr, m.Unsigned = report.Secure, true }},
		{"pref", append(reached, at("MX-04 mx.test: M.pref=20")), func(m *HostFacts) { m.Pref = 20 }},
		{"pref: listed twice, tried at its best", append(reached, at("MX-04 mx.test: M.pref=20"), at("MX-19 mx.test: M.pref=5")), func(m *HostFacts) { m.Pref = 5 }},
		{"pref: no number", append(reached, at("MX-04 mx.test: M.pref=first")), func(m *HostFacts) {}},

		{"reach: one address is enough, the other says nothing",
			findings("SMT-15"+v4+"M.reach=true, M.tls=ok", "NET-01"+v6+"M.reach=false, M.tls=no"), func(m *HostFacts) {}},
		{"reach: said of the host", findings("SMT-15 mx.test: M.reach=true, M.tls=ok"), func(m *HostFacts) {}},
		{"reach: an address whose STARTTLS is untested does not count",
			append(findings("SMT-01 mx.test 192.0.2.9: M.reach=true, M.pkix=false"), at("SMT-15"+v4+"M.reach=true, M.tls=ok, M.pkix=true")), func(m *HostFacts) { m.PKIX = true }},
		{"reach: nor does a host of such addresses only",
			findings("SMT-01" + v4 + "M.reach=true"), func(m *HostFacts) { m.Reach, m.TLS = false, "" }},
		{"reach: no is worse than yes",
			findings("SMT-15"+v4+"M.reach=true, M.tls=ok", "NET-01"+v4+"M.reach=false"), func(m *HostFacts) { m.Reach, m.TLS = false, "" }},
	} {
		want := HostFacts{Name: mx, Addr: report.Insecure, TLSA: NoTLSA, TLS: TLSOK, Reach: true}
		c.want(&want)
		for _, order := range [][]report.Finding{c.findings, reversed(c.findings)} {
			if got := FactsOf(order).Hosts; len(got) != 1 || got[0] != want {
				t.Errorf("%s:\n got %+v\nwant %+v", c.why, got, want)
			}
		}
	}
}

func reversed(list []report.Finding) []report.Finding {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestHostsAreInTheOrderSendersTryThem(t *testing.T) {
	hosts := FactsOf(findings(
		"MX-04 backup.test: M.pref=20",
		"MX-04 two.test: M.pref=10",
		"MX-04 one.test: M.pref=10",
		"CRT-13 elsewhere.test: D.rpt=true", // says nothing of a mail exchanger
	)).Hosts
	var names []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	if want := []string{"two.test", "one.test", "backup.test"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestFactsFromJSON(t *testing.T) {
	var f Facts
	good := `{"mxs":[{"pref":10,"tls":"ok"},{}]}`
	if err := json.Unmarshal([]byte(good), &f); err != nil {
		t.Fatal(err)
	}
	want := Facts{MXDNS: report.Insecure, STS: Absent, STSLong: true, RPT: true, Caps: []report.Letter{}, NoAPlus: []string{},
		Hosts: []HostFacts{
			{Pref: 10, Addr: report.Insecure, TLSA: NoTLSA, TLS: TLSOK, Reach: true},
			{Addr: report.Insecure, TLSA: NoTLSA, Reach: true},
		}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("what is left out:\n got %+v\nwant %+v", f, want)
	}
	for _, c := range []struct{ why, text, names string }{
		{"a state that is none", `{"mxdns":"indeterminate"}`, "mxdns"},
		{"a mode that is none", `{"sts":"enforced"}`, "sts"},
		{"a kind of mail that is none", `{"mail":"some"}`, "mail"},
		{"a cap without a letter", `{"caps":["TLS-04"]}`, "TLS-04"},
		{"T is no cap", `{"caps":["T"]}`, "caps"},
		{"an address state that is none", `{"mxs":[{"addr":"signed"}]}`, "addr"},
		{"a TLSA state that is none", `{"mxs":[{"tlsa":"n/a"}]}`, "tlsa"},
		{"a TLS state that is none", `{"mxs":[{"tls":"yes"}]}`, "tls"},
		{"a preference that is no number", `{"mxs":[{"pref":"10"}]}`, "pref"},
		{"not an object", `[]`, "facts"},
	} {
		if err := json.Unmarshal([]byte(c.text), &f); err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: %v, want an error that names %s", c.why, err, c.names)
		}
	}
}

// Whatever facts somebody sends, they are refused or graded, and can be written and read again.
func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"mxdns":"secure","sts":"enforce","mxs":[{"pref":-1,"addr":"secure","tlsa":"match","tls":"ok"}],"caps":["B"]}`))
	f.Add([]byte(`{"mail":"none","mxs":null,"caps":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts Facts
		if json.Unmarshal(data, &facts) != nil {
			return
		}
		r := OfFacts(facts)
		if !r.Grade.Letter.Valid() && r.Grade.Letter != "T" && r.Grade.Letter != "N" {
			t.Fatalf("letter %q", r.Grade.Letter)
		}
		written, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		var again Facts
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if got := OfFacts(again).Grade; !reflect.DeepEqual(got, r.Grade) {
			t.Fatalf("read again: %+v, before %+v", got, r.Grade)
		}
	})
}

// Stored findings may come from anywhere: any effect is understood or ignored.
func FuzzEffects(f *testing.F) {
	f.Add("M.tls=no", "M.reach=true", "cap C")
	f.Add("D.mxdns=bogus", "N", "noA+")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		list := []report.Finding{{Rule: "X-01", Host: "mx.test", Effects: []report.Effect{report.Effect(a), report.Effect(b)},
			Fixed: []report.Effect{report.Effect(c)}}}
		r := Of(list, report.Catalogue{"X-01": {Fix: report.AsSaid}})
		if !r.Grade.Letter.Valid() && r.Grade.Letter != "T" && r.Grade.Letter != "N" {
			t.Fatalf("letter %q", r.Grade.Letter)
		}
		written, err := json.Marshal(r.Facts)
		if err != nil {
			t.Fatal(err)
		}
		var again Facts
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
	})
}
