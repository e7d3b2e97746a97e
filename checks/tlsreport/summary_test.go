package tlsreport

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// day is a report of one sender about one day of November 2026.
func dayOf(who string, day int, mode string, ok int64, failures ...Failure) *Report {
	p := Policy{Type: MTASTS, Domain: "y.example", For: "y.example", Strings: []string{"version: STSv1", "mode: " + mode}, Succeeded: ok, Failures: failures}
	for _, f := range failures {
		p.Failed += f.Sessions
	}
	start := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
	return &Report{Organization: who, ID: fmt.Sprint(who, day), Start: start, End: start.Add(24*time.Hour - time.Second), Policies: []Policy{p}}
}

func TestSafeToEnforce(t *testing.T) {
	expired := Failure{Result: CertificateExpired, ReceivingMX: "mx.y.example", Sessions: 3}
	fetch := Failure{Result: PolicyFetchError, Sessions: 5}
	days := func(from, to int, mode string, who ...string) (all []*Report) {
		for d := from; d <= to; d++ {
			for _, w := range who {
				all = append(all, dayOf(w, d, mode, 10))
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		reports []*Report
		want    Enforce
	}{
		"a week, two senders":     {days(1, 7, "testing", "a", "b"), Enforce{Answer: Yes, Days: 7, Reporters: 2}},
		"six days":                {days(1, 6, "testing", "a", "b"), Enforce{Answer: NotYet, Days: 6, Reporters: 2}},
		"one sender":              {days(1, 20, "testing", "a"), Enforce{Answer: NotYet, Days: 7, Reporters: 1}},
		"the other long ago":      {append(days(1, 3, "testing", "b"), days(1, 20, "testing", "a")...), Enforce{Answer: NotYet, Days: 7, Reporters: 1}},
		"a failure in the week":   {append(days(1, 20, "testing", "a", "b"), dayOf("c", 14, "testing", 0, expired)), Enforce{Answer: No, Days: 7, Reporters: 3, Refused: 3}},
		"a failure before":        {append(days(1, 20, "testing", "a", "b"), dayOf("c", 13, "testing", 0, expired)), Enforce{Answer: Yes, Days: 7, Reporters: 2}},
		"the policy out of reach": {append(days(1, 20, "testing", "a", "b"), dayOf("c", 20, "testing", 0, fetch)), Enforce{Answer: Yes, Days: 7, Reporters: 3, Unread: 5}},
		"it enforces":             {append(days(1, 9, "testing", "a", "b"), days(10, 20, "enforce", "a", "b")...), Enforce{Answer: Already, Days: 7, Reporters: 2}},
		"it enforces and fails":   {append(days(10, 20, "enforce", "a", "b"), dayOf("c", 20, "enforce", 0, expired)), Enforce{Answer: Already, Days: 7, Reporters: 3, Refused: 3}},
		"mode none":               {days(1, 20, "none", "a", "b"), Enforce{Answer: Nothing, Days: 7, Reporters: 2}},
		"mode not said":           {days(1, 20, "", "a", "b"), Enforce{Answer: Unsaid, Days: 7, Reporters: 2}},
		"no date":                 {[]*Report{{Organization: "a", Policies: []Policy{{Type: MTASTS, For: "y.example", Strings: []string{"mode: enforce"}}}}}, Enforce{Answer: Already, Reporters: 1}},
		"nothing at all":          {[]*Report{{Organization: "a", Policies: []Policy{{Type: NoPolicy, For: "y.example"}}}}, Enforce{Answer: Nothing, Reporters: 1}},
	} {
		s := NewSummary()
		for _, r := range c.reports {
			s.Add(r)
		}
		if got := s.Domains()[0].Enforce; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	s := NewSummary()
	for range 2 { // by mail and by HTTPS
		s.Add(dayOf("a", 1, "testing", 10, Failure{Result: CertificateExpired, ReceivingMX: "mx.y.example", Sessions: 2, Reason: "expired"}))
	}
	s.Add(dayOf("b", 3, "testing", 20, Failure{Result: CertificateExpired, ReceivingMX: "mx.y.example", Sessions: 5}, Failure{Result: StartTLSNotSupported, ReceivingIP: "192.0.2.1", Sessions: 1}))
	s.Add(&Report{Organization: "a", ID: "7", Start: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), Policies: []Policy{
		{Type: DANE, Domain: "mx.z.example", For: "z.example", Failed: 4, Failures: []Failure{{Result: TLSAInvalid, Sessions: 4}}},
		{Type: NoPolicy, For: "z.example", Succeeded: 1}}})
	all := s.Domains()
	if s.Reports != 3 || s.Twice != 1 || len(all) != 2 {
		t.Fatalf("%d reports, %d twice, %d domains", s.Reports, s.Twice, len(all))
	}
	y, z := all[0], all[1]
	if y.Succeeded != 30 || y.Failed != 8 || len(y.Days) != 2 || y.Days[0].Failed != 2 || y.Reporters[0].Name != "b" || y.Reporters[1].Reports != 1 {
		t.Errorf("%+v", y)
	}
	if f := y.Troubles[0]; f.Sessions != 7 || f.Server != "mx.y.example" || f.First.Day() != 1 || f.Last.Day() != 3 || strings.Join(f.Reporters, " ") != "a b" || len(f.Reasons) != 1 {
		t.Errorf("%+v", f)
	}
	if y.Troubles[1].Server != "192.0.2.1" || z.Troubles[0].Server != "mx.z.example" || z.Reporters[0].Reports != 1 {
		t.Errorf("%+v, %+v", y.Troubles[1], z)
	}
}

// However many reports come, a summary keeps what its bounds say.
func TestSummaryIsBounded(t *testing.T) {
	s := NewSummary()
	for i := range 3000 {
		r := dayOf(fmt.Sprint("who", i), 1, "testing", 1, Failure{Result: Result(fmt.Sprint("r", i)), ReceivingMX: "mx", Sessions: 1, Reason: fmt.Sprint(i)}, Failure{Result: "one", ReceivingMX: "mx", Sessions: 1, Reason: fmt.Sprint(i)})
		other := r.Policies[0]
		other.For = fmt.Sprint("d", i, ".example")
		r.Policies = append(r.Policies, other)
		s.Add(r)
	}
	all := s.Domains()
	var y Domain
	for _, d := range all {
		if d.Name == "y.example" {
			y = d
		}
	}
	if len(all) != mostDomains || s.Beyond != 3001-mostDomains || len(y.Reporters) != mostReporters || y.ReportersNotNamed != 3000-mostReporters || len(y.Troubles) != mostTroubles || y.Succeeded != 3000 || y.Failed != 6000 {
		t.Errorf("%d domains, %d beyond; %d reporters and %d; %d kinds of failures and %d", len(all), s.Beyond, len(y.Reporters), y.ReportersNotNamed, len(y.Troubles), y.TroublesBeyond)
	}
	for _, f := range y.Troubles {
		if len(f.Reporters) > mostNames || len(f.Reasons) > mostNames {
			t.Errorf("%d reporters, %d reasons", len(f.Reporters), len(f.Reasons))
		}
	}
}
