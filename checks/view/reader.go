package view

import (
	"slices"
	"strings"

	"mxseal/checks/grade"
	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
)

// Origin is what somebody sends from.
type Origin struct {
	ID, Name string
	Does     string // what it makes sure of when it sends
	Source   string // of that; empty where it claims nothing
	AsOf     string

	row report.Sender // of the matrix
}

// UnknownOrigin is the id for those who do not know what they send from.
const UnknownOrigin = "unknown"

// Origins are all that a reader can choose from.
var Origins = origins()

func origins() (list []Origin) {
	for _, s := range provider.Senders {
		o := Origin{ID: s.ID, Name: s.Name, Source: s.Source, AsOf: s.AsOf}
		o.row, o.Does = rowOf(s)
		list = append(list, o)
	}
	return list
}

// OriginOf returns the origin of an id.
func OriginOf(id string) (Origin, bool) {
	i := slices.IndexFunc(Origins, func(o Origin) bool { return o.ID == id })
	if i < 0 {
		return Origin{}, false
	}
	return Origins[i], true
}

// rowOf is the row of the matrix that stands for a sender, and what it does in words.
func rowOf(s provider.Sender) (report.Sender, string) {
	switch s.Checks {
	case provider.DANE:
		return grade.S2, "checks DANE where the domain and its mail servers are signed"
	case provider.DANELenient:
		return grade.S2L, "checks DANE wherever the mail servers are signed"
	case provider.MTASTS:
		return grade.S3, "checks MTA-STS"
	case provider.Both:
		return grade.S6, "checks DANE, and MTA-STS where there is no DANE"
	case provider.Enforced:
		return grade.S4, "insists on a public certificate"
	}
	if s.OldTLS {
		return grade.S1L, "encrypts where it can, and checks nothing"
	}
	return grade.S1, "encrypts where it can, and checks nothing"
}

// Answer says what becomes of a mail that somebody writes to the domain.
type Answer struct {
	From     Origin
	Outcome  string         // one of AnswerOutcomes
	Verdict  report.Verdict // how good that is for who writes
	Sentence string
	Row      []Reading // one an attacker; nil where the report has no table
}

// AnswerOutcomes are what may become of a mail, best first. Programs know them by these words.
var AnswerOutcomes = []string{"protected", "encrypted", "unencrypted", "diverted", "not-delivered", "no-mail", "unknown"}

// Reading is a cell of the matrix for who writes: what an attacker does, and what comes of it.
type Reading struct {
	Attack  string
	Word    string // as in the table of senders
	Outcome report.Outcome
	Mark    Mark
}

// longName is how long a domain may be that a sentence names.
const longName = 40

// To says what becomes of a mail from there to the domain.
func (r Report) To(from Origin) Answer {
	a := Answer{From: from}
	name := r.Name()
	if len(name) > longName {
		name = "this domain"
	}
	cells := r.Matrix[from.row]
	if len(cells) == 0 || r.Grade == nil || !r.Grade.Letter.Valid() {
		a.Outcome, a.Verdict, a.Sentence = r.noAnswer(name)
		return a
	}
	for _, t := range readings {
		word, mark := said(t.id, cells)
		a.Row = append(a.Row, Reading{t.does, word, cells[t.id], mark})
	}
	var rest string
	a.Outcome, a.Verdict, rest = r.fate(from, cells)
	if from.ID == UnknownOrigin {
		a.Sentence = "If you write to " + name + ", " + rest
	} else {
		a.Sentence = "If you write to " + name + " from " + from.Name + ", " + rest
	}
	return a
}

// noAnswer is for a domain without a table of senders.
func (r Report) noAnswer(name string) (outcome string, v report.Verdict, sentence string) {
	var reason report.Reason
	if r.Grade != nil {
		reason = r.Grade.Reason
	}
	switch {
	case r.Letter() == report.LetterN:
		return "no-mail", report.Info, "Mail to " + name + " comes back to you: the domain takes no mail."
	case reason == report.DoesNotExist:
		return "not-delivered", report.Fail, "Mail to " + name + " comes back to you: there is no such domain."
	case reason == report.Undeliverable:
		return "not-delivered", report.Fail, "Mail to " + name + " comes back to you: none of its mail servers can be found."
	}
	return "unknown", report.Untested, "We do not know what happens to mail to " + name + ": its mail servers could not be tested."
}

// fate is what a row comes to, and how a sentence ends that says so.
func (r Report) fate(from Origin, c map[report.Attacker]report.Outcome) (outcome string, v report.Verdict, rest string) {
	who := from.subject()
	safe := func(attackers ...report.Attacker) bool {
		return !slices.ContainsFunc(attackers, func(a report.Attacker) bool { return c[a] != report.Auth && c[a] != report.Defer })
	}
	switch guarded := c[grade.A0] == report.Auth && safe(grade.A1, grade.A2, grade.A3); {
	case r.caps("F") && !(guarded && safe(grade.A4)):
		return "diverted", report.Fail, "your mail may end up with a stranger: it depends on a name that does not exist and that anyone may be able to register."
	case c[grade.A0] == report.Defer:
		return "not-delivered", report.Fail, "your mail is not delivered: " + undelivered(from, who)
	case c[grade.A0] == report.Clear:
		return "unencrypted", report.Fail, "your mail is sent unencrypted, and anyone on the way can read it."
	case c[grade.A1] == report.Clear:
		return "unencrypted", report.Fail, "some of your mail may be sent unencrypted: one of the mail servers has no encryption that " + who + " can use."
	case guarded && r.caps("E", "D", "C"):
		return "encrypted", report.Warn, "your mail is encrypted, and " + who + " checks who receives it, but a known fault of the mail servers helps an attacker to get around that."
	case guarded && safe(grade.A4, grade.A5):
		return "protected", report.Pass, "your mail is encrypted, and " + who + " makes sure that the right server receives it."
	case guarded && safe(grade.A4):
		return "protected", report.Pass, "your mail is encrypted, and " + who + " makes sure that the right server receives it; only a wrongly issued certificate could deceive it."
	case guarded:
		return "protected", report.Pass, "your mail is encrypted, and " + who + " checks the server’s certificate; only forged DNS answers or a wrongly issued certificate could deceive it."
	}
	return "encrypted", report.Warn, "your mail is encrypted on the way, but an active attacker can intercept it: " + r.unchecked(from, who)
}

// subject is the origin as the subject of a sentence.
func (o Origin) subject() string {
	if o.ID == UnknownOrigin {
		return "your mail server"
	}
	name := o.Name
	for _, more := range []string{" as ", " with ", " ("} {
		name, _, _ = strings.Cut(name, more)
	}
	return name
}

// undelivered says why a sender holds mail back though nobody attacks.
func undelivered(from Origin, who string) string {
	switch from.row {
	case grade.S1, grade.S1L:
		return "the mail servers insist on encryption, and offer none that " + who + " can use."
	case grade.S4:
		return "the mail servers have no public certificate for their names, and " + who + " insists on one."
	}
	return "what the domain publishes and what its mail servers show do not fit together, and " + who + " checks that."
}

// unchecked says why nothing stops an active attacker.
func (r Report) unchecked(from Origin, who string) string {
	best := r.Matrix[grade.S6]
	offered := best[grade.A0] == report.Auth && best[grade.A3] == report.Defer
	switch checks := from.row != grade.S1 && from.row != grade.S1L; {
	case from.ID == UnknownOrigin && offered:
		return "only senders that check what the domain publishes are protected."
	case from.ID == UnknownOrigin:
		return "the domain has nothing in force against that."
	case checks && offered:
		return who + " does not check the kind of protection that the domain has."
	case checks:
		return "the domain has nothing in force that " + who + " checks."
	case offered:
		return who + " does not check the protection that the domain has."
	}
	return "neither the domain nor " + who + " does anything against that."
}

// caps reports whether a finding holds the letter down at one of these.
func (r Report) caps(letters ...report.Letter) bool {
	return slices.ContainsFunc(r.Findings, func(f report.Finding) bool {
		return slices.ContainsFunc(f.Effects, func(e report.Effect) bool {
			letter, ok := e.Cap()
			return ok && slices.Contains(letters, letter)
		})
	})
}

// readings are the attackers for who writes.
var readings = []struct {
	id   report.Attacker
	does string
}{
	{grade.A0, "No attack"},
	{grade.A1, "Someone listens"},
	{grade.A2, "Someone suppresses the encryption"},
	{grade.A3, "Someone pretends to be the mail server"},
	{grade.A4, "Someone forges DNS answers"},
	{grade.A5, "Someone has a wrongly issued certificate"},
}
