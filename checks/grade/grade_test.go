package grade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// perfect is what is found of a domain with one host that does everything, and nothing else.
func perfect() []report.Finding {
	return findings(
		"MX-04 mx.test: M.pref=10",
		"SMT-15 mx.test 192.0.2.1: M.reach=true, M.tls=ok",
		"CRT-02 mx.test 192.0.2.1: M.pkix=true",
		"SEC-01: D.mxdns=secure",
		"SEC-06 mx.test: M.addr=secure",
		"DAN-09 mx.test 192.0.2.1: M.tlsa=match",
		"STS-22: D.sts=enforce",
		"STS-27 mx.test: M.sts=true",
		"RPT-02: D.rpt=true",
	)
}

// but replaces the findings of those rules of the perfect domain that others are given for,
// "OLD>" before the new one, and adds the rest.
func but(changes ...string) []report.Finding {
	list := perfect()
	for _, change := range changes {
		old, text, replaces := strings.Cut(change, ">")
		if !replaces {
			list = append(list, at(change))
			continue
		}
		i := slices.IndexFunc(list, func(f report.Finding) bool { return f.Rule == old })
		if text == "" {
			list = slices.Delete(list, i, i+1)
			continue
		}
		list[i] = at(text)
	}
	return list
}

func TestLetterAndWhatHoldsItDown(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	noSTS := []string{"STS-22>STS-01: D.sts=absent", "STS-27>"}
	noDANE := []string{"DAN-09>DAN-03 mx.test: M.tlsa=none"}
	neither := slices.Concat(noSTS, noDANE)
	with := func(changes []string, more ...string) []report.Finding { return but(slices.Concat(changes, more)...) }
	for _, c := range []struct {
		why      string
		findings []report.Finding
		letter   report.Letter
		because  string
		broken   string
	}{
		{"perfect", perfect(), "A+", "", ""},
		{"a weakness that only costs the plus", but("TLS-03" + host + "noA+"), "A", "TLS-03", ""},
		{"no reports", but("RPT-02>RPT-01: noA+, D.rpt=false"), "A", "RPT-01", ""},
		{"nobody looked for reports", but("RPT-02>"), "A", "", ""},
		{"provisional", but("NET-03: prov"), "A", "NET-03", ""},
		{"DANE alone", with(noSTS), "A", "STS-01", ""},
		{"DANE alone, and a weakness: either keeps it from A+", with(noSTS, "TLS-03"+host+"noA+"), "A", "STS-01 TLS-03", ""},
		{"DANE alone, with a certificate of its own making", with(noSTS, "CRT-02>CRT-03"+host+"M.pkix=false"), "A", "CRT-03 STS-01", ""},
		{"TLSA records that no sender can use", with(noSTS, "DAN-09>DAN-08 mx.test: M.tlsa=unusable"), "C", "DAN-08 STS-01", ""},
		{"MTA-STS alone", with(noDANE), "B", "DAN-03", ""},
		{"MTA-STS alone, unsigned", with(noDANE, "SEC-01>SEC-02: D.mxdns=insecure"), "B", "SEC-02 DAN-03", ""},
		{"neither", with(neither), "C", "DAN-03 STS-01", ""},
		{"insecure TLSA records, a faulty policy", with(nil, "DAN-09>DAN-04 mx.test: M.tlsa=insecure", "STS-22>STS-25: D.sts=invalid"), "C", "DAN-04 STS-25", ""},
		{"a policy of mode none", with(noDANE, "STS-22>STS-22: D.sts=none"), "C", "DAN-03 STS-22", ""},
		{"testing protects nobody", with(noDANE, "STS-22>STS-22: D.sts=testing"), "C", "DAN-03 STS-22", ""},
		{"neither, and no certificate", with(neither, "CRT-02>CRT-04"+host+"M.pkix=false"), "D", "CRT-04", ""},
		{"only old TLS", with(neither, "SMT-15>SMT-19"+host+"M.reach=true, M.tls=legacy"), "E", "SMT-19", ""},
		{"readable", with(neither, "SMT-15>SMT-12"+host+"M.reach=true, M.tls=no"), "F", "SMT-12", ""},
		{"a readable backup", with(neither, "SMT-12 backup.test: M.pref=20, M.reach=true, M.tls=no"), "E", "SMT-12", ""},
		{"readable backup and first host: the first makes the F", with(neither, "SMT-15>SMT-12"+host+"M.reach=true, M.tls=no", "SMT-13 backup.test: M.pref=20, M.reach=true, M.tls=no"), "F", "SMT-12", ""},
		{"a readable backup that was not reached", with(neither, "SMT-12 backup.test: M.pref=20, M.tls=no"), "C", "DAN-03 STS-01", ""},
		{"a certificate on an address that was not reached", with(neither, "CRT-04 mx.test 192.0.2.2: M.pkix=false"), "C", "DAN-03 STS-01", ""},

		{"TLSA broken", with(noSTS, "DAN-09>DAN-10"+host+"M.tlsa=mismatch"), "D", "DAN-10", "dane"},
		{"TLSA broken, MTA-STS kept", but("DAN-09>DAN-10" + host + "M.tlsa=mismatch"), "C", "DAN-10", "dane"},
		{"TLSA look-up fails", with(noSTS, "DAN-09>DAN-05 mx.test: M.tlsa=lookupfail"), "D", "DAN-05", "dane"},
		{"TLSA published, no STARTTLS: the cleartext decides, also after the promise is forgotten",
			with(noSTS, "SMT-15>SMT-12"+host+"M.reach=true, M.tls=no"), "F", "SMT-12", "dane"},
		{"MTA-STS broken", but("DAN-09>DAN-03 mx.test: M.tlsa=none", "CRT-02>CRT-04"+host+"M.pkix=false"), "E", "CRT-04", "sts"},
		{"MTA-STS broken, DANE kept", but("STS-27>STS-28 mx.test: M.sts=false"), "B", "STS-28", "sts"},
		{"both broken", but("DAN-09>DAN-10"+host+"M.tlsa=mismatch", "CRT-02>CRT-04"+host+"M.pkix=false"), "E", "CRT-04 DAN-10", "dane sts"},
		{"DNSSEC broken", with(noSTS, "SEC-01>SEC-03: D.mxdns=bogus"), "D", "SEC-03", "dnssec"},
		{"DNSSEC of the host broken", with(noSTS, "SEC-06>SEC-06 mx.test: M.addr=bogus"), "D", "SEC-06", "dnssec"},
		{"DNSSEC and MTA-STS broken", but("SEC-01>SEC-03: D.mxdns=bogus", "STS-27>STS-28 mx.test: M.sts=false"), "D", "SEC-03 STS-28", "dnssec sts"},
		{"TLSA broken on one of two hosts", with(noSTS, "DAN-10 two.test: M.pref=20, M.reach=true, M.tls=ok, M.pkix=true, M.addr=secure, M.tlsa=mismatch"), "B", "DAN-10", ""},
		{"TLSA look-up fails for one of two hosts", with(noSTS, "DAN-05 two.test: M.pref=20, M.reach=true, M.tls=ok, M.pkix=true, M.addr=secure, M.tlsa=lookupfail"), "B", "DAN-05", ""},
		{"the same without public certificates, which DANE does not ask for", with(noSTS, "CRT-02>CRT-03"+host+"M.pkix=false", "DAN-10 two.test: M.pref=20, M.reach=true, M.tls=ok, M.addr=secure, M.tlsa=mismatch"), "B", "DAN-10", ""},
		{"one of two hosts not in the policy", but("STS-28 two.test: M.pref=20, M.reach=true, M.tls=ok, M.pkix=true, M.addr=secure, M.tlsa=match, M.sts=false"), "B", "STS-28", ""},

		{"a cap", but("TLS-24" + host + "cap C"), "C", "TLS-24", ""},
		{"of two caps the lower", but("TLS-24"+host+"cap C", "TLS-04"+host+"cap B"), "C", "TLS-24", ""},
		{"caps at the same letter", but("TLS-24"+host+"cap C", "TLS-52"+host+"cap C"), "C", "TLS-24 TLS-52", ""},
		{"a cap at the letter of the matrix: either keeps it down", with(neither, "TLS-24"+host+"cap C"), "C", "DAN-03 STS-01 TLS-24", ""},
		{"a cap above the letter", with(neither, "TLS-04"+host+"cap B"), "C", "DAN-03 STS-01", ""},
		{"a name that anybody may register", but("MX-16 gone.test: cap F"), "F", "MX-16", ""},
		{"a cap on a broken promise", with(noSTS, "DAN-09>DAN-10"+host+"M.tlsa=mismatch", "TLS-05"+host+"cap E"), "E", "TLS-05", "dane"},

		{"takes no mail", findings("MX-07: N"), "N", "MX-07", ""},
		{"no address", findings("MX-06: N no-address"), "N", "MX-06", ""},
		{"does not exist", findings("MX-01: T does-not-exist"), "T", "MX-01", ""},
		{"does not exist, whatever could not be tested", findings("MX-01: T does-not-exist", "OPS-06: T"), "T", "MX-01", ""},
		{"its servers have no address", findings("MX-15: T undeliverable"), "T", "MX-15", ""},
		{"not testable", findings("MX-02: T"), "T", "MX-02", ""},
		{"not testable, said outright: what else is unknown is no reason", append(findings("NET-02: T"), report.Finding{Rule: "SMT-02", Host: "mx.test", Verdict: report.Untested}), "T", "NET-02", ""},
		{"not testable, whatever else", but("NET-02: T"), "T", "NET-02", ""},
		{"nothing found at all", nil, "T", "", ""},
		{"no host counts, and nobody said T: what was not found out", []report.Finding{
			{Rule: "SMT-02", Host: "mx.test", Verdict: report.Untested}, {Rule: "RPT-01", Verdict: report.Untested}}, "T", "SMT-02", ""},
	} {
		r := Of(c.findings, nil)
		if r.Grade.Letter != c.letter {
			t.Errorf("%s: %s, want %s", c.why, r.Grade.Letter, c.letter)
		}
		if got := strings.Join(r.Grade.Because, " "); got != c.because {
			t.Errorf("%s: because of %q, want %q", c.why, got, c.because)
		}
		if got := strings.Trim(fmt.Sprint(r.Grade.Broken), "[]"); got != c.broken {
			t.Errorf("%s: broken %q, want %q", c.why, got, c.broken)
		}
		if (r.Matrix != nil) != r.Grade.Letter.Valid() {
			t.Errorf("%s: %s with matrix %v", c.why, r.Grade.Letter, r.Matrix)
		}
		text, err := json.Marshal(r.Grade)
		if err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s: %s %v, want no null", c.why, text, err)
		}
	}
}

func TestProvisional(t *testing.T) {
	if Of(perfect(), nil).Grade.Provisional || !Of(but("NET-03: prov"), nil).Grade.Provisional {
		t.Error("provisional is what a finding says so of, and nothing else")
	}
}

func notSeen(place string) report.Finding {
	return report.Finding{Rule: "NET-09", Verdict: report.Warn, Params: map[string]string{"unseen": place}}
}

func TestSentence(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	for _, c := range []struct {
		why      string
		findings []report.Finding
		want     string
	}{
		{"A+", perfect(), says["A+"]},
		{"A for a weakness", but("TLS-03" + host + "noA+"), says["A"]},
		{"T", nil, says["T"]},
		{"N", findings("MX-07: N"), saysWithout[report.TakesNoMail]},
		{"N without a word of the domain", findings("MX-06: N no-address"), saysWithout[report.NoAddress]},
		{"no such domain", findings("OPS-06: T", "MX-01: T does-not-exist"), saysWithout[report.DoesNotExist]},
		{"nowhere to go", findings("MX-15: T undeliverable", "OPS-06: T"), saysWithout[report.Undeliverable]},
		{"a B that has no MTA-STS does not speak of it", but("STS-22>", "TLS-04"+host+"cap B"), says["A"] + " A known fault holds the grade at B."},
		{"an F whose mail is not readable", but("MX-16 gone.test: cap F"), saysTaken + " A known fault holds the grade at F."},
		{"a fault that helps against DANE too", but("TLS-24" + host + "cap C"), saysOpened + " A known fault holds the grade at C."},
		{"everything waits", but("SMT-15>SMT-19"+host+"M.reach=true, M.tls=legacy", "ENF-02"+host+"M.forced=true", "DAN-09>", "STS-22>"), saysHeld},
		{"one broken promise", but("DAN-09>DAN-10" + host + "M.tlsa=mismatch"), saysBroken["dane"]},
		{"two", but("DAN-09>DAN-10"+host+"M.tlsa=mismatch", "STS-27>STS-28 mx.test: M.sts=false"), saysBroken["dane"] + " " + saysBroken["sts"]},
	} {
		if got := Of(c.findings, nil).Grade.Sentence; got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
	for _, letter := range []report.Letter{"A+", "A", "B", "C", "D", "E", "F", "T", "N"} {
		if says[letter] == "" {
			t.Errorf("%s says nothing", letter)
		}
	}
}

func TestNext(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	rules := report.Catalogue{}
	fix := func(text string, fixed ...report.Effect) report.Finding {
		f := at(text)
		f.Fixed, rules[f.Rule] = fixed, report.Rule{Fix: report.AsSaid}
		return f
	}
	rules["NET-10"] = report.Rule{Fix: report.NoFix}
	open := slices.Clip(but("DAN-09>", "STS-22>", "STS-27>")) // signed, a certificate, and neither DANE nor MTA-STS
	for _, c := range []struct {
		why      string
		findings []report.Finding
		want     string
	}{
		{"nothing left to fix", perfect(), ""},
		{"best first, else in the order of the findings", append(open,
			fix("STS-01: D.sts=absent", "D.sts=enforce", "M.sts=true"), fix("DAN-03 mx.test: M.tlsa=none", "M.tlsa=match")), "DAN-03 A, STS-01 B"},
		{"a cap, and nothing can be done", but("NET-10" + host + "cap C"), ""},
		{"a cap, and nothing is known of its rule", but("XYZ-01" + host + "cap C"), ""},
		{"a cap with a fix, and nothing holds afterwards", append(perfect(), fix("TLS-24"+host+"cap C")), "TLS-24 A+"},
		{"noA+ with a fix", append(perfect(), fix("TLS-03"+host+"noA+")), "TLS-03 A+"},
		{"two caps hide each other", append(perfect(), fix("TLS-24"+host+"cap C"), fix("TLS-52"+host+"cap C")), ""},
		{"the lower of two caps", append(perfect(), fix("TLS-24"+host+"cap C"), fix("TLS-04"+host+"cap B")), "TLS-24 B"},
		{"all findings of a rule are fixed together", append(perfect(), fix("TLS-24"+host+"cap C"), fix("TLS-24 mx.test: cap C")), "TLS-24 A+"},
		{"a fact that nobody can fix", append(open, at("SMT-19"+host+"M.tls=legacy")), ""},
		{"no STARTTLS on two hosts, fixed on both", []report.Finding{
			fix("SMT-12 a.test: M.reach=true, M.tls=no", "M.reach=true", "M.tls=ok"), fix("SMT-12 b.test: M.reach=true, M.tls=no", "M.reach=true", "M.tls=ok")}, "SMT-12 D"},
		{"a broken promise is kept again", append(but("DAN-09>"), fix("DAN-10"+host+"M.tlsa=mismatch", "M.tlsa=match")), "DAN-10 A+"},
		{"what would not help is not offered", append(open, fix("SEC-02: D.mxdns=insecure", "D.mxdns=secure")), ""},
		{"from nothing readable to encrypted", append(findings("MX-04 mx.test: M.pref=10"),
			fix("SMT-12"+host+"M.reach=true, M.tls=no", "M.reach=true", "M.tls=ok")), "SMT-12 D"},
		{"not testable, until fixed", []report.Finding{fix("MX-15: T", "M.reach=true")}, ""},
		{"no mail wanted: nothing to do", []report.Finding{fix("MX-08: N", "noA+"), at("SMT-15 mx.test: M.reach=true, M.tls=ok")}, ""},
	} {
		got := []string{}
		for _, n := range Of(c.findings, rules).Grade.Next {
			got = append(got, n.Fix+" "+string(n.Letter))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %q, want %q", c.why, text, c.want)
		}
	}
}

func TestAskingWhatIfChangesNothing(t *testing.T) {
	list, rules := but("TLS-24 mx.test: cap C"), report.Catalogue{}
	for i := range list {
		list[i].Fixed = []report.Effect{"M.tls=ok"}
		rules[list[i].Rule] = report.Rule{Fix: report.AsSaid}
	}
	before, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	Of(list, rules)
	if after, _ := json.Marshal(list); string(after) != string(before) {
		t.Errorf("the findings were changed:\n%s\n%s", before, after)
	}
}

func TestBadges(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	hybrid := func(about string) report.Finding {
		f := at("TLS-41 " + about)
		f.Verdict, f.Effects = report.Pass, nil
		return f
	}
	second := at("SMT-15 mx.test 192.0.2.2: M.reach=true, M.tls=ok, M.pkix=true")
	for _, c := range []struct {
		why      string
		findings []report.Finding
		want     string
	}{
		{"perfect", perfect(), "DANE, MTA-STS, reports"},
		{"no DANE", but("DAN-09>"), "MTA-STS, reports"},
		{"no MTA-STS", but("STS-22>"), "DANE, reports"},
		{"no reports", but("RPT-02>"), "DANE, MTA-STS"},
		{"a broken promise earns none", but("DAN-09>DAN-10" + host + "M.tlsa=mismatch"), "MTA-STS, reports"},
		{"every host enforces", but("ENF-02" + host + "M.forced=true"), "DANE, MTA-STS, TLS enforced, reports"},
		{"one host does not", but("ENF-02"+host+"M.forced=true", "SMT-15 two.test: M.reach=true, M.tls=ok"), "MTA-STS, reports"},
		{"REQUIRETLS", but("ENF-05" + host + "M.rtls=true"), "DANE, MTA-STS, REQUIRETLS, reports"},
		{"hybrid key exchange", append(perfect(), hybrid("mx.test 192.0.2.1")), "DANE, MTA-STS, reports, PQ"},
		{"said of the host", append(perfect(), second, hybrid("mx.test")), "DANE, MTA-STS, reports, PQ"},
		{"not at every address", append(perfect(), second, hybrid("mx.test 192.0.2.1")), "DANE, MTA-STS, reports"},
		{"of another host", append(perfect(), hybrid("other.test")), "DANE, MTA-STS, reports"},
		{"no letter, no badge", append(but("NET-02: T"), hybrid("mx.test")), ""},
		{"nothing at all", nil, ""},
	} {
		var got string
		for i, b := range Of(c.findings, nil).Badges {
			if i > 0 {
				got += ", "
			}
			got += string(b)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

// Beside the letter stands which servers and addresses it does not speak of, each once.
func TestNotSeen(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	for _, c := range []struct {
		findings []report.Finding
		want     []string
	}{
		{but("TLS-03" + host + "noA+"), nil},
		{append(but("TLS-03"+host+"noA+"), notSeen("a"), notSeen("b"), notSeen("b")), []string{"a", "b"}},
		{[]report.Finding{notSeen("192.0.2.2 of mx.test")}, nil}, // without a letter nothing was seen at all
	} {
		if got := Of(c.findings, nil).Grade.NotSeen; !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
