package software

import (
	"slices"
	"strings"
)

// op is what is done to an option of a configuration.
type op int

const (
	set   op = iota // the value takes the place of what was there
	raise           // the first word is the value, unless one of the others, which are better, is there
	add             // words go behind those of the list that is there
	drop            // words leave the list, the others stay
	unset           // the option goes, and the program's default holds
)

// edit is a change to one option.
type edit struct {
	option string
	op     op
	value  string // of set; of the others words with blanks between
}

// fold makes of the edits of several settings one to each option, in the order in which the
// options come first. What is added to a list, or leaves it, is what any of them asks for.
func fold(edits []edit) []edit {
	var all []edit
	for _, e := range edits {
		at := slices.IndexFunc(all, func(f edit) bool { return f.option == e.option && f.op == e.op })
		if at < 0 {
			all = append(all, e)
			continue
		}
		if e.op == add || e.op == drop {
			all[at].value = union(all[at].value, e.value)
		}
	}
	return all
}

// union is the words of both, each once.
func union(a, b string) string {
	words := strings.Fields(a)
	for _, word := range strings.Fields(b) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// share is, of all edits, those to the options that own ones touch. More says that one of them
// holds something beside.
func share(all, own []edit) (shared []edit, more bool) {
	for _, e := range all {
		at := slices.IndexFunc(own, func(o edit) bool { return o.option == e.option && o.op == e.op })
		if at < 0 {
			continue
		}
		more = more || own[at].value != e.value
		shared = append(shared, e)
	}
	return shared, more
}
