package grade

import (
	"cmp"
	"slices"

	"mxseal/checks/report"
)

// atMost is how many actions a plan may have: what a person can keep in mind.
const atMost = 3

// Plan returns at most three of the actions in the order in which to do them, with the letter
// after each; four where no fewer lift it. It takes the action that lifts the letter most, and so
// on from there; of two that lift it to the same the one after which less honest mail is stopped,
// and then the less laborious. Where no action alone lifts the letter, it takes the shortest
// sequence that does: a domain has to be signed before its TLSA records count. Actions have to come
// in an order that breaks nothing.
func Plan(findings []report.Finding, actions []report.Action) []report.Action {
	found := claimsOf(findings)
	p := &plan{found: found, state: slices.Clone(found), actions: actions, left: make([]int, len(actions))}
	for i := range actions {
		p.left[i] = i
	}
	p.letter = judge(factsOf(found)).letter
	if p.letter == report.LetterN || p.letter == report.LetterAPlus {
		return nil // nothing is wanted, or nothing better is to be had
	}
	var planned []report.Action
	for len(planned) < atMost {
		set, last := p.shortest(atMost - len(planned))
		if set == nil && planned == nil {
			set, last = p.least(atMost + 1)
		}
		if set == nil {
			break
		}
		planned = append(planned, p.take(set, last)...)
	}
	return planned
}

// plan is what is fixed so far and what is left to choose from. A finding is fixed by one action
// only.
type plan struct {
	found   []claim
	state   []claim // the same with what is fixed so far
	actions []report.Action
	left    []int // actions that are not taken
	letter  report.Letter
}

// lift is a letter that an action or several lead to.
type lift struct {
	letter report.Letter
	broken int // policies that stop honest mail
	effort report.Effort
}

func (l lift) better(than report.Letter) bool { return l.letter.Valid() && than.Worse(l.letter) }

// before reports whether l is to be preferred to m.
func (l lift) before(m lift) bool {
	if l.letter != m.letter {
		return l.better(m.letter)
	}
	return cmp.Or(cmp.Compare(l.broken, m.broken), cmp.Compare(l.effort, m.effort)) < 0
}

// lifted asks the grade what would be if all of the set were fixed.
func (p *plan) lifted(set []int) lift {
	l := lift{}
	for _, i := range set {
		l.effort += p.actions[i].Effort
		p.fix(i)
	}
	v := judge(factsOf(p.state))
	l.letter, l.broken = v.letter, len(v.broken)
	for _, i := range set {
		for _, m := range p.actions[i].Fixed {
			p.state[m.Finding].effects = p.found[m.Finding].effects
		}
	}
	return l
}

func (p *plan) fix(action int) {
	for _, m := range p.actions[action].Fixed {
		p.state[m.Finding].effects = m.Effects
	}
}

// shortest returns the best of the smallest sets that lift the letter, of at most so many
// actions, and what it leads to; nil if there is none.
func (p *plan) shortest(most int) (best []int, found lift) {
	for size := 1; size <= min(most, len(p.left)) && best == nil; size++ {
		for set := range sets(p.left, size) {
			l := p.lifted(set)
			if l.better(p.letter) && (best == nil || l.before(found)) {
				best, found = slices.Clone(set), l
			}
		}
	}
	return best, found
}

// least returns what remains of all actions when each is left out, the most laborious first,
// without which the letter is lifted still; nil if nothing lifts it, or if more than most
// remain. That asks the grade once for every action, and for all sets of four by the thousand.
func (p *plan) least(most int) ([]int, lift) {
	set := slices.Clone(p.left)
	l := p.lifted(set)
	if !l.better(p.letter) {
		return nil, lift{}
	}
	order := slices.Clone(p.left)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.actions[b].Effort, p.actions[a].Effort) })
	for _, i := range order {
		rest := slices.DeleteFunc(slices.Clone(set), func(j int) bool { return i == j })
		if without := p.lifted(rest); without.better(p.letter) {
			set, l = rest, without
		}
	}
	if len(set) > most {
		return nil, lift{}
	}
	return set, l
}

// take fixes a set, first what lifts the letter most or harms it least; all of it leads to
// the last lift.
func (p *plan) take(set []int, last lift) []report.Action {
	var taken []report.Action
	for len(set) > 0 {
		at, best := 0, last
		if len(set) > 1 {
			best = p.lifted(set[:1])
		}
		for i := 1; i < len(set); i++ {
			if l := p.lifted(set[i : i+1]); l.better(best.letter) {
				at, best = i, l
			}
		}
		p.fix(set[at])
		p.left = slices.DeleteFunc(slices.Clone(p.left), func(i int) bool { return i == set[at] })
		p.letter = best.letter
		next := p.actions[set[at]]
		next.Letter = best.letter
		taken = append(taken, next)
		set = slices.Delete(set, at, at+1)
	}
	return taken
}

// sets yields every subset of the given size; the slice is used again.
func sets(of []int, size int) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		set := make([]int, 0, size)
		var choose func(from int) bool
		choose = func(from int) bool {
			if len(set) == size {
				return yield(set)
			}
			for i := from; i < len(of); i++ {
				set = append(set, of[i])
				more := choose(i + 1)
				set = set[:len(set)-1]
				if !more {
					return false
				}
			}
			return true
		}
		choose(0)
	}
}
