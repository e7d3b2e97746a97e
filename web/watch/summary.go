package watch

import (
	"time"

	"mxseal/web/store"
)

// Summary is a watch as programs read it, with what was told, the last first. The secret of a webhook is not in it.
type Summary struct {
	Domain   string    `json:"domain"`
	Target   string    `json:"target"`
	Made     time.Time `json:"made"`
	Next     time.Time `json:"next"` // look at the domain
	Messages []message `json:"messages"`
}

type message struct {
	ID      string    `json:"id"`
	Made    time.Time `json:"made"`
	Sent    time.Time `json:"sent,omitzero"` // to the target
	Tries   int       `json:"tries,omitempty"`
	GivenUp bool      `json:"given_up,omitempty"`
	Error   string    `json:"error,omitempty"`  // of the last try
	Report  string    `json:"report,omitempty"` // address of the report
	Events  []event   `json:"events,omitempty"` // none in the message that asked to confirm
}

// Summarize makes the summary of a watch.
func (w *Watches) Summarize(one store.Watch, messages []Told) Summary {
	s := Summary{Domain: one.Domain, Target: one.Target, Made: one.Made, Next: one.Next, Messages: make([]message, 0, len(messages))}
	for _, t := range messages {
		m := message{ID: t.ID, Made: t.Made, Sent: t.Sent, Tries: t.Tries, GivenUp: t.GivenUp, Error: t.Error, Events: inWords(t.Events, one.Domain)}
		if t.Report != "" {
			m.Report = w.cfg.BaseURL + "/report/" + t.Report
		}
		s.Messages = append(s.Messages, m)
	}
	return s
}
