package follow

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/feeds"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Moment is one report in the life of a domain.
type Moment struct {
	ID      string // for ever the same, a URI
	Domain  string // A-label
	At      time.Time
	State   string   // in a line: the letter, and the promises that are broken
	Changes []string // since the report before, a line each
	Link    string   // to the report; may be empty
}

// At is the moment of a report.
func At(r view.Report, link string) Moment {
	m := Moment{Domain: r.Domain, At: r.CheckedAt.UTC(), Link: link, State: "no letter"}
	m.ID = ID(r.Domain, r.CheckedAt)
	if r.Grade != nil {
		m.State = State(r.Grade.Letter, r.Grade.Provisional, r.Grade.Broken)
	}
	for _, d := range r.Differences() {
		line := fmt.Sprintf("%s: %s → %s", strings.TrimSpace(d.What+" "+d.Place), cmp.Or(d.Before, "none"), cmp.Or(d.After, "none"))
		m.Changes = append(m.Changes, report.Clean(line, maxLine))
	}
	if more := len(m.Changes) - maxChanges; more > 0 {
		m.Changes = append(m.Changes[:maxChanges], fmt.Sprintf("and %d more", more))
	}
	return m
}

const (
	maxChanges = 30  // of one moment
	maxLine    = 300 // octets of one change
)

// ID is that of the moment of a report.
func ID(domain string, at time.Time) string {
	return fmt.Sprintf("tag:%s,%s:mxseal/%s", domain, at.UTC().Format("2006-01-02"), at.UTC().Format("150405"))
}

// State is the line of a letter, with the promises that stop honest mail.
func State(letter report.Letter, provisional bool, broken []report.Promise) string {
	state := string(letter)
	if provisional {
		state += " (provisional)"
	}
	for _, b := range broken {
		state += ", " + cmp.Or(promiseNames[b], string(b)) + " is broken"
	}
	return state
}

var promiseNames = map[report.Promise]string{report.PromiseDANE: "DANE", report.PromiseSTS: "MTA-STS", report.PromiseDNSSEC: "DNSSEC"}

// maxEntries bounds the entries of a feed.
const maxEntries = 100

// Feed writes moments, newest first. One of which nothing is new, neither state nor anything that came
// or went, has no entry. self is where the feed stands, page what it is about.
func Feed(title, self, page string, list []Moment) []byte {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Moment) int { return b.At.Compare(a.At) })
	feed := &feeds.AtomFeed{Xmlns: "http://www.w3.org/2005/Atom", Title: title, Id: self, Updated: time.Time{}.Format(time.RFC3339),
		Link: &feeds.AtomLink{Href: cmp.Or(page, self), Rel: "alternate"}, Author: &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: "mxseal"}}}
	if len(list) > 0 {
		feed.Updated = list[0].At.Format(time.RFC3339)
		feed.Subtitle = "Last looked at on " + list[0].At.Format("2006-01-02 15:04") + " UTC"
	}
	for i, m := range list {
		older := slices.IndexFunc(list[i+1:], func(o Moment) bool { return o.Domain == m.Domain })
		if older >= 0 && list[i+1+older].State == m.State && len(m.Changes) == 0 {
			continue
		}
		if len(feed.Entries) < maxEntries {
			feed.Entries = append(feed.Entries, entry(m))
		}
	}
	text, err := feeds.ToXML(feed)
	if err != nil {
		panic("follow: " + err.Error()) // strings always encode
	}
	return []byte(text + "\n")
}

func entry(m Moment) *feeds.AtomEntry {
	e := &feeds.AtomEntry{Title: m.Domain + ": " + m.State, Id: m.ID, Updated: m.At.Format(time.RFC3339)}
	text := "<p>" + html.EscapeString(m.State) + "</p>"
	if len(m.Changes) > 0 {
		text += "<ul>"
		for _, c := range m.Changes {
			text += "<li>" + html.EscapeString(c) + "</li>"
		}
		text += "</ul>"
	}
	e.Content = &feeds.AtomContent{Type: "html", Content: text}
	if m.Link != "" {
		e.Links = []feeds.AtomLink{{Href: m.Link, Rel: "alternate"}}
	}
	return e
}

// Read reads the moments of a feed that Feed wrote, so that it can go on.
func Read(data []byte) ([]Moment, error) {
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		Entries []struct {
			Title   string    `xml:"title"`
			ID      string    `xml:"id"`
			Updated time.Time `xml:"updated"`
			Content string    `xml:"content"`
			Link    struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(data, &feed); err != nil {
		return nil, fmt.Errorf("this is no Atom feed: %w", err)
	}
	var list []Moment
	for _, e := range feed.Entries {
		domain, state, _ := strings.Cut(e.Title, ": ")
		m := Moment{ID: e.ID, Domain: domain, At: e.Updated, State: state, Link: e.Link.Href}
		_, items, _ := strings.Cut(e.Content, "<ul>")
		for _, line := range strings.Split(items, "<li>")[1:] {
			line, _, _ = strings.Cut(line, "</li>")
			m.Changes = append(m.Changes, html.UnescapeString(line))
		}
		list = append(list, m)
	}
	return list, nil
}
