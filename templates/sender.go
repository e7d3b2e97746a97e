package templates

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/checks/view"
)

// Senders is the page on which the test of a sending server begins.
type Senders struct {
	Missing   []string // titles of traps that this instance does not offer
	Problem   string   // why no test has begun
	Simulated bool     // senders can be let loose
}

// SenderTest is one test: its addresses while it runs, and what is known of the sender.
type SenderTest struct {
	Evidence *sender.Evidence
	*sender.Verdict
	Addresses []string
	Running   bool
	Quiet     string          // why nothing may have come; empty where something has
	Simulated []SimulatedKind // that can be let loose; none outside the lab, or once something has come
	Base      string          // scheme and host of the site
}

// SimulatedKind is a kind of sender that the lab has.
type SimulatedKind struct{ ID, Title string }

// mailto is a link that writes one message to all addresses.
func (t SenderTest) mailto() string {
	return "mailto:" + strings.Join(t.Addresses, ",") + "?subject=" + url.PathEscape("Test of my mail server") + "&body=" + url.PathEscape("One line is enough.")
}

// deadline is when the traps close, for people.
func (t SenderTest) deadline() string { return t.Evidence.Ends.Format("15:04:05") + " UTC" }

// trapRow is one line of the table of traps.
type trapRow struct {
	sender.Design
	State string // a symbol
	Text  string
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
		row := trapRow{Design: d, State: string(t.Mark(d.Trap)), Text: fateWords[o.Fate]}
		switch {
		case o.Fate.Settled() && o.Proof == sender.BySilence:
			row.Text = "not sent, it fell silent"
		case o.Fate.Settled():
		case o.Fate == sender.NotOffered:
			row.State = "none"
		case !t.Running:
			row.State, row.Text = "untested", "not decided"
		case o.Late:
			row.State, row.Text = "waiting", "send a second message"
		default:
			row.State = "waiting"
		}
		rows = append(rows, row)
	}
	return rows
}

// TrapStep is what became of a trap, as the page of a running test is told of it: in the form of the stages
// of a check.
type TrapStep struct {
	Stage sender.Trap `json:"stage"`
	State string      `json:"state"`
	Text  string      `json:"text"`
	Done  int         `json:"done"`
	Total int         `json:"total"`
	Say   string      `json:"say,omitempty"` // worth reading out
}

// Steps are those of all traps.
func (t SenderTest) Steps() []TrapStep {
	var list []TrapStep
	for _, row := range t.traps() {
		s := TrapStep{Stage: row.Trap, State: row.State, Text: row.Text, Done: t.Decided, Total: t.Offered}
		if t.View.Of(row.Trap).Fate.Settled() {
			s.Say = row.Title + ": " + row.Text
		}
		list = append(list, s)
	}
	return list
}

// Shows names what the page shows beside its traps: one that shows something else has to be loaded again.
func (t SenderTest) Shows() string {
	sum := fnv.New64a()
	fmt.Fprint(sum, t.Running, t.Grade, t.Software, t.who(), t.second(), t.Quiet, len(t.Simulated), t.came(), t.complete())
	for _, fix := range t.plan() {
		fmt.Fprint(sum, fix.Fix)
	}
	return fmt.Sprintf("%016x", sum.Sum64())
}

// came reports whether a message has come.
func (t SenderTest) came() bool { return len(t.View.Clients) > 0 }

// complete reports whether nothing is left to decide.
func (t SenderTest) complete() bool { return !t.Running || t.Decided == t.Offered }

// second reports whether a second message would decide something.
func (t SenderTest) second() bool { return t.Running && t.View.Again() }

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
	sender.RowUnknown: "is not known yet", sender.RowClear: "never encrypts", sender.RowOrdinary: "encrypts where it can, verifies nobody",
	sender.RowEncrypts: "encrypts always, verifies nobody", sender.RowPKIX: "wants a trusted certificate for the mail server", sender.RowDomain: "wants a trusted certificate for the mail domain",
	sender.RowMTASTS: "checks MTA-STS", sender.RowStrict: "checks DANE, strictly", sender.RowLenient: "checks DANE, leniently", sender.RowDANEOnly: "sends only where there is DANE", sender.RowBoth: "checks DANE and MTA-STS",
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

// plan is what to do.
func (t SenderTest) plan() []senderFix {
	var list []senderFix
	for _, f := range sender.Plan(t.Findings) {
		r := f.Rule()
		list = append(list, senderFix{r.Fix, r.Title, sender.Steps(r.Fix, t.Software)})
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
	return fmt.Sprintf("This mail server verifies whom it sends to: it %s (tested %s).\n%s", rowTitles[t.Grade.Row], view.Day(t.Evidence.Began), t.page())
}

func (t SenderTest) page() string { return t.Base + "/sender/" + t.Evidence.ID }

// html is the badge for a signature or a page.
func (t SenderTest) html() string {
	w, h := t.Badge().Size()
	return fmt.Sprintf(`<a href="%[1]s"><img src="%[1]s/badge@2x.png" width="%[2]d" height="%[3]d" alt="%[4]s"></a>`, t.page(), w, h, t.Badge().Text())
}

// kept reports whether the sender holds domains to a promise, or to their name.
func (t SenderTest) kept() bool {
	return t.Facts.DANE == sender.Yes || t.Facts.MTASTS == sender.Yes || t.Grade.Row == sender.RowDomain
}

// Verifies reports whether others can be told that the sender verifies: the test has ended, and has proved it.
func (t SenderTest) Verifies() bool { return !t.Running && t.kept() && !t.Grade.Letter.Worse("B") }

// Badge is what the badge says: nothing of a test that goes on, and no more than is proved.
func (t SenderTest) Badge() SenderBadge {
	b := SenderBadge{Says: "not known", Day: view.Day(t.Evidence.Began)}
	switch {
	case t.Running:
		b.Says, b.Day = "being tested", ""
	case t.Verifies():
		b.Says, b.Letter = "verifies", t.Grade.Letter
	case t.kept():
		b.Says, b.Letter = "can be fooled", t.Grade.Letter
	case t.Facts.Encrypts == sender.No, t.Facts.DANE == sender.No && t.Facts.MTASTS == sender.No:
		b.Says, b.Letter = "does not verify", t.Grade.Letter
	}
	return b
}

// SenderBadge is what a badge says of a sender.
type SenderBadge struct {
	Says   string
	Day    string        // of the test; empty where there is no result
	Letter report.Letter // whose colour it has
	Color  string        // #rrggbb, dark enough for white text
}

// SenderLabel is what every such badge is about, SenderLabelWidth its left part.
const (
	SenderLabel      = "sending"
	SenderLabelWidth = 62
)

// Size is that of every such badge, in pixels.
func (SenderBadge) Size() (width, height int) { return 240, 20 }

// Message is the right part.
func (b SenderBadge) Message() string {
	if b.Day == "" {
		return b.Says
	}
	return b.Says + " · " + b.Day
}

// Text is the badge in words.
func (b SenderBadge) Text() string { return "This mail server, when it sends: " + b.Message() }

// reports says whether the server reports failures; nothing where it was not asked to.
func (t SenderTest) reports() string {
	switch {
	case !t.View.Reported.IsZero():
		return "A TLS report about this test came on " + t.View.Reported.Format("2 January 2006") + "."
	case t.Evidence.RUA == "" || t.Running || !t.came() || t.Facts.Reports == sender.No: // a finding says that none came
		return ""
	}
	return "Whether your server reports failures (TLS-RPT) is known 48 hours after the test."
}
