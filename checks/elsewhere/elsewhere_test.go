package elsewhere

import (
	"testing"
	"time"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func address(state report.STARTTLS, certificate string) *report.Address {
	a := &report.Address{IP: "192.0.2.1", SMTP: &report.SMTP{STARTTLS: state}}
	if certificate != "" {
		a.Certificates = []*report.Certificate{{Via: report.ViaFirst, SHA256: certificate}}
	}
	return a
}

func failed(kind report.Kind) *report.Address {
	return &report.Address{IP: "192.0.2.1", Failure: &report.Failure{Phase: report.PhaseConnect, Kind: kind}}
}

// What others saw confirms what was seen here, contradicts it, or is not known.
func TestJudge(t *testing.T) {
	clear, works := address(report.NotOffered, ""), address(report.Works, "aa")
	none := report.Elsewhere{Vantage: "bern", STARTTLS: report.NotTried}
	var reports []*report.Report
	for _, c := range []struct {
		why    string
		here   *report.Address
		others []report.Elsewhere
		want   string
		by     string
	}{
		{"nobody was asked", clear, nil, "", ""},
		{"bad everywhere", clear, []report.Elsewhere{clear.SeenFrom("oslo", noon)}, "VAN-02", "oslo"},
		{"good elsewhere", clear, []report.Elsewhere{works.SeenFrom("oslo", noon)}, "VAN-01", "oslo"},
		{"good at one of two", clear, []report.Elsewhere{clear.SeenFrom("oslo", noon), works.SeenFrom("rome", noon)}, "VAN-01", "rome"},
		{"no look", clear, []report.Elsewhere{none}, "VAN-03", "bern"},
		{"one look of two", clear, []report.Elsewhere{none, clear.SeenFrom("rome", noon)}, "VAN-02", "rome"},
		{"left alone by the other", clear, []report.Elsewhere{failed(report.KindOptedOut).SeenFrom("oslo", noon)}, "VAN-03", "oslo"},
		{"reached from elsewhere alone", failed(report.KindTimeout), []report.Elsewhere{works.SeenFrom("oslo", noon)}, "VAN-01", "oslo"},
		{"dead everywhere", failed(report.KindTimeout), []report.Elsewhere{failed(report.KindRefused).SeenFrom("oslo", noon)}, "VAN-02", "oslo"},
		{"another certificate", works, []report.Elsewhere{address(report.Works, "bb").SeenFrom("oslo", noon)}, "VAN-01", "oslo"},
		{"the same certificate", works, []report.Elsewhere{works.SeenFrom("oslo", noon)}, "VAN-02", "oslo"},
	} {
		a := *c.here
		a.Elsewhere = c.others
		r := &report.Report{Meta: report.Meta{Domain: "example"}, Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example", Addresses: []*report.Address{&a}}}}}
		reports = append(reports, r)
		found := Judge(r.Observed())
		if c.want == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Rule != c.want || found[0].Params["vantage"] != c.by {
			t.Errorf("%s: %+v", c.why, found)
		}
	}
	checktest.Rules(t, Check, reports)
}
