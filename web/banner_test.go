package web

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/store"
)

// troubled is a site whose self-test can be told what to find.
func troubled(t *testing.T, change func(*Config)) (w *world, finds func(failed ...report.ConditionName)) {
	t.Helper()
	var conditions []report.Condition
	w = open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		c.Conditions = func() []report.Condition { return conditions }
		if change != nil {
			change(c)
		}
	})
	return w, func(failed ...report.ConditionName) {
		conditions = nil
		for _, name := range failed {
			conditions = append(conditions, report.Condition{Name: name, State: "failed", Text: "203.0.113.9 is not for visitors"})
		}
	}
}

const bannered = `aria-label="Trouble of this instance"`

func TestTheBannerSaysWhatIsWrongWithUs(t *testing.T) {
	w, finds := troubled(t, nil)
	for _, c := range []struct {
		why    string
		failed []report.ConditionName
		says   []string
	}{
		{"all is well", nil, nil},
		{"a server that minds the EHLO name says so itself", []report.ConditionName{report.HELOCondition}, nil},
		{"port 25 is closed", []report.ConditionName{report.PortCondition}, []string{"cannot reach port 25"}},
		{"STARTTLS is taken away", []report.ConditionName{report.STARTTLSCondition}, []string{"no letter is given on anybody"}},
		{"the resolver strips DNSSEC", []report.ConditionName{report.ResolverCondition}, []string{"cannot rely on its resolver"}},
		{"the clock is wrong", []report.ConditionName{report.ClockCondition}, []string{"The clock of this instance"}},
		{"two troubles at once", []report.ConditionName{report.PortCondition, report.HELOCondition, report.ClockCondition}, []string{"cannot reach port 25", "The clock of this instance"}},
	} {
		finds(c.failed...)
		for _, path := range []string{"/", "/grades", "/checks/dane", "/badge/example.org", "/check/unknown.example", "/nothing"} {
			page := w.ask("GET", path, "").Body.String()
			if shown := strings.Contains(page, bannered); shown != (len(c.says) > 0) {
				t.Errorf("%s: a banner on %s: %v", c.why, path, shown)
			}
			for _, says := range c.says {
				if !strings.Contains(page, says) {
					t.Errorf("%s: %s does not say %q", c.why, path, says)
				}
			}
			if strings.Contains(page, "203.0.113.9") {
				t.Errorf("%s: %s shows internals", c.why, path)
			}
		}
	}
}

// Where the lab answers, the same is a quiet line at the foot: its domains need no network.
func TestTheBannerSparesTheExamples(t *testing.T) {
	const except = "The examples work without a network"
	w, finds := troubled(t, nil)
	finds(report.PortCondition)
	if page := w.ask("GET", "/", "").Body.String(); strings.Contains(page, except) {
		t.Error("examples are spoken of where there are none")
	}
	w, finds = troubled(t, func(c *Config) { c.Lab = new(checks.Engine) })
	finds(report.PortCondition)
	page := w.ask("GET", "/", "")
	want(t, page, 200, bannered, except, "cannot reach port 25")
	if text := page.Body.String(); strings.Index(text, bannered) < strings.Index(text, `<footer`) {
		t.Error("the trouble is told before the page")
	}
}

// A kept page never shows trouble that has passed, and is never silent about what has begun.
func TestNoKeptPageShowsAnOldBanner(t *testing.T) {
	w, finds := troubled(t, nil)
	w.save(t, graded("example.org", "C", 3))
	for _, path := range []string{"/check/example.org", "/report/example-org"} {
		tags := map[string]bool{}
		for _, c := range []struct {
			failed []report.ConditionName
			says   string
		}{{nil, ""}, {[]report.ConditionName{report.PortCondition}, "port 25"}, {[]report.ConditionName{report.ClockCondition}, "The clock"}, {nil, ""}} {
			finds(c.failed...)
			for range 2 { // made, and kept
				rec := w.ask("GET", path, "")
				page := rec.Body.String()
				if strings.Contains(page, bannered) != (c.says != "") || !strings.Contains(page, c.says) {
					t.Errorf("%s with the troubles %v shows another banner", path, c.failed)
				}
				tags[rec.Header().Get("ETag")] = true
			}
		}
		if len(tags) != 3 { // or a browser would keep the old page
			t.Errorf("%s has %d ETags for three different pages", path, len(tags))
		}
	}
}

// No badge shows what our own network has spoilt: the older report is shown with its date.
func TestABadgeLooksBehindOurOwnTrouble(t *testing.T) {
	spoilt := func(l report.Letter, days int, name string) *report.Report {
		r := graded("example.org", l, days)
		r.ID, r.Conditions = name, []report.Condition{{Name: report.STARTTLSCondition, State: "failed", Text: "Taken away."}}
		return r
	}
	sound := func(l report.Letter, days int, name string) *report.Report {
		r := graded("example.org", l, days, "DANE")
		r.ID = name
		return r
	}
	const day = "2 Jan 2006"
	before := sound("A", 5, "x").CheckedAt.Format(day)
	for _, c := range []struct {
		why     string
		reports []*report.Report
		message string
	}{
		{"the one before it is shown with its date", []*report.Report{sound("B", 9, "a"), sound("A", 5, "b"), spoilt("T", 1, "c")}, "A · " + before},
		{"behind several", []*report.Report{sound("A", 5, "a"), spoilt("T", 2, "b"), spoilt("F", 1, "c"), spoilt("D", 0, "d")}, "A · " + before},
		{"there is no other", []*report.Report{spoilt("F", 0, "a")}, "not tested"},
		{"a later sound one counts", []*report.Report{spoilt("T", 7, "a"), sound("A", 5, "b")}, "A · " + before},
		{"what is too old says so", []*report.Report{sound("A", 40, "a"), spoilt("T", 0, "b")}, "outdated"},
	} {
		w := newWorld(t)
		for _, r := range c.reports {
			w.save(t, r)
		}
		for range 2 {
			want(t, w.ask("GET", "/badge/example.org.json", ""), 200, `"message":"`+c.message+`"`)
		}
		want(t, w.ask("GET", "/badge/example.org", ""), 200)
	}
	w := newWorld(t)
	w.save(t, sound("A", 5, "a"))
	for i := range 150 { // a long trouble changes nothing of what was sound
		w.save(t, spoilt("T", 1, domain(i).ASCII))
	}
	want(t, w.ask("GET", "/badge/example.org.json", ""), 200, `"message":"A · `+before+`"`)
}

// Whether a report was deleted or never there is not known; what is said is true either way.
func TestAReportThatIsNotThere(t *testing.T) {
	for keep, says := range map[time.Duration]string{
		0:                          "Reports are kept for ever, so the address is probably mistyped",
		365 * 24 * time.Hour:       "Reports are kept for 365 days here. This one was older, or the address is mistyped",
		7*24*time.Hour + 1:         "kept for 7 days",
		47*time.Hour + time.Minute: "kept for 47 hours", // no more is promised than is done
	} {
		w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Keep = keep })
		for _, path := range []string{"/report/nothing", "/report/nothing/card.png", "/api/v1/reports/nothing"} {
			want(t, w.ask("GET", path, ""), 404, says)
		}
		never := store.NewID() // as it was given out by a process that was killed
		for _, path := range []string{"/report/" + never, "/api/v1/reports/" + never, "/api/v1/reports/" + never + "/events"} {
			want(t, w.ask("GET", path, ""), 404, "the check that was to make it never came to its end", "Check the domain again.")
		}
	}
}
