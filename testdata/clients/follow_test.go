package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// calendarReader is Python's icalendar, of other authors than the library that writes.
const calendarReader = `
import icalendar, sys
calendar = icalendar.Calendar.from_ical(open(sys.argv[1], "rb").read())
for e in calendar.walk("VEVENT"):
    print(e["UID"], e.decoded("DTSTART"), e.decoded("DTEND"), e["SUMMARY"], len(e.walk("VALARM")))
`

// What check writes for calendars and feed readers is read by programs of others: Python's icalendar,
// and xmllint with the grammar of RFC 4287.
func TestCalendarAndFeed(t *testing.T) {
	world := openLab(t)
	dir := t.TempDir()
	dates, news := filepath.Join(dir, "dates.ics"), filepath.Join(dir, "news.atom")
	c := command(program, "check", "--format", "ndjson", "--depth", "quick", "--calendar", dates, "--feed", news, "perfect.test", "tlsa-mismatch.test", "hostile-text.test", "expiring.test", "nothing.test")
	c.Env, c.Stderr = append(os.Environ(), world...), nil
	c.Run() // its exit code is about the domains
	said(t, ".", "xmllint", "--noout", "--relaxng", "atom.rng", news)
	events := strings.Split(strings.TrimSpace(said(t, dir, "/usr/bin/python3", "-c", calendarReader, dates)), "\n")
	if text, err := os.ReadFile(dates); err != nil || strings.Count(string(text), "BEGIN:VEVENT") != len(events) || len(events) < 3 {
		t.Errorf("%v: %d events were read: %q", err, len(events), events)
	}
	for _, e := range events {
		if !strings.HasSuffix(e, " 1") || !strings.Contains(e, "@mxseal 20") {
			t.Errorf("an event was read as %q", e)
		}
	}
}
