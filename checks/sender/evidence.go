package sender

import (
	"net/netip"
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
}

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
)

// Hello is what a TLS hello offers; numbers are those of IANA's registries.
type Hello struct {
	Versions []uint16 `json:"versions,omitempty"`
	Suites   []uint16 `json:"suites,omitempty"`
	Groups   []uint16 `json:"groups,omitempty"`
	SNI      bool     `json:"sni,omitempty"` // it names the server
}
