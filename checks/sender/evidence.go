package sender

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Evidence is what was seen of one sender in one test. It is kept as JSON.
type Evidence struct {
	ID      string          `json:"id"`
	Zone    string          `json:"zone"`              // A-label, without a final dot
	Began   time.Time       `json:"began"`             //
	Ends    time.Time       `json:"ends"`              // when the traps close; earlier where the visitor has closed them
	Domains map[Trap]string `json:"domains"`           // the mail domain of each trap that was offered
	Missing []Trap          `json:"missing,omitempty"` // traps that this instance does not offer

	Questions []Question `json:"questions,omitempty"` // in the order in which they came, as the next two
	Fetches   []Fetch    `json:"fetches,omitempty"`
	Sessions  []Session  `json:"sessions,omitempty"`
	Cut       bool       `json:"cut,omitempty"` // more came than is kept

	RUA     string   `json:"rua,omitempty"` // where TLS reports about the test go (RFC 8460 §3); empty where none are taken
	Reports []Report `json:"reports,omitempty"`
}

// Report is a TLS report about one of the traps, until Reported after the end of the test.
type Report struct {
	At   time.Time `json:"at"`             // when it came
	From string    `json:"from,omitempty"` // who says that it sent the mail and reports; cleaned
}

// Reported is how long reports are waited for. Most senders report once a day (RFC 8460 §4.1).
const Reported = 48 * time.Hour

// Reporting are the traps whose domains ask for reports. Their names are lent to nobody else.
var Reporting = []Trap{Plain, Broken, DANEBad}

// Subject is what a question of a resolver was about.
type Subject string

const (
	AboutMX      Subject = "mx"      // the mail servers of the domain
	AboutAddress Subject = "address" // of the mail server
	AboutTLSA    Subject = "tlsa"    // its TLSA records
	AboutRecord  Subject = "record"  // the MTA-STS record of the domain
	AboutHost    Subject = "host"    // the address of its policy host
	AboutReports Subject = "reports" // where reports go
)

// Question is one that a resolver asked. Questions that it asks only on its way down are none.
type Question struct {
	At    time.Time  `json:"at"`
	Trap  Trap       `json:"trap"`
	About Subject    `json:"about"`
	From  netip.Addr `json:"from"` // of the resolver
}

const recent = 10 * time.Second // between a question for an address and the conversation with it

// JustBefore reports whether a question for an address was asked so shortly before a conversation that it was for it.
func JustBefore(question, conversation time.Time) bool {
	return !question.After(conversation) && conversation.Sub(question) <= recent
}

// Fetch is one of a policy file.
type Fetch struct {
	At   time.Time  `json:"at"`
	Trap Trap       `json:"trap"`
	From netip.Addr `json:"from"`
}

// Session is one conversation with one of our mail servers.
type Session struct {
	At    time.Time  `json:"at"`
	Over  time.Time  `json:"over,omitzero"` // zero while it goes on
	From  netip.Addr `json:"from"`
	Port  uint16     `json:"port"` // of the sender: it tells conversations apart
	To    Manner     `json:"to"`
	Named Trap       `json:"named,omitempty"` // by the address it was made to, or the name in its TLS hello

	EHLO      string    `json:"ehlo,omitempty"` // cleaned
	STARTTLS  bool      `json:"starttls,omitempty"`
	Hello     *Hello    `json:"hello,omitempty"`     // of TLS, once it came
	Version   uint16    `json:"version,omitempty"`   // of TLS, once it was agreed
	Certified bool      `json:"certified,omitempty"` // the sender has shown a certificate of its own
	Messages  []Message `json:"messages,omitempty"`
	Habits    []Habit   `json:"habits,omitempty"`
}

// Beside reports whether two conversations are likely of one sender: they came from one network, or under names
// of one house.
func (s *Session) Beside(other *Session) bool {
	house := Site(s.EHLO)
	return Network(s.From) == Network(other.From) || house != "" && house == Site(other.EHLO)
}

// sent reports whether a message came in it up to a moment.
func (s *Session) sent(until time.Time) bool {
	return slices.ContainsFunc(s.Messages, func(m Message) bool { return m.Sent && !m.At.After(until) })
}

// Message is one recipient of a conversation.
type Message struct {
	At     time.Time `json:"at"`
	Trap   Trap      `json:"trap"`
	Secure bool      `json:"secure"`         // inside TLS
	Sent   bool      `json:"sent,omitempty"` // its text came, too
	From   string    `json:"from,omitempty"` // domain of the sender; cleaned
}

// Habit is something by which one mail server can be told from others.
type Habit string

const (
	SaysORCPT Habit = "orcpt" // RCPT has ORCPT=rfc822;…, unasked
	SaysSIZE  Habit = "size"  // MAIL has SIZE=
	SaysBODY  Habit = "body"  // MAIL has BODY=
	SaysBDAT  Habit = "bdat"  // the text comes by BDAT
	SaysAUTH  Habit = "auth"  // MAIL has AUTH=
	Stays     Habit = "stays" // it says nothing for a while after a message, in case there is another one
)

// Hello is what a TLS hello offers; numbers are those of IANA's registries.
type Hello struct {
	Versions []uint16 `json:"versions,omitempty"`
	Suites   []uint16 `json:"suites,omitempty"`
	Groups   []uint16 `json:"groups,omitempty"`
	SNI      bool     `json:"sni,omitempty"` // it names the server
}

// latest is when something was last seen of the sender up to a moment.
func (e *Evidence) latest(until time.Time) time.Time {
	var last time.Time
	later := func(at time.Time) {
		if at.After(last) && !at.After(until) {
			last = at
		}
	}
	for _, q := range e.Questions {
		if q.About != AboutReports {
			later(q.At)
		}
	}
	for _, f := range e.Fetches {
		later(f.At)
	}
	for _, s := range e.Sessions {
		later(s.At)
		later(s.Over)
	}
	return last
}

// Network is the /24 or /48 of an address: servers of one sender often share it.
func Network(a netip.Addr) netip.Prefix {
	bits := 48
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p
}

// Site is the end of a host name that its house has in common, empty where there is none.
func Site(name string) string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	if len(labels) < 3 || strings.HasPrefix(name, "[") {
		return ""
	}
	return strings.Join(labels[1:], ".")
}
