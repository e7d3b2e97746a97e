// Package ask puts the questions to one TLS server behind STARTTLS: which versions, suites and
// groups it accepts, and what its answers tell on the side.
//
// What was learned so far (learned.go) chooses the next hello (hellos.go); the line that they go
// over is package probe. A question is a row of the plan: after what it comes, its hello, and what
// the answer teaches. Where each hello builds on the answer before, it is a row of hellos.
package ask

import (
	"cmp"
	"crypto/tls"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
	"mxseal/checks/tls/probe"
)

// question is one hello, or a row of them.
type question struct {
	name  string
	as    string                    // how its hello is called, where that is not its name
	after []string                  // milestones
	hello func(*look) *hello.Hello  // nil where there is nothing to ask
	learn func(*look, probe.Answer) // what its answer teaches beside what every answer does; may be nil
	row   func(*look)               // instead of hello: questions of which each builds on the answer before
}

// plan lists the questions, what is worth most first, and what each has to wait for.
var plan = []question{
	{name: all12, after: []string{"everything"}, row: (*look).tls12},
	{name: "TLS1.1-and-below", after: []string{answered12}, row: (*look).older},
	{name: "leftovers", after: []string{all12, "TLS1.1-and-below"}, row: (*look).leftovers},
	{name: "TLS1.3", row: func(l *look) { l.row(l.tls13) }},
	{name: "SSL2", after: []string{"TLS1.3"}, hello: (*look).ssl2, learn: (*look).noSSL2},
	{name: "other-key-type", after: []string{"TLS1.3", "leftovers"}, hello: (*look).otherKeyType},
	{name: "preference", after: []string{all12}, hello: (*look).order, learn: (*look).ordered},
	{name: "weak-hash", after: []string{all12}, hello: (*look).weakHash, learn: (*look).signed},
	{name: "curves", after: []string{"TLS1.3", all12}, row: (*look).curves},
	{name: "tolerance", after: []string{"TLS1.3", all12}, row: func(l *look) { l.tolerance() }},
	{name: "fallback", after: []string{"TLS1.1-and-below"}, hello: (*look).fallback, learn: (*look).fellBack},
	{name: "resumption", after: []string{"TLS1.3"}, hello: (*look).resume13, learn: (*look).resumed},
	{name: "older-resumption", as: "resumption", after: []string{"TLS1.3", all12}, hello: (*look).resumeOlder, learn: (*look).resumed},
}

// everything is the question that comes first: what a server chooses from all there is.
func everything(first *tls.ConnectionState) question {
	return question{name: "everything", hello: func(l *look) *hello.Hello { return l.best(first) },
		learn: func(l *look, a probe.Answer) { l.chose(first, a) }}
}

// Ask asks all that the depth asks for: at depth quick a hello at most. It never fails; what
// could not be asked stands in Probes as untested.
func Ask(line *probe.Line, s Server) (*report.TLS, []Seen) {
	l := newLook(line, s)
	l.ordinary(s)
	if s.Depth == report.Quick {
		if s.First == nil && s.Rung != "" {
			l.put(everything(nil))
		}
		if s.OtherKey {
			l.put(question{name: "other-key-type", hello: (*look).anotherKey})
		}
	} else {
		l.run(s)
	}
	l.tls.Probes, l.tls.FurtherChains = line.Probes, l.further
	return l.tls, l.seen
}

// run asks question after question. What was not reached, since the server or the budget
// put an end to it, is noted as untested.
func (l *look) run(s Server) {
	switch v := s.version(); {
	case v >= hello.TLS13:
		l.Permissive = l.usual()
	case v > 0:
		l.Permissive = l.classic(v, class.IDs(class.WeakestFirst(v)))
	}
	l.oddities.version = s.version()
	l.Run(l.stages(s.First))
	l.Assure()
	l.settleNameless()
}

// stages is the plan for a line; at full depth the last question is asked when all that is worth
// more has been.
func (l *look) stages(first *tls.ConnectionState) []probe.Stage {
	var stages []probe.Stage
	var before []string
	for _, q := range append([]question{everything(first)}, plan...) {
		stages = append(stages, probe.Stage{Name: q.name, After: q.after, Ask: func() { l.put(q) }})
		before = append(before, q.name)
	}
	if l.full {
		stages = append(stages, probe.Stage{Name: "each-version", After: before, Ask: l.eachVersion})
	}
	return stages
}

// put asks a question and learns from the answer.
func (l *look) put(q question) {
	if q.row != nil {
		q.row(l)
		return
	}
	h := q.hello(l)
	if h == nil {
		return
	}
	a := l.Ask(cmp.Or(q.as, q.name), h)
	if q.learn != nil {
		q.learn(l, a)
	}
}
