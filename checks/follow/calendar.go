// Package follow writes what one follows a domain by: a calendar of what ends when (RFC 5545), and a
// feed of what changed (RFC 4287). Reports in, octets out; it knows neither network nor clock, so the
// same reports give the same octets.
package follow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	ics "github.com/arran4/golang-ical"

	"mxseal/checks/report"
)

// Calendar has one event for every date on which something of the reports ends by itself, with what
// happens then. Reports need their forecast (checks.Explain). An event keeps its UID when its date moves,
// so a calendar that reads again updates it and does not have it twice. link returns the address of a
// report; nil where there is none.
func Calendar(reports []*report.Report, link func(*report.Report) string) []byte {
	cal := ics.NewCalendar()
	cal.SetProductId("-//mxseal//mxseal//EN")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(calendarName(reports))
	cal.SetXWRCalDesc(lastLooked(reports))
	cal.SetRefreshInterval("P1D", ics.WithValue("DURATION"))
	for _, r := range reports {
		nth := make(map[string]int)
		for _, d := range r.Forecast {
			key := strings.Join([]string{r.Domain, string(d.What), d.Rule, d.Host}, "\n")
			if d.Host == "" {
				key += "\n" + d.Text // which names the zone
			}
			nth[key]++ // of two certificates of one host the one that ends first is the first
			event(cal, r, d, uid(key, nth[key]), link)
		}
	}
	var b strings.Builder
	if err := cal.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		panic("follow: " + err.Error()) // only a writer that fails gives one
	}
	return []byte(b.String())
}

func event(cal *ics.Calendar, r *report.Report, d report.Due, id string, link func(*report.Report) string) {
	e := cal.AddEvent(id)
	e.SetDtStampTime(r.CheckedAt)
	e.SetModifiedAt(r.CheckedAt)
	e.SetSequence(int(r.CheckedAt.Unix() / 60)) // a later look says something newer
	e.SetAllDayStartAt(d.At.UTC())
	e.SetAllDayEndAt(d.At.UTC().AddDate(0, 0, 1))
	e.SetProperty(ics.ComponentPropertyTransp, "TRANSPARENT") // nobody is busy then
	e.SetSummary(fmt.Sprintf("%s: %s", r.Domain, ends(d)))
	text := fmt.Sprintf("%s\n\nAt %s UTC (%s). Seen at the check of %s UTC.", d.Text, d.At.UTC().Format("15:04"), d.Rule, r.CheckedAt.UTC().Format("2006-01-02 15:04"))
	if link != nil {
		e.SetURL(link(r))
	}
	e.SetDescription(text)
	e.AddCategory("mxseal")
	alarm := e.AddAlarm()
	alarm.SetAction(ics.ActionDisplay)
	alarm.SetTrigger("-P7D")
	alarm.SetProperty(ics.ComponentPropertyDescription, fmt.Sprintf("%s: %s in seven days", r.Domain, ends(d)))
}

// uid is the name of an event for all time.
func uid(key string, nth int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", key, nth))
	return hex.EncodeToString(sum[:16]) + "@mxseal"
}

// ends says in a few words what ends.
func ends(d report.Due) string {
	what := map[report.Ending]string{
		report.EndsCertificate:       "a certificate ends",
		report.EndsPolicyCertificate: "the certificate of the policy host ends",
		report.EndsSignatures:        "DNSSEC signatures end",
		report.EndsRenewal:           "a renewal that DANE will not survive",
		report.EndsPolicy:            "an MTA-STS policy is forgotten",
	}[d.What]
	if what == "" {
		what = "something ends"
	}
	if d.Host != "" {
		what += ", " + d.Host
	}
	return what
}

func calendarName(reports []*report.Report) string {
	if len(reports) == 1 {
		return "Mail to " + reports[0].Domain
	}
	return "Mail to several domains"
}

// lastLooked says when the domains were last looked at: reading a calendar starts no check.
func lastLooked(reports []*report.Report) string {
	var parts []string
	for i, r := range reports {
		if i == 20 {
			parts = append(parts, fmt.Sprintf("and %d more", len(reports)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s was last looked at on %s UTC", r.Domain, r.CheckedAt.UTC().Format("2006-01-02 15:04")))
	}
	return strings.Join(parts, ", ")
}
