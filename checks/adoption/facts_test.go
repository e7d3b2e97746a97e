package adoption

import (
	"testing"

	"mxseal/checks/report"
)

// What was not found out is neither a yes nor a no, and one server that has not decides for all.
func TestFactsOf(t *testing.T) {
	works := func(version report.Version, pkix report.PKIX) *report.Address {
		return &report.Address{Reachable: true, SMTP: &report.SMTP{STARTTLS: report.Works}, TLS: &report.TLS{Version: version},
			Certificates: []*report.Certificate{{PKIX: pkix, NameMatch: true}}}
	}
	other := func(s report.STARTTLS) *report.Address {
		return &report.Address{Reachable: true, SMTP: &report.SMTP{STARTTLS: s}}
	}
	for name, c := range map[string]struct {
		addresses                    []*report.Address
		starttls, certificate, tls13 Answer
	}{
		"all well":                      {[]*report.Address{works("TLS1.3", "ok")}, Yes, Yes, Yes},
		"one is old":                    {[]*report.Address{works("TLS1.3", "ok"), works("TLS1.2", "ok")}, Yes, Yes, No},
		"one has expired":               {[]*report.Address{works("TLS1.3", "ok"), works("TLS1.3", "expired")}, Yes, No, Yes},
		"one was not kept":              {[]*report.Address{works("TLS1.3", "ok"), works("TLS1.3", "untested")}, Yes, Untested, Yes},
		"one has none":                  {[]*report.Address{works("TLS1.3", "ok"), other(report.NotOffered)}, No, No, No},
		"one fails":                     {[]*report.Address{works("TLS1.3", "ok"), other(report.HandshakeFailed)}, No, Untested, Untested},
		"one was not tried":             {[]*report.Address{works("TLS1.3", "ok"), other(report.NotTried)}, Untested, Untested, Untested},
		"one was not reached":           {[]*report.Address{works("TLS1.3", "ok"), {SMTP: &report.SMTP{STARTTLS: report.NotTried}}}, Yes, Yes, Yes},
		"nothing was reached":           {[]*report.Address{{}}, Untested, Untested, Untested},
		"no, and one that was not seen": {[]*report.Address{other(report.NotTried), other(report.Refused)}, No, No, No},
	} {
		r := &report.Report{Evidence: report.Evidence{Hosts: []*report.Host{{Addresses: c.addresses}}}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C"}}}
		f := FactsOf(r)
		if f.STARTTLS != c.starttls || f.Certificate != c.certificate || f.TLS13 != c.tls13 {
			t.Errorf("%s: STARTTLS %s, certificate %s, TLS 1.3 %s", name, f.STARTTLS, f.Certificate, f.TLS13)
		}
		if f.DNSSEC != Untested || f.DANE != Untested || f.MTASTS != "untested" || f.TLSRPT != Untested {
			t.Errorf("%s: of what was not asked it says %+v", name, f)
		}
	}
	if f := FactsOf(&report.Report{}); f.Letter != "T" || f.Why != "fault" {
		t.Errorf("without a grade: %+v", f)
	}
	failed := &report.Failure{Kind: "timeout"}
	r := &report.Report{Evidence: report.Evidence{MTASTS: &report.MTASTS{State: "absent", Failure: failed}, TLSRPT: &report.TLSRPT{State: "absent", Failure: failed}},
		Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "T", Reason: report.Untestable}}}
	if f := FactsOf(r); f.MTASTS != "untested" || f.TLSRPT != Untested || f.Why != string(report.Untestable) {
		t.Errorf("records that were asked for in vain: %+v", f)
	}
}

func TestTotals(t *testing.T) {
	totals := NewTotals()
	totals.Add(Facts{Letter: "A", DANE: Yes, MTASTS: "enforce", Broken: []report.Promise{}}, []string{"ministry", "north"})
	totals.Add(Facts{Letter: "C", Provisional: true, DANE: No, MTASTS: "testing", Broken: []report.Promise{report.PromiseSTS}}, []string{"ministry"})
	totals.Add(None("opted-out"), nil)
	of := totals.Labels["ministry"]
	if totals.Domains != 3 || totals.Letters["A"] != 1 || totals.Letters["T"] != 1 || totals.Provisional != 1 || totals.Untested["opted-out"] != 1 || totals.Broken["sts"] != 1 ||
		totals.Adoption["dane"]["yes"] != 1 || totals.Adoption["dane"]["no"] != 1 || totals.Adoption["dane"]["untested"] != 1 || totals.Adoption["mta_sts"]["enforce"] != 1 {
		t.Errorf("%+v", totals)
	}
	if of.Domains != 2 || of.Letters["C"] != 1 || len(of.Labels) != 0 || totals.Labels["north"].Domains != 1 {
		t.Errorf("%+v", of)
	}
	for i := range 2 * maxTotals {
		totals.Add(None("fault"), []string{string(rune('一' + i))})
	}
	if len(totals.Labels) != maxTotals || totals.Domains != 3+2*maxTotals {
		t.Errorf("%d labels, %d domains", len(totals.Labels), totals.Domains)
	}
}
