package templates

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/sender"
)

// Senders is the page on which the test of a sending server begins.
type Senders struct {
	Missing []string // titles of traps that this instance does not offer
	Problem string   // why no test has begun
}

// SenderTest is one test: its addresses while it runs, and what is known of the sender.
type SenderTest struct {
	Evidence *sender.Evidence
	*sender.Verdict
	Addresses []string
	Running   bool
	Quiet     string // why nothing may have come; empty where something has
}

// mailto is a link that writes one message to all addresses.
func (t SenderTest) mailto() string {
	return "mailto:" + strings.Join(t.Addresses, ",") + "?subject=" + url.PathEscape("Test of my mail server") + "&body=" + url.PathEscape("One line is enough.")
}

// deadline is when the traps close, for people.
func (t SenderTest) deadline() string { return t.Evidence.Ends.Format("15:04:05") + " UTC" }

// trapRow is one line of the table of traps.
type trapRow struct {
	sender.Design
	Icon, Word, Note string
}

var fateWords = map[sender.Fate]string{
	sender.NotOffered: "not offered here", sender.Unseen: "nothing yet", sender.Waiting: "waiting",
	sender.InClear: "sent unencrypted", sender.Encrypted: "sent encrypted", sender.Refused: "not sent",
}

// traps are the lines of the table.
func (t SenderTest) traps() []trapRow {
	rows := make([]trapRow, 0, len(sender.Designs))
	for _, d := range sender.Designs {
		o := t.View.Of(d.Trap)
		row := trapRow{Design: d, Word: fateWords[o.Fate]}
		switch {
		case !o.Fate.Settled():
			row.Icon = "waiting"
			if !t.Running && o.Fate != sender.NotOffered {
				row.Word, row.Icon = "not decided", "untested"
			}
			if o.Late {
				row.Note = "The message came before the policy was read. Send a second message to decide this one."
			}
		default:
			row.Icon = string(sender.Worst(t.Findings, d.Trap))
		}
		if o.Proof == sender.BySilence {
			row.Note = "It asked for what it needed, and asked nothing more while it sent to others."
		}
		rows = append(rows, row)
	}
	return rows
}

// second reports whether a second message would decide something.
func (t SenderTest) second() bool {
	return t.Running && slices.ContainsFunc(sender.Designs, func(d sender.Design) bool {
		o := t.View.Of(d.Trap)
		return o.Late && !o.Fate.Settled()
	})
}

// sentences are what each row of senders means for mail.
var rowSentences = map[sender.Row]string{
	sender.RowUnknown:  "Nothing is known of this server yet.",
	sender.RowClear:    "Everybody on the way can read the mail that this server sends.",
	sender.RowOrdinary: "Eavesdroppers can’t read the mail that this server sends, but an active attacker can take it.",
	sender.RowEncrypts: "This server never sends unencrypted, but it verifies nobody: an active attacker can take the mail.",
	sender.RowPKIX:     "This server verifies every certificate. An attacker who forges DNS answers can still take the mail.",
	sender.RowDomain:   "This server verifies every certificate for the domain of the recipient.",
	sender.RowMTASTS:   "This server checks MTA-STS: mail to domains with a policy can’t be taken on the way.",
	sender.RowStrict:   "This server checks DANE: mail to domains with DANE can’t be taken, not even with forged DNS.",
	sender.RowLenient:  "This server checks DANE: mail to domains with DANE can’t be taken, not even with forged DNS.",
	sender.RowDANEOnly: "This server sends only to domains with DANE. That is safe, and much mail can’t be delivered.",
	sender.RowBoth:     "This server checks DANE and MTA-STS: mail to domains that promise security can’t be taken.",
}

var rowTitles = map[sender.Row]string{
	sender.RowUnknown: "not known yet", sender.RowClear: "no encryption", sender.RowOrdinary: "ordinary: encrypts where it can, verifies nobody",
	sender.RowEncrypts: "encrypts always, verifies nobody", sender.RowPKIX: "trusted certificate for the mail server", sender.RowDomain: "trusted certificate for the mail domain",
	sender.RowMTASTS: "MTA-STS", sender.RowStrict: "DANE, strict", sender.RowLenient: "DANE, lenient", sender.RowDANEOnly: "DANE or nothing", sender.RowBoth: "DANE and MTA-STS",
}

// headline is the first sentence of the page.
func (t SenderTest) headline() string {
	switch {
	case t.Grade.Letter == report.LetterT && t.Running:
		return "Waiting for your message"
	case t.Grade.Letter == report.LetterT:
		return "The test ended before anything was known"
	}
	if len(t.Grade.Because) > 0 {
		f := sender.Finding{ID: t.Grade.Because[0]}
		return f.Rule().Title + "."
	}
	return rowSentences[t.Grade.Row]
}

// who names the server that was tested.
func (t SenderTest) who() string {
	var names []string
	for _, s := range t.Evidence.Sessions {
		if !slices.Contains(t.View.Clients, s.From) || s.EHLO == "" {
			continue
		}
		if name := s.EHLO + " [" + s.From.String() + "]"; !slices.Contains(names, name) && len(names) < 5 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// plan is what to do: the fixes of findings, each once, the most important first.
func (t SenderTest) plan() []senderFix {
	var list []senderFix
	for _, v := range []report.Verdict{report.Fail, report.Warn, report.Info} {
		for _, f := range t.Findings {
			r := f.Rule()
			if r.Verdict != v || r.Fix == "" || slices.ContainsFunc(list, func(s senderFix) bool { return s.Fix == r.Fix }) {
				continue
			}
			list = append(list, senderFix{r.Fix, r.Title, sender.Steps(r.Fix, t.Software)})
		}
	}
	return list
}

type senderFix struct {
	Fix   sender.Fix
	Title string
	Steps []sender.Step
}

// line is a text to put under a signature.
func (t SenderTest) line() string {
	return fmt.Sprintf("This mail server verifies whom it sends to (%s, %s).", rowTitles[t.Grade.Row], t.Evidence.Began.Format("2 January 2006"))
}

// Verifies reports whether the sender holds domains to a promise.
func (t SenderTest) Verifies() bool {
	return t.Facts.DANE == sender.Yes || t.Facts.MTASTS == sender.Yes
}

// SenderBadge is what a badge says of a sender.
type SenderBadge struct {
	Says  string
	Day   string // of the test
	Color string // #rrggbb, dark enough for white text
}

func (b SenderBadge) text() string { return b.Says + " · " + b.Day }
