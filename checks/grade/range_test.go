package grade

import (
	"slices"
	"testing"

	"mxseal/checks/report"
)

func TestWhatAProvisionalLetterMayBecome(t *testing.T) {
	const unseen = "NET-03 backup.test: prov"
	for _, c := range []struct {
		why         string
		findings    []report.Finding
		letter      report.Letter
		worst, best report.Letter
	}{
		{"firm", perfect(), "A+", "", ""},
		{"a second server was not seen", but("MX-04 backup.test: M.pref=20", unseen), "A", "E", "A+"},
		{"the preferred server was not seen", but("MX-04 backup.test: M.pref=5", unseen), "A", "F", "A+"},
		{"a server of which nothing is known", but(unseen), "A", "F", "A+"},
		{"TLSA unknown, the policy holds", but("DAN-09>DAN-02 mx.test: prov"), "B", "C", "A+"},
		{"TLSA unknown, no policy", but("DAN-09>DAN-02 mx.test: prov", "STS-22>STS-01: D.sts=absent"), "C", "D", "A"},
		{"the policy unknown, DANE holds", but("STS-22>STS-02: prov"), "A", "B", "A+"},
		{"the policy unknown, the certificate is none for it", but("STS-22>STS-02: prov", "CRT-02>CRT-14 mx.test 192.0.2.1: M.pkix=false"), "A", "B", "A"},
		{"reports unknown", but("RPT-02>RPT-01: prov"), "A", "A", "A+"},
		{"reports unknown at a D: nothing can move it", but("RPT-02>RPT-01: prov", "STS-22>STS-01: D.sts=absent", "DAN-09>DAN-03 mx.test: M.tlsa=none", "CRT-02>CRT-14 mx.test 192.0.2.1: M.pkix=false"), "D", "", ""},
		{"some questions about TLS were not answered", but("TLS-64 mx.test 192.0.2.1: prov"), "A", "E", "A+"},
		{"trouble of our own", but("OPS-01: prov"), "A", "F", "A+"},
		{"several things at once", but("DAN-09>DAN-02 mx.test: prov", "STS-22>STS-02: prov"), "C", "D", "A+"},
		{"not testable", findings("NET-02: T", "OPS-01: prov"), "T", "", ""},
		{"takes no mail", findings("MX-06: N", "OPS-01: prov"), "N", "", ""},
	} {
		g := Of(c.findings, nil).Grade
		if g.Letter.Valid() && g.Provisional != (c.worst != "") {
			t.Errorf("%s: provisional %v", c.why, g.Provisional)
		}
		if g.Letter != c.letter || g.Worst != c.worst || g.Best != c.best {
			t.Errorf("%s: %s from %q to %q, want %s from %q to %q", c.why, g.Letter, g.Worst, g.Best, c.letter, c.worst, c.best)
		}
	}
}

// Whatever one thing turns out to be that was not found out, the letter that it gives lies
// within the range that was given without it.
// A limit that could not be found out may hold, and nothing worse.
func TestTheRangeOfALimitThatIsNotKnown(t *testing.T) {
	f := Facts{MXDNS: report.Secure, STS: Enforce, STSLong: true, RPT: true, Prov: true,
		Hosts: []HostFacts{{Name: "mx.test", Addr: report.Secure, TLSA: Match, TLS: TLSOK, PKIX: true, STS: true, Reach: true}}}
	for open, want := range map[string]report.Letter{"cap F": "F", "cap C": "C", "noA+": "A", "cap F, noA+": "F", "noA+, cap C": "C", "D.sts=invalid": "A"} {
		finding := report.Finding{Rule: "SEC-42", Effects: []report.Effect{report.Provisional}, Params: map[string]string{report.Open: open}}
		if worst, best := span([]report.Finding{finding}, f, "A"); worst != want || best != "A+" {
			t.Errorf("%s: %s to %s, want %s to A+", open, worst, best, want)
		}
	}
}

func TestTheTruthLiesWithinTheRange(t *testing.T) {
	blind := func(f Facts, change func(*Facts)) Facts {
		f.Hosts = slices.Clone(f.Hosts)
		change(&f)
		f.Prov = true
		return f
	}
	tried := 0
	for truth := range severalHosts {
		if tried++; tried > 4000 {
			break
		}
		name := "mx.test"
		truth.Hosts = slices.Clone(truth.Hosts)
		truth.Hosts[0].Name = name
		want := judge(truth).letter
		for rule, seen := range map[string]Facts{
			"STS-02": blind(truth, func(f *Facts) {
				f.STS = Absent
				for i := range f.Hosts {
					f.Hosts[i].STS = false
				}
			}),
			"DAN-02": blind(truth, func(f *Facts) { f.Hosts[0].TLSA = NoTLSA }),
			"CRT-01": blind(truth, func(f *Facts) { f.Hosts[0].PKIX = false }),
			"NET-03": blind(truth, func(f *Facts) { f.Hosts[0].Reach = false }),
			"RPT-01": blind(truth, func(f *Facts) { f.RPT = false }),
			"OPS-01": blind(truth, func(f *Facts) { f.MXDNS = report.Insecure }),
		} {
			finding := report.Finding{Rule: rule, Host: name, Effects: []report.Effect{report.Provisional}}
			if rule == "STS-02" || rule == "RPT-01" {
				finding.Host = ""
			}
			worst, best := span([]report.Finding{finding}, seen, judge(seen).letter)
			if want.Worse(worst) || best.Worse(want) {
				t.Fatalf("%s: %s, and the range without it is %s to %s\n%+v", rule, want, worst, best, truth)
			}
		}
	}
}
