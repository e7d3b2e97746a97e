package watching

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"mxseal/checks/report"
)

// A year of three domains, day by day: renewals that fail, keys that change, a provider's outage, and one of
// our own. Each event is told once, none too late, and none falsely; the table is printed.
func TestAYear(t *testing.T) {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DOMAIN\tWHAT HAPPENED\tON DAY\tTOLD ON DAY\tAS")
	for _, d := range []domain{daneDomain, stsDomain, signedDomain} {
		messages := d.play(t)
		for _, want := range d.happens {
			i := slices.IndexFunc(messages, func(m told) bool { return m.is == want.as })
			if i < 0 {
				t.Errorf("%s: on day %.0f %s: nothing was told", d.name, want.day, want.what)
				continue
			}
			m := messages[i]
			messages = slices.Delete(messages, i, i+1)
			if m.day < want.day || m.day > want.day+want.within() {
				t.Errorf("%s: on day %.2f %s: told on day %.2f", d.name, want.day, want.what, m.day)
			}
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%s\n", d.name, want.what, want.day, m.day, m.is)
		}
		for _, m := range messages {
			t.Errorf("%s: falsely told on day %.2f: %s", d.name, m.day, m.is)
		}
		for _, quiet := range d.quiet {
			fmt.Fprintf(w, "%s\t%s\t\tnever\t\n", d.name, quiet)
		}
	}
	w.Flush()
	t.Logf("\n%s", &table)
}

// begin is when the year begins.
var begin = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

// domain is one of the year.
type domain struct {
	name    string
	look    func(day float64) *report.Report
	failing func(day float64) []Failing
	happens []happening
	quiet   []string // what is not to be told
}

// happening is what is to be told.
type happening struct {
	day  float64 // from which it can be seen
	what string
	as   string
}

// within is how many days it may take: until the next look, and an hour; what is no rejection may have to
// wait for the message of the next day.
func (h happening) within() float64 {
	if h.as == "broken dane" || h.as == "broken dnssec" || h.as == "broken lost" {
		return 1 + 2.0/24
	}
	return 2 + 2.0/24
}

type told struct {
	day float64
	is  string
}

// play looks at a domain once a day at 7:12, and an hour later where something is to be confirmed.
func (d domain) play(t *testing.T) (all []told) {
	var s State
	var before float64
	for day := 0.3; day < 365; {
		now := begin.Add(time.Duration(day * 24 * float64(time.Hour)))
		var failing []Failing
		if d.failing != nil {
			failing = d.failing(day)
		}
		r := d.look(day)
		r.CheckedAt = now
		var events []Event
		s, events = Next(s, r, failing, now)
		if len(events) > 0 {
			if urgent := slices.ContainsFunc(events, Event.Urgent); !urgent && len(all) > 0 && day-before < 0.9 {
				t.Errorf("%s: messages on the days %.2f and %.2f", d.name, before, day)
			}
			before = day
		}
		for _, e := range events {
			all = append(all, told{day, short(e)})
		}
		if day += 1.0 / 24; !s.Again() {
			day = float64(int(day-0.3)) + 1.3
		}
	}
	return all
}

func short(e Event) string {
	switch e.Kind {
	case LetterChanged:
		return fmt.Sprintf("letter %s to %s", e.From, e.To)
	case Broken, Kept:
		return string(e.Kind) + " " + string(e.Promise)
	case Ending:
		return fmt.Sprintf("%s of %s%s late, usually renewed %d days before", e.What, e.Host, e.Zone, e.Usual)
	case NewKey:
		return "key " + e.Key + " of " + e.Host
	}
	return fmt.Sprintf("%s of %s by %d", e.Result, e.Host, e.Reporters)
}

// graded is a report with a firm letter.
func graded(letter report.Letter, broken ...report.Promise) *report.Report {
	r := &report.Report{}
	r.Grade = &report.Grade{Letter: letter, Broken: broken}
	return r
}

// ends is something that ends on a day.
func ends(r *report.Report, d report.Due, from, to float64) {
	d.Since, d.At = begin.Add(time.Duration(from*24)*time.Hour), begin.Add(time.Duration(to*24)*time.Hour)
	r.Forecast = append(r.Forecast, d)
	slices.SortFunc(r.Forecast, func(a, b report.Due) int { return a.At.Compare(b.At) })
}

// renewed is when the present one of what holds for a while began: the first one at a day, the next when
// so much is left of it, but not on the days on which renewals fail.
func renewed(day, first, holds, left float64, fails func(float64) bool) (from float64) {
	from = first
	for d := first; d <= day; d += 0.25 {
		if from+holds-d <= left && !fails(d) {
			from = d
		}
	}
	return from
}

func between(from, to float64) func(float64) bool {
	return func(day float64) bool { return from <= day && day < to }
}

var never = between(0, 0)

// unreachable is a report of mail servers that do not answer: no letter, and nothing that ends.
func unreachable() *report.Report {
	r := graded(report.LetterT)
	r.Grade.Reason = report.Untestable
	return r
}

// daneDomain has a certificate that is renewed 30 days before its end, and TLSA records that name its key.
var daneDomain = domain{
	name: "dane.example",
	look: func(day float64) *report.Report {
		r, key, published := graded("A+"), "one", "one"
		fails := between(169, 190)
		switch {
		case between(230, 233)(day):
			r, key = graded("C", "dane"), "two"
		case day >= 233:
			key, published = "two", "two"
		}
		from := renewed(day, -10, 90, 30, fails)
		ends(r, report.Due{What: "certificate", Host: "mx.dane.example"}, from, from+90)
		policy := renewed(day, -20, 6, 2, never) // a certificate of six days
		ends(r, report.Due{What: "policy-certificate", Host: "mta-sts.dane.example"}, policy, policy+6)
		a := &report.Address{IP: "192.0.2.25", Reachable: true, Certificates: []*report.Certificate{{SPKISHA256: key, Via: report.ViaFirst}}}
		h := &report.Host{Name: "mx.dane.example", Addresses: []*report.Address{a}}
		h.TLSA = report.TLSA{State: report.TLSAMismatch, Records: []report.TLSARecord{{Data: published}}}
		if key == published {
			h.TLSA.State, h.TLSA.Records[0].Matches = report.TLSAMatch, []string{a.IP}
		}
		r.Hosts = []*report.Host{h}
		if day >= 230 && day < 230.6 {
			r.Grade.Provisional = true // another server of it is down when the key changes
		}
		return r
	},
	happens: []happening{
		{180, "its certificate was not renewed", "certificate of mx.dane.example late, usually renewed 29 days before"},
		{230, "its key was changed without a TLSA record", "key two of mx.dane.example"},
		{230.6, "and senders that check DANE were rejected", "broken dane"},
		{230.6, "which costs letters", "letter A+ to C"},
		{233, "the record was published", "kept dane"},
		{233, "and the letter was back", "letter C to A+"},
	},
	quiet: []string{"four renewals in time", "a certificate of six days for the policy, renewed every four"},
}

// stsDomain has its mail at a provider, and a policy whose certificate is renewed 45 days before its end.
var stsDomain = domain{
	name: "sts.example",
	look: func(day float64) *report.Report {
		r := graded("B")
		switch {
		case between(60.29, 60.31)(day): // a fault that is over an hour later
			r = graded("F")
		case between(75, 80)(day):
			r = graded("D")
			r.Grade.Provisional, r.Grade.Broken = true, []report.Promise{report.PromiseSTS}
		case between(100, 102)(day):
			return unreachable()
		case between(140, 145)(day):
			r = graded("F", "dnssec")
			r.Conditions = []report.Condition{{Name: "dns", State: report.ConditionFailed}}
			return r
		case between(275, 305)(day):
			r = graded("C")
		}
		fails := between(209, 305)
		from := renewed(day, -40, 90, 45, fails)
		if day < from+90 {
			ends(r, report.Due{What: "policy-certificate", Host: "mta-sts.sts.example"}, from, from+90)
		}
		return r
	},
	happens: []happening{
		{245, "the certificate of the policy was not renewed", "policy-certificate of mta-sts.sts.example late, usually renewed 44 days before"},
		{275, "and then it had ended", "letter B to C"},
		{305, "it was renewed", "letter C to B"},
	},
	quiet: []string{"a fault of half an hour on day 60", "a provisional letter from day 75 to 80", "the provider was down from day 100 to 102", "our own network was down from day 140 to 145"},
}

// signedDomain has signatures of 14 days that are renewed 7 days before their end.
var signedDomain = domain{
	name: "signed.example",
	look: func(day float64) *report.Report {
		r := graded("A")
		from := renewed(day, -3, 14, 7, between(120, 136))
		switch {
		case day >= from+14:
			return graded("D", "dnssec")
		case between(200, 203)(day):
			r = graded(report.LetterT)
			r.Grade.Reason = report.Undeliverable
			return r
		}
		ends(r, report.Due{What: "signatures", Zone: "signed.example"}, from, from+14)
		ends(r, report.Due{What: "signatures", Zone: "host.example"}, day-1, day+1) // of a host that signs every answer anew
		return r
	},
	failing: func(day float64) []Failing {
		at := func(d float64) time.Time { return begin.Add(time.Duration(d*24) * time.Hour) }
		switch {
		case between(180, 182)(day):
			return []Failing{{Result: "validation-failure", Host: "mx.signed.example", Reporters: 1, Sessions: 3, Last: at(180)}}
		case between(250, 260)(day): // reports are kept
			return []Failing{{Result: "certificate-expired", Host: "mx.signed.example", Reporters: 2, Sessions: 70, Last: at(251)}}
		}
		return nil
	},
	happens: []happening{
		{125.3, "its signer had stopped", "signatures of signed.example late, usually renewed 6 days before"},
		{130, "the signatures ended", "broken dnssec"},
		{130, "which costs letters", "letter A to D"},
		{136, "it signed again", "kept dnssec"},
		{136, "and the letter was back", "letter D to A"},
		{200, "its mail servers were not to be found", "broken lost"},
		{203, "they were there again", "kept lost"},
		{250, "two senders reported failures", "certificate-expired of mx.signed.example by 2"},
	},
	quiet: []string{"signatures of 14 days, renewed every seven", "a host that signs every answer anew", "one sender reported failures on day 180"},
}
