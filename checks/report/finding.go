package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Verdict is how a rule that applied is to be read (RULES section 0).
type Verdict string

const (
	Pass     Verdict = "pass"     // good, shown as a tick
	Info     Verdict = "info"     // a neutral fact, or an option nobody is obliged to take
	Warn     Verdict = "warn"     // works today but is fragile, obsolete or lacks a cheap protection
	Fail     Verdict = "fail"     // breaks a MUST, lets an attacker in, or stops honest mail
	Untested Verdict = "untested" // we could not find out; never a fail, never a pass
)

// Effect is one way a rule touches the grade, in the notation of the rule catalogue:
//
//	D.mxdns=secure   sets a fact of the domain
//	M.tls=no         sets a fact of the finding's host (and address, where it has one)
//	cap C            the best possible grade is C
//	noA+             the best possible grade is A
//	prov             the grade is provisional and cannot be A+
//	T, N             no grade: not testable, takes no mail
//	T does-not-exist the same for another Reason
type Effect string

const (
	NoAPlus     Effect = "noA+"
	Provisional Effect = "prov"
	NotTestable Effect = "T"
	NoMail      Effect = "N"
)

// Fact returns the fact that e sets and its value; ok is false for an effect of another kind.
func (e Effect) Fact() (name, value string, ok bool) {
	return strings.Cut(string(e), "=")
}

// Cap returns the letter that e caps the grade at; ok is false for an effect of another kind.
func (e Effect) Cap() (letter Letter, ok bool) {
	l, ok := strings.CutPrefix(string(e), "cap ")
	return Letter(l), ok
}

// Limits reports whether e keeps the letter from being better, whatever the facts are.
func (e Effect) Limits() bool {
	_, capped := e.Cap()
	return capped || e == NoAPlus
}

// NoGrade returns the letter that e leaves instead of a grade, and why; ok is false for an
// effect of another kind.
func (e Effect) NoGrade() (letter Letter, why Reason, ok bool) {
	switch e {
	case NotTestable:
		return LetterT, Untestable, true
	case NoMail:
		return LetterN, TakesNoMail, true
	}
	l, reason, ok := strings.Cut(string(e), " ")
	letter = Letter(l)
	return letter, Reason(reason), ok && (letter == LetterT || letter == LetterN)
}

// Rule is one row of the catalogue. Title, Text and FixText may hold {placeholders} for
// the domain, host and address of a finding and for its parameters.
type Rule struct {
	ID        string
	Title     string   // what was found, in plain words
	Verdict   Verdict  // the usual one; a finding may carry another where the rule says so
	Effects   []Effect // the usual ones; a finding may carry others where the rule leaves a value open
	Text      string   // what it means for the mail: who can now do what
	FixText   string   // the exact change, in a sentence; empty where nothing is to be done
	Reference string   // RFC and section

	Fix      Fix       // what can be done; NoFix where nothing can, empty where no letter depends on it
	Hosted   Fix       // what can where a provider runs the mail server, if that is something else
	Way      Way       // how the fix is made, if not in its usual way
	Settings []Setting // of the mail server that the fix makes
	Fixed    []Effect  // the facts that hold afterwards; nil where no fix moves the grade
	Opens    []Effect  // the facts that hold afterwards where Fixed is empty, since others decide whether that helps
}

// Rules is the part of the catalogue that one check owns.
type Rules []Rule

// Find returns the rule with that id. An unknown id is a mistake in the program and panics:
// no finding may exist without its row.
func (rs Rules) Find(id string) Rule { return *rs.row(id) }

func (rs Rules) row(id string) *Rule {
	for i := range rs {
		if rs[i].ID == id {
			return &rs[i]
		}
	}
	panic("report: no rule " + id)
}

// Finding is one rule that applied, the only currency between the checks and the grade.
// It stores the rule and its parameters; the sentences are made of them by the rules of today.
type Finding struct {
	Rule    string            `json:"rule"` // id, as in the page of its check
	Check   CheckID           `json:"check"`
	Verdict Verdict           `json:"verdict"`
	Host    string            `json:"host,omitempty"`    // mail exchanger that it is about; absent: the domain
	Address string            `json:"address,omitempty"` // of that host; absent: all
	Params  map[string]string `json:"params,omitempty"`  // what the sentences were filled with
	// Says are those parameters that are words of this program: what each says. In a report that is shown
	// the words themselves stand among the parameters.
	Says    map[string]Statement `json:"says,omitempty"`
	Detail  []string             `json:"detail,omitempty"`   // evidence lines: records, replies, digests
	Effects []Effect             `json:"effects,omitempty"`  // on the grade
	Fixed   []Effect             `json:"repaired,omitempty"` // effects in its place once it is fixed

	Title     string `json:"title,omitempty"`     // what was found, in plain words
	Text      string `json:"text,omitempty"`      // what it means for the mail; this and what follows is left out where very many findings of the rule stand before
	FixText   string `json:"remedy,omitempty"`    // what to change
	Reference string `json:"reference,omitempty"` // RFC and section
	Steps     []Step `json:"steps,omitempty"`     // what to do, ready to be copied
}

// Explain fills the finding's sentences from its rule, and the parameters that are words.
func (f *Finding) Explain(r Rule, domain string, words Words) {
	if len(f.Says) > 0 {
		params := make(map[string]string, len(f.Params)+len(f.Says)) // reports may share theirs
		maps.Copy(params, f.Params)
		for name, s := range f.Says {
			params[name] = short(words(s))
		}
		f.Params = params
	}
	value := func(name string) (string, bool) { return f.value(name, domain) }
	f.Title, f.Text, f.FixText = Fill(r.Title, value), Fill(r.Text, value), Fill(r.FixText, value)
	f.Reference = r.Reference
}

// Fill puts what is known into the {placeholders} of a text; what is put in is not looked
// at again.
func Fill(text string, of func(placeholder string) (value string, known bool)) string {
	head, rest, found := strings.Cut(text, "{")
	if !found {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 64)
	for ; found; head, rest, found = strings.Cut(rest, "{") {
		b.WriteString(head)
		name, after, closed := strings.Cut(rest, "}")
		value, known := of(name)
		if !closed || !known {
			b.WriteByte('{')
			continue
		}
		b.WriteString(value)
		rest = after
	}
	b.WriteString(head)
	return b.String()
}

func (f *Finding) value(name, domain string) (value string, known bool) {
	switch name {
	case "domain":
		return domain, true
	case "host":
		return f.Host, true
	case "address":
		return f.Address, true
	}
	if value, known = f.Params[name]; !known && name == "fix" {
		value, known = f.Params["mend"] // in reports stored before it was renamed
	}
	return value, known
}

// Judgement collects the findings of one check in the order they are made:
//
//	j := report.NewJudgement(ID, Rules)
//	j.Add("DAN-10").At(host.Name, address.IP).With("published", digest)
//	return j.Findings()
type Judgement struct {
	check CheckID
	rules Rules
	list  []*Finding
}

func NewJudgement(check CheckID, rules Rules) *Judgement {
	return &Judgement{check: check, rules: rules}
}

// Add notes that a rule applied, with its usual verdict and effects.
func (j *Judgement) Add(id string) *Finding {
	r := j.rules.row(id)
	f := &Finding{Rule: id, Check: j.check, Verdict: r.Verdict,
		Effects: slices.Clip(r.Effects), Fixed: slices.Clip(r.Fixed)} // those of the row: what is added makes a copy
	j.list = append(j.list, f)
	return f
}

func (j *Judgement) Findings() []Finding {
	out := make([]Finding, len(j.list))
	for i, f := range j.list {
		out[i] = *f
	}
	return out
}

// At says which host the finding is about and, unless address is empty, which of its addresses.
func (f *Finding) At(host, address string) *Finding {
	f.Host, f.Address = host, address
	return f
}

const (
	maxParam  = 600     // octets kept of a parameter
	maxDetail = 3 << 10 // octets, as JSON, of the lines of evidence of one finding
)

// With sets a parameter of the finding's sentences. The value must already be clean text.
func (f *Finding) With(key string, value any) *Finding {
	if f.Params == nil {
		f.Params = make(map[string]string)
	}
	text, plain := value.(string)
	if !plain {
		text = fmt.Sprint(value)
	}
	f.Params[key] = short(text)
	delete(f.Says, key)
	return f
}

func short(text string) string {
	if len(text) > maxParam {
		return cut(text, maxParam-len("…")) + "…"
	}
	return text
}

// Saying sets a parameter of the finding's sentences that is words of ours.
func (f *Finding) Saying(key string, s Statement) *Finding {
	if f.Says == nil {
		f.Says = make(map[string]Statement)
	}
	f.Says[key] = s
	delete(f.Params, key)
	return f
}

// As replaces the usual verdict, where the rule knows more than one.
func (f *Finding) As(v Verdict) *Finding {
	f.Verdict = v
	return f
}

// Setting replaces the usual effects, where the rule leaves a value open.
func (f *Finding) Setting(effects ...Effect) *Finding {
	f.Effects = effects
	return f
}

// Fixing replaces the facts that hold once the finding is fixed.
func (f *Finding) Fixing(effects ...Effect) *Finding {
	f.Fixed = effects
	return f
}

// Showing adds lines of evidence, as many as there is room for.
func (f *Finding) Showing(lines ...string) *Finding {
	room := maxDetail
	for _, l := range f.Detail {
		room -= Octets(l)
	}
	for i, l := range lines {
		if room -= Octets(l); room < 0 {
			f.Detail = append(f.Detail, fmt.Sprintf("and %d more", len(lines)-i))
			break
		}
		f.Detail = append(f.Detail, l)
	}
	return f
}
