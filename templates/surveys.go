package templates

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// SurveyThing is one thing that surveys count, by its name in JSON.
type SurveyThing struct{ ID, Name, Text string }

// SurveyThings are what surveys count, in reading order.
var SurveyThings = []SurveyThing{
	{"starttls", "STARTTLS works", "Every mail server that was reached encrypts."},
	{"certificate", "Certificate valid", "Every mail server that was reached shows a certificate that fits its name."},
	{"tls_1_3", "TLS 1.3", "Every mail server that was reached speaks TLS 1.3."},
	{"post_quantum", "Post-quantum", "The key exchange also withstands a quantum computer."},
	{"dnssec", "MX signed (DNSSEC)", "The list of mail servers is signed."},
	{"dane", "DANE", "Every mail server has TLSA records that fit."},
	{"mta_sts", "MTA-STS", "There is a policy, and what it asks of senders."},
	{"tls_rpt", "TLS reports (TLS-RPT)", "The domain asks for reports."},
}

// SurveyLine is a survey in the list of all.
type SurveyLine struct {
	Name, Title string
	Domains     int
	Began       time.Time             // of the last run that has ended; zero for none
	Letters     map[report.Letter]int // of that
	UnderWay    *Progress
}

// Surveyed is what a survey has found out about a domain.
type Surveyed struct {
	Name, Title, Date string
	Began             time.Time
	Letter            report.Letter
	Provisional       bool
}

// when says of which day the letter is, and whether something was not found out then.
func (s Surveyed) when() string {
	day := s.Began.Format("2 January 2006")
	if s.Provisional {
		return day + ", provisional"
	}
	return day
}

// Progress is how far a run is.
type Progress struct {
	Done, InFlight, Domains int
	Pace                    view.Pace
}

// SurveyCost is what a survey of a million domains takes at a depth.
type SurveyCost struct {
	Depth                  string
	Rate                   float64 // domains a second
	Time                   time.Duration
	Questions, Connections float64 // millions
	Gigabytes              float64 // on disk
	Memory                 int     // MiB
}

func (p Progress) text() string {
	text := fmt.Sprintf("%d of %s done, %d being checked", p.Done, view.Plural(p.Domains, "domain"), p.InFlight)
	if pace := p.Pace.String(); pace != "" {
		text += " · " + pace
	}
	return text
}

// Survey is a run of a survey as a page.
type Survey struct {
	Name, Title  string
	Named        bool // its domains are shown
	Every        string
	Began, Ended time.Time
	Date         string // of the run
	Latest       bool
	Looks        int
	*adoption.Totals
	Runs     []SurveyRun // the latest first
	UnderWay *Progress
	Behind   *Behind // the domains of a number; nil where none is asked for
	Link     string  // full address of this run; empty where that is not known
	OptOut   string
}

// SurveyRun is one run among all.
type SurveyRun struct {
	Date string
	adoption.Brief
}

// Behind are domains behind a number.
type Behind struct {
	adoption.Number
	Domains int
	List    []BehindRow
	LeftOut int // of these domains, whose owner has asked to be left out
	Next    int // the line from which there are more; 0 for no more
}

// BehindRow is a domain with its letter.
type BehindRow struct {
	Domain      string
	Letter      report.Letter
	Provisional bool
}

// share is a part of a bar: where it begins and how wide it is.
type share struct {
	Letter  report.Letter
	Domains int
	X, W    float64
}

// shares are the parts of a bar of letters, the best first; what has no letter is last.
func shares(letters map[report.Letter]int, width float64) (list []share) {
	all := 0
	for _, n := range letters {
		all += n
	}
	x := 0.0
	for _, l := range report.Letters {
		if n := letters[l]; n > 0 {
			w := width * float64(n) / float64(all)
			list = append(list, share{l, n, x, w})
			x += w
		}
	}
	return list
}

func number(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
}

// percent is a part of all, in words.
func percent(n, all int) string {
	if all == 0 {
		return "–"
	}
	p := 100 * float64(n) / float64(all)
	switch {
	case n > 0 && p < 0.1:
		return "< 0.1 %"
	case p < 10 && n > 0:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// barText says what a bar of letters shows, for who cannot see it.
func barText(letters map[report.Letter]int) string {
	var parts []string
	for _, s := range shares(letters, 1) {
		parts = append(parts, fmt.Sprintf("%s: %d", letterName(s.Letter), s.Domains))
	}
	return strings.Join(parts, ", ")
}

// letterName is a letter, or what stands in its place.
func letterName(l report.Letter) string {
	switch l {
	case "T":
		return "not tested"
	case "N":
		return "no mail"
	}
	return string(l)
}

// whyWords say why a domain was not tested.
var whyWords = map[string]string{
	"opted-out":                  "the owner has asked not to be checked",
	"no-mail-domain":             "by the rules of today the name is no mail domain",
	"fault":                      "our own fault: the check broke",
	string(report.Untestable):    "no mail server could be tested",
	string(report.DoesNotExist):  "the domain does not exist",
	string(report.Undeliverable): "the mail servers cannot be found",
}

func whyText(why string) string { return cmp.Or(whyWords[why], why) }

// promiseWords name the promises that may be broken.
var promiseWords = map[string]string{"dane": "DANE", "sts": "MTA-STS", "dnssec": "DNSSEC"}

func promiseText(promise string) string { return cmp.Or(promiseWords[promise], promise) }

// answerWords are those of answers that are neither yes nor no.
var answerWords = map[string]string{"enforce": "enforced", "testing": "testing", "none": "switched off (none)", "invalid": "invalid", "absent": "no policy"}

// adopted is a row of the table of what is adopted.
type adopted struct {
	SurveyThing
	Has      int        // domains that have it
	Parts    []answered // how they have it, where there is more than one way
	Lacks    int
	Untested int
	Answer   string // of those that have it; empty where there is more than one
}

type answered struct {
	Answer, Text string
	Domains      int
}

// adoptionOf are the rows, of what was counted.
func adoptionOf(counted map[string]map[string]int) (list []adopted) {
	for _, thing := range SurveyThings {
		of := counted[thing.ID]
		row := adopted{SurveyThing: thing, Untested: of["untested"]}
		if thing.ID == "mta_sts" {
			row.Has, row.Lacks = of["enforce"]+of["testing"], of["absent"]+of["none"]+of["invalid"]
			for _, answer := range []string{"enforce", "testing", "none", "invalid", "absent"} {
				if of[answer] > 0 {
					row.Parts = append(row.Parts, answered{answer, answerWords[answer], of[answer]})
				}
			}
		} else {
			row.Has, row.Lacks, row.Answer = of["yes"], of["no"], "yes"
		}
		list = append(list, row)
	}
	return list
}

// sorted are answers, the most frequent first.
func sorted(of map[string]int) (list []answered) {
	for answer, n := range of {
		list = append(list, answered{Answer: answer, Domains: n})
	}
	slices.SortFunc(list, func(a, b answered) int {
		return cmp.Or(cmp.Compare(b.Domains, a.Domains), cmp.Compare(a.Answer, b.Answer))
	})
	return list
}

// labels are the labels of a survey, the largest first, at most so many as a page can take.
func (s Survey) labels() (list []answered) {
	of := make(map[string]int)
	for label, t := range s.Labels {
		of[label] = t.Domains
	}
	return sorted(of)
}

// behind is the address of the domains behind a number of this run.
func (s Survey) behind(what, answer string, from int) string {
	at := s.address() + "?show=" + url.QueryEscape(what+":"+answer)
	if from > 0 {
		at += fmt.Sprint("&from=", from)
	}
	return at + "#domains"
}

// address is that of this run.
func (s Survey) address() string { return "/survey/" + s.Name + "/" + s.Date }

// title is what the survey is called.
func (s Survey) title() string { return cmp.Or(s.Title, s.Name) }

// cite is how this run is cited.
func (s Survey) cite() string {
	text := fmt.Sprintf("mxseal, “%s”, run of %s (%s)", s.title(), s.Began.Format("2 January 2006"), view.Plural(s.Domains, "domain"))
	if s.Link != "" {
		text += ", " + s.Link
	}
	return text
}

// sentence stands above domains behind a number.
func (b Behind) sentence() string {
	for _, thing := range SurveyThings {
		if thing.ID == b.What {
			return thing.Name + ": " + cmp.Or(answerWords[b.Answer], b.Answer)
		}
	}
	switch b.What {
	case "letter":
		switch b.Answer {
		case "T":
			return "Domains that were not tested"
		case "N":
			return "Domains without mail"
		}
		return "Domains with letter " + b.Answer
	case "why":
		return "Not tested: " + whyText(b.Answer)
	case "broken":
		return promiseText(b.Answer) + " is broken"
	case "label":
		return "Label: " + b.Answer
	case adoption.SinceLastRun:
		return "Changed since the run before: " + strings.Replace(b.Answer, ">", " → ", 1)
	case adoption.SinceAYearAgo:
		return "Changed since a year ago: " + strings.Replace(b.Answer, ">", " → ", 1)
	}
	return "Mail servers of " + b.Answer
}

// Often is an interval in words.
func Often(every time.Duration) string {
	switch day := 24 * time.Hour; {
	case every == 0:
		return ""
	case every%(7*day) == 0 && every > 7*day:
		return fmt.Sprintf("every %d weeks", every/(7*day))
	case every == 7*day:
		return "every week"
	case every == day:
		return "every day"
	case every%day == 0:
		return fmt.Sprintf("every %d days", every/day)
	}
	return fmt.Sprintf("every %s", every)
}

// plotHeight is that of the plot of all runs, and plotWidth its width.
const plotHeight, plotWidth = 180, 700

// column is a run in the plot.
type column struct {
	SurveyRun
	X, W  float64
	Parts []share // X from the top
}

// columns are the runs, the earliest first, at most so many as can be told apart.
func columns(runs []SurveyRun) (list []column) {
	runs = slices.Clone(runs[:min(len(runs), 52)])
	slices.Reverse(runs)
	step := float64(plotWidth) / float64(len(runs))
	for i, run := range runs {
		list = append(list, column{run, float64(i)*step + step*.1, min(step*.8, 60), shares(run.Letters, plotHeight)})
	}
	return list
}

// group are domains by something that they have in common.
type group struct {
	Name string
	*adoption.Totals
}

func providerRows(list []*adoption.Provider) (rows []group) {
	for _, p := range list {
		rows = append(rows, group{p.Name, p.Totals})
	}
	return rows
}

// mostLabels are shown; the files have all.
const mostLabels = 100

func labelRows(s Survey) (rows []group) {
	for _, l := range s.labels() {
		if len(rows) < mostLabels {
			rows = append(rows, group{l.Answer, s.Labels[l.Answer]})
		}
	}
	return rows
}

// shareOf is how many have an answer, of those of which it is known.
func shareOf(of map[string]int, answer string) string {
	all := 0
	for a, n := range of {
		if a != "untested" {
			all += n
		}
	}
	return percent(of[answer], all)
}

// LettersLine are the letters that are there, in a line.
func LettersLine(letters map[report.Letter]int) string {
	var parts []string
	for _, s := range shares(letters, 1) {
		parts = append(parts, fmt.Sprintf("%s %d", letterName(s.Letter), s.Domains))
	}
	return strings.Join(parts, " · ")
}

func domainWord(n int) string {
	if n == 1 {
		return "domain"
	}
	return "domains"
}
