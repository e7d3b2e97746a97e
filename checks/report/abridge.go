package report

import (
	"cmp"
	"slices"
)

// FindingsRoom is what the findings of a report may take as JSON, in octets.
const FindingsRoom = 320 << 10

// Abridge leaves out of the findings what would make the report too large: of the many of one
// rule, the first keeps its sentences and its steps, then the second, and so on for as long as
// there is room; lines of evidence go last. What is left out follows from the rule and the
// parameters, which stay. The rules of the plan come before others.
func (r *Report) Abridge() {
	if r.small() {
		return
	}
	room := FindingsRoom
	order := make([]turn, len(r.Findings))
	seen := make(map[string]int)
	whole := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		order[i] = turn{f, seen[f.Rule], r.planned(f.Rule)}
		seen[f.Rule]++
		room -= f.bare()
		whole += f.sentences() + f.steps()
	}
	if whole <= room {
		return
	}
	slices.SortStableFunc(order, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.planned, b.planned))
	})
	for _, t := range slices.Backward(order) {
		if room >= FindingsRoom/4 || t.number == 0 {
			break
		}
		room += lines(t.Detail)
		t.Detail = nil
	}
	for _, t := range order {
		if room -= t.sentences(); room < 0 {
			room += t.sentences()
			t.Text, t.FixText, t.Reference = "", "", ""
		}
		if room -= t.steps(); room < 0 {
			room += t.steps()
			t.Steps = nil
		}
	}
}

// small reports whether the findings fit even if each octet of them had to be escaped, as it is with
// nearly all reports.
func (r *Report) small() bool {
	n := 0
	for i := range r.Findings {
		n += r.Findings[i].length()
	}
	return n <= FindingsRoom
}

// turn is a finding, and when it is served.
type turn struct {
	*Finding
	number  int // of its rule: 0 for the first
	planned int // 0 for one whose rule is part of the plan
}

func (r *Report) planned(rule string) int {
	if r.Grade != nil && slices.ContainsFunc(r.Grade.First, func(f First) bool { return slices.Contains(f.Rules, rule) }) {
		return 0
	}
	return 1
}

// What a finding takes as JSON beside its texts, in octets: the names of its fields, its rule, check and
// verdict, the marks between them.
const (
	frameBare      = 160 // of all that stays
	frameSentences = 40
	frameSteps     = 12
	frameStep      = 104 // of each step, its words for who and what among them
	frameParam     = 6   // of each parameter
	frameStatement = 32  // of each statement
	frameLine      = 3   // of each line of evidence, and each effect
)

// length is the most that a finding can take as JSON, if each octet of it had to be escaped.
func (f *Finding) length() int {
	n := len(f.Title) + len(f.Host) + len(f.Address) + len(f.Text) + len(f.FixText) + len(f.Reference)
	around := frameBare + frameSentences + frameSteps + frameLine*(len(f.Detail)+len(f.Effects)+len(f.Fixed)) + frameParam*len(f.Params) + frameStep*len(f.Steps)
	for _, s := range f.Detail {
		n += len(s)
	}
	for k, v := range f.Params {
		n += len(k) + len(v)
	}
	for k, s := range f.Says {
		n += len(k) + s.octets()
	}
	for _, list := range [...][]Effect{f.Effects, f.Fixed} {
		for _, e := range list {
			n += len(e)
		}
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		n += len(s.Text) + len(s.Code) + len(s.Where) + len(s.Wait) + len(s.Risk)
	}
	return around + longest*n
}

// The sizes of the parts of a finding, in octets of JSON.

func (f *Finding) bare() int {
	n := frameBare + Octets(f.Title) + Octets(f.Host) + Octets(f.Address) + lines(f.Detail)
	for k, v := range f.Params {
		n += Octets(k) + Octets(v) + frameParam
	}
	for k, s := range f.Says {
		n += Octets(k) + s.octets() + frameParam
	}
	for _, e := range slices.Concat(f.Effects, f.Fixed) {
		n += Octets(string(e)) + frameLine
	}
	return n
}

func (f *Finding) sentences() int {
	return Octets(f.Text) + Octets(f.FixText) + Octets(f.Reference) + frameSentences
}

func (f *Finding) steps() int {
	n := frameSteps
	for _, s := range f.Steps {
		n += frameStep + Octets(s.Text) + Octets(s.Code) + Octets(s.Where) + Octets(s.Wait) + Octets(s.Risk)
	}
	return n
}

func lines(list []string) int {
	n := 0
	for _, s := range list {
		n += Octets(s) + frameLine
	}
	return n
}
