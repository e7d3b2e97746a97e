package follow

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func sample(at time.Time, letter report.Letter, due ...report.Due) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example.net", CheckedAt: at},
		Conclusions: report.Conclusions{Grade: &report.Grade{Letter: letter}, Forecast: due}}
}

func shown(r *report.Report) view.Report {
	return view.Report{Report: r, Topics: []view.Topic{{Changes: map[report.Aspect]string{"tlsa": "TLSA"}}}}
}

var dues = []report.Due{
	{At: noon.AddDate(0, 0, 9), What: "certificate", Rule: "CRT-06", Host: "mx.example.net", Text: "The certificate of mx.example.net ends. Unless another one is served by then, senders that check MTA-STS and partners who insist on a valid certificate cannot deliver there; é, ü."},
	{At: noon.AddDate(0, 0, 20), What: "certificate", Rule: "CRT-06", Host: "mx.example.net", Text: "The other; with a comma, a \\ and\na line"},
	{At: noon.AddDate(0, 0, 12), What: "signatures", Rule: "SEC-22", Text: "A DNSSEC signature of net ends."},
	{At: noon.AddDate(0, 0, 13), What: "signatures", Rule: "SEC-22", Text: "A DNSSEC signature of example.net ends."},
}

// events reads a calendar back: UID to day and summary.
func events(t *testing.T, calendar []byte) map[string]string {
	t.Helper()
	if !bytes.HasPrefix(calendar, []byte("BEGIN:VCALENDAR\r\n")) {
		t.Errorf("not as RFC 5545 §3.1 has it: %q", calendar[:min(len(calendar), 40)])
	}
	for _, line := range strings.Split(string(calendar), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(calendar))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range cal.Events() {
		at, err := e.GetAllDayStartAt()
		if err != nil {
			t.Error(err)
		}
		all[e.Id()] = at.Format(time.DateOnly) + " " + e.GetProperty(ics.ComponentPropertySummary).Value
	}
	return all
}

// What ends on another day than before is the same event on that day.
func TestACalendarUpdatesAndDoesNotDouble(t *testing.T) {
	link := func(r *report.Report) string { return "https://mxseal.example/report/x" }
	before := events(t, Calendar([]*report.Report{sample(noon, "B", dues...)}, link))
	if len(before) != len(dues) {
		t.Errorf("%d events of %d dates: %v", len(before), len(dues), before)
	}
	var later []report.Due
	for _, d := range dues {
		d.At = d.At.AddDate(0, 0, 60)
		later = append(later, d)
	}
	after := events(t, Calendar([]*report.Report{sample(noon.AddDate(0, 0, 1), "B", later...)}, link))
	for id, was := range before {
		if after[id] == "" || after[id] == was || after[id][11:] != was[11:] {
			t.Errorf("%s was %q and is %q", id, was, after[id])
		}
	}
	two := sample(noon, "B", dues...)
	two.Domain = "example.org"
	if all := events(t, Calendar([]*report.Report{sample(noon, "B", dues...), two}, nil)); len(all) != 2*len(dues) {
		t.Errorf("%d events of two domains", len(all))
	}
	if empty := Calendar([]*report.Report{sample(noon, "B")}, nil); !bytes.Contains(empty, []byte("was last looked at on 2026-11-28 12:00 UTC")) {
		t.Errorf("it does not say when it was looked at:\n%s", empty)
	}
	if !bytes.Equal(Calendar([]*report.Report{two}, link), Calendar([]*report.Report{two}, link)) {
		t.Error("the same report gives another calendar")
	}
}

// A feed has an entry for what is new, and goes on from what it was.
func TestAFeedGoesOn(t *testing.T) {
	moved := sample(noon.AddDate(0, 0, 3), "A")
	moved.Past = &report.Past{CheckedAt: noon}
	moved.Changes = []report.Change{{What: "tlsa", Host: "mx.example.net", Before: "", After: "3 1 1 <&\u2028>"}}
	broken := sample(noon.AddDate(0, 0, 2), "D")
	broken.Grade.Broken, broken.Grade.Provisional = []report.Promise{report.PromiseDANE}, true
	list := []Moment{At(shown(sample(noon, "A")), ""), At(shown(sample(noon.AddDate(0, 0, 1), "A")), ""), At(shown(broken), "https://mxseal.example/report/y?a=1&b=2"), At(shown(moved), "")}
	feed := Feed("example.net", "https://mxseal.example/domain/example.net/changes.atom", "https://mxseal.example/check/example.net", list)
	read, err := Read(feed)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range read {
		got = append(got, fmt.Sprintf("%s %s %v", m.At.Format(time.DateOnly), m.State, m.Changes))
	}
	want := []string{"2026-12-01 A [TLSA mx.example.net: none → 3 1 1 <&\ufffd>]", "2026-11-30 D (provisional), DANE is broken []", "2026-11-28 A []"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q\n%s", got, want, feed)
	}
	again := Feed("example.net", "https://mxseal.example/domain/example.net/changes.atom", "https://mxseal.example/check/example.net", read)
	if !bytes.Equal(again, feed) {
		t.Errorf("read and written again it is\n%s, was\n%s", again, feed)
	}
	if read[1].Link != "https://mxseal.example/report/y?a=1&b=2" {
		t.Errorf("link %q", read[1].Link)
	}
	for range 2 * maxChanges {
		moved.Changes = append(moved.Changes, report.Change{What: "tlsa", After: strings.Repeat("x", 4000)})
	}
	if m := At(shown(moved), ""); len(m.Changes) != maxChanges+1 || len(m.Changes[1]) > maxLine+3 {
		t.Errorf("%d changes, the second of %d octets", len(m.Changes), len(m.Changes[1]))
	}
	if _, err := Read([]byte("<rss/>")); err == nil {
		t.Error("another format was read as a feed")
	}
	var many []Moment
	for i := range 3 * maxEntries {
		many = append(many, At(shown(sample(noon.Add(time.Duration(i)*time.Hour), []report.Letter{"A", "B"}[i%2])), ""))
	}
	if n := bytes.Count(Feed("x", "x", "x", many), []byte("<entry>")); n != maxEntries {
		t.Errorf("%d entries", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>a: b</title><updated>2026-11-28T12:00:00Z</updated></entry></feed>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := Read(data); err == nil {
			Feed("x", "x", "x", list)
		}
	})
}
