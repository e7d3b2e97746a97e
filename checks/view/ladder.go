package view

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
)

// Ladder is the chain of trust behind an answer: a rung a zone, the root first, the answer last.
type Ladder struct {
	Title   string
	State   report.State
	Aliases []string // on the way
	Rungs   []Rung
}

func (Ladder) block() {}

// Rung is one zone of a ladder, or the answer.
type Rung struct {
	Name   string
	State  report.State
	Onward bool   // an alias leads on to this zone, which does not lie below the one before
	Reason string // stable code of why it is not secure; empty where another rung says so
	EDE    int    // extended DNS error (RFC 8914); 0 for none
	Broken bool   // it breaks the chain
	Detail string // of the broken one: why
	Acts   string // of the broken one: who can fix it
	Sets   []SignedSet
	Notes  []string
}

// SignedSet is a set of records of one kind with the validity of its signature.
type SignedSet struct {
	Name    string // DS or keys; empty for the answer itself
	Records []string
	Signed  string // from when to when and by which key; empty where that is not known
}

// LadderOf is the ladder of what is known of an answer.
func LadderOf(title string, t report.Trust) Ladder {
	l := Ladder{Title: title, State: t.State}
	for _, s := range t.Steps {
		l.Aliases = append(l.Aliases, s.Name+" is an alias of "+s.Target+" ("+StateWord(s.State)+")")
	}
	broken := t.Broken()
	for i, link := range t.Chain {
		r := Rung{Name: ZoneName(link.Zone), State: link.State, Onward: i > 0 && !below(link.Zone, t.Chain[i-1].Zone),
			Reason: string(link.Reason), EDE: link.EDE, Broken: i == broken, Sets: setsOf(link), Notes: noted(link.Notes)}
		if r.Broken {
			r.Detail, r.Acts = link.Detail, WhoActs(t)
		}
		l.Rungs = append(l.Rungs, r)
	}
	if t.State == "" {
		return l
	}
	r := Rung{Name: "the answer", State: t.State, Notes: noted(t.Notes)}
	if broken == len(t.Chain) { // otherwise a link has said it
		r.Reason, r.EDE = string(t.Reason), t.EDE
		if r.Broken = t.State != report.Secure; r.Broken {
			r.Detail, r.Acts = t.Detail, WhoActs(t)
		}
	}
	if t.Signature != nil {
		r.Sets = []SignedSet{{Signed: signed(t.Signature) + ", " + Algorithm(t.Signature.Algorithm)}}
	}
	l.Rungs = append(l.Rungs, r)
	return l
}

func setsOf(l report.Link) (sets []SignedSet) {
	ds, keys := SignedSet{Name: "DS"}, SignedSet{Name: "keys"}
	for _, d := range l.DS {
		ds.Records = append(ds.Records, fmt.Sprintf("DS %d, %s, %s", d.Tag, Algorithm(d.Algorithm), DigestType(d.Digest)))
	}
	for _, k := range l.Keys {
		role := "ZSK"
		if k.SEP {
			role = "KSK"
		}
		keys.Records = append(keys.Records, fmt.Sprintf("%s %d, %s, %d bit", role, k.Tag, Algorithm(k.Algorithm), k.Bits))
	}
	ds.Signed, keys.Signed = signed(l.DSWindow), signed(l.Window)
	for _, s := range []SignedSet{ds, keys} {
		if len(s.Records) > 0 || s.Signed != "" {
			sets = append(sets, s)
		}
	}
	return sets
}

// signed says when a signature began and ends, and by which key it is.
func signed(s *report.Signature) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("signed %s to %s by key %d", Day(s.Inception), Day(s.Expires), s.Tag)
}

// below reports whether a zone lies below another.
func below(zone, above string) bool {
	return above == "." || strings.HasSuffix(strings.TrimSuffix(zone, "."), "."+strings.TrimSuffix(above, "."))
}

// NameServers lists what the name servers of a zone said when each was asked by itself.
func NameServers(a report.Authority) Block {
	if a.Failure != nil {
		return Note(a.Failure.Text)
	}
	list := List{Title: "The name servers of " + ZoneName(a.Zone) + ", asked one by one:"}
	for _, n := range a.Servers {
		mark := report.Pass
		switch {
		case n.Blameless():
			mark = report.Untested
		case n.Fault != "":
			mark = report.Fail
		case n.TCP != "" && n.TCP != report.KindOK:
			mark = report.Warn
		}
		list.Items = append(list.Items, Item{Mark: mark, Text: n.Text})
	}
	return list
}

// StateMark is the mark of a state. That nothing is signed is no fault of the state itself.
func StateMark(s report.State) report.Verdict {
	switch s {
	case report.Secure:
		return report.Pass
	case report.Bogus:
		return report.Fail
	case report.Insecure:
		return report.Info
	}
	return report.Untested
}

// StateWord is a state in a few words.
func StateWord(s report.State) string {
	switch s {
	case report.Secure:
		return "signed and valid"
	case report.Insecure:
		return "not signed"
	case report.Bogus:
		return "signatures are invalid"
	case report.Indeterminate:
		return "not determined"
	}
	return "not looked at"
}

// StateText says what a state means for those who ask.
func StateText(s report.State) string {
	switch s {
	case report.Secure:
		return "signed, and every link from the root down to it holds"
	case report.Insecure:
		return "not signed, so anyone who can forge DNS answers can change it"
	case report.Bogus:
		return "its signatures are invalid, so resolvers that validate give no answer"
	case report.Indeterminate:
		return "whether it is signed could not be determined"
	}
	return ""
}

// ZoneName writes the name of a zone without its final dot.
func ZoneName(z string) string {
	if z == "" || z == "." {
		return "the root"
	}
	return strings.TrimSuffix(z, ".")
}

var algorithms = map[uint8]string{1: "RSAMD5", 3: "DSA", 5: "RSASHA1", 7: "RSASHA1", 8: "RSASHA256", 10: "RSASHA512",
	12: "GOST", 13: "ECDSAP256", 14: "ECDSAP384", 15: "Ed25519", 16: "Ed448", 17: "SM2", 23: "GOST 2012"}

// Algorithm names a DNSSEC algorithm (IANA registry).
func Algorithm(n uint8) string {
	if name := algorithms[n]; name != "" {
		return name
	}
	return fmt.Sprintf("algorithm %d", n)
}

var digests = map[uint8]string{1: "SHA-1", 2: "SHA-256", 3: "GOST", 4: "SHA-384"}

// DigestType names a DS digest type (IANA registry).
func DigestType(n uint8) string {
	if name := digests[n]; name != "" {
		return name
	}
	return fmt.Sprintf("digest type %d", n)
}
