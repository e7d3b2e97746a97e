// Package report holds what mxseal saw of a mail domain and what it concluded.
//
// It is the leaf that every other package speaks: evidence (what was seen, without
// opinion), findings (which rules applied) and the grade. Its JSON form is public;
// names are added, never changed. Text that came from strangers is cleaned before it
// is put in here (see Clean) and still has to be escaped on output.
//
// The files: a report is meta.go, evidence.go and conclusions.go. Below the evidence stand mx.go, smtp.go,
// shown.go, tls.go, certificate.go, path.go, tlsa.go, dnssec.go, trust.go, witness.go, authority.go,
// mtasts.go, tlsrpt.go and past.go; below the conclusions finding.go, action.go and fix.go. Closed
// vocabularies are named types with constants: beside what they are about, and in kind.go, cause.go and
// says.go (what was met), says_records.go (what owners write wrongly) and says_findings.go (what a rule says
// one way or another), whose codes statement.go fills. All others ask something of that data: what it may weigh
// (fit.go, abridge.go, once.go), what of it is certain or ours (sure.go, failure.go, question.go), and how it
// comes in (clean.go, foreign.go).
package report

const (
	Schema   = 1 // of the JSON form
	RulesSet = 1 // version of the rule catalogue
)

// Report is one check of one domain: which check it was, what it saw, and what follows from
// that. Times are UTC; what was not looked at is absent.
type Report struct {
	Meta
	Evidence
	Conclusions
}

// Observed is all that is judged: which check it was and what it saw, without a conclusion.
type Observed struct {
	Meta
	Evidence
}

// Observed returns what the report was judged by.
func (r *Report) Observed() Observed { return Observed{r.Meta, r.Evidence} }

// Say writes the sentences of the evidence, made of its statements. One that an older version wrote
// stays.
func (o Observed) Say(words Words) {
	w := speech{words, !o.Coded}
	for i := range o.Conditions {
		if c := &o.Conditions[i]; c.Made() { // they have had statements for less long than the evidence
			w.say(c.Statement, &c.Text)
		}
	}
	o.Evidence.say(w)
}
