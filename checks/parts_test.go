package checks_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// A check in parts says what a check in one piece says: the same letter and the same findings, for every
// domain of the lab. Between the parts a report is written down and read again.
func TestPartsSayWhatTheWholeSays(t *testing.T) {
	whole := everyDomain(t)
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, nil)
		for i, d := range l.Domains() {
			got := inParts(t, e, d.Name)
			want := whole[i].report
			if a, b := outline(want), outline(got); a != b {
				t.Errorf("%s: in one piece\n%s\nin parts\n%s", d.Name, a, b)
			}
		}
	})
}

func inParts(t *testing.T, e *checks.Engine, name string) *report.Report {
	t.Helper()
	d, err := e.ParseDomain(name)
	if err != nil {
		t.Fatal(err)
	}
	r, calls := e.Resolve(t.Context(), d, "id")
	seen := make(map[checks.Call]*report.Report)
	for _, c := range calls {
		if seen[c] == nil {
			seen[c] = kept(t, e.Look(t.Context(), c, d.ASCII))
		}
	}
	r = e.Conclude(kept(t, r), func(c checks.Call) *report.Report { return seen[c] })
	checks.Explain(r)
	return r
}

// kept is a report that was written down and read again.
func kept(t *testing.T, r *report.Report) *report.Report {
	t.Helper()
	text, err := r.Bare().JSON()
	if err != nil {
		t.Fatal(err)
	}
	again := new(report.Report)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	return again
}

// What three names were shown alike stands for the names that it covers, and for no other.
func TestAlike(t *testing.T) {
	look := func(name string, state report.STARTTLS, names ...string) *report.Report {
		a := &report.Address{IP: "192.0.2.1", Reachable: true, SMTP: &report.SMTP{STARTTLS: state}}
		if state == report.Works {
			a.Certificates = []*report.Certificate{{SHA256: names[0], Names: names, Via: "first"}}
		}
		return &report.Report{Evidence: report.Evidence{Hosts: []*report.Host{{Name: name, Addresses: []*report.Address{a}}}}}
	}
	wild := func(name string) *report.Report { return look(name, report.Works, "*.mx.example") }
	for _, c := range []struct {
		what  string
		looks []*report.Report
		to    string
		want  bool
	}{
		{"three of one wildcard", []*report.Report{wild("a.mx.example"), wild("b.mx.example"), wild("c.mx.example")}, "d.mx.example", true},
		{"what it does not cover", []*report.Report{wild("a.mx.example"), wild("b.mx.example"), wild("c.mx.example")}, "d.e.mx.example", false},
		{"two are not enough", []*report.Report{wild("a.mx.example"), wild("b.mx.example")}, "d.mx.example", false},
		{"one of three is another", []*report.Report{wild("a.mx.example"), wild("b.mx.example"), look("c.mx.example", report.Works, "c.mx.example")}, "d.mx.example", false},
		{"no STARTTLS: the name does not matter", []*report.Report{look("a.mx.example", report.NotOffered)}, "b.example", true},
		{"handshakes that break", slices.Repeat([]*report.Report{look("a.mx.example", report.HandshakeFailed)}, 3), "b.example", true},
		{"one that breaks", []*report.Report{look("a.mx.example", report.HandshakeFailed)}, "b.example", false},
		{"nothing", nil, "b.example", false},
	} {
		if got := checks.AlikeOf(c.looks).To(c.to); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
