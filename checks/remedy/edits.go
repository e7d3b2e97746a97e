package remedy

import (
	"fmt"
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

// list is how the words of an option stand beside each other, what stands in front of them where
// the owner has set none (what the program would have by itself), and what is around them all.
type list struct{ between, begin, around string }

func (l list) words(value string) string {
	return strings.Join(strings.Fields(value), l.between)
}

// dialect writes edits as a program's configuration wants them. The lines go into its file, the
// commands into a shell, and the notes say what no line can.
type dialect func(e edit, l list) (lines, commands, notes []string)

// byPostconf has Postfix make the edits itself, which leaves everything else as it is. An option
// service/type/option is one of master.cf.
func byPostconf(e edit, _ list) (_, commands, _ []string) {
	own := strings.Join(strings.Fields(e.value), ", ")
	switch e.op {
	case set:
		return nil, []string{"postconf -e '" + e.option + " = " + e.value + "'"}, nil
	case raise:
		least, better, _ := strings.Cut(e.value, " ")
		return nil, []string{fmt.Sprintf(`postconf -h %[1]s | grep -qxE '%[3]s' || postconf -e '%[1]s = %[2]s'`, e.option, least, strings.ReplaceAll(better, " ", "|"))}, nil
	case unset:
		return nil, []string{"postconf -X " + e.option}, nil
	case drop:
		return nil, []string{fmt.Sprintf(`postconf -e "%[1]s = $(postconf -h %[1]s | tr -s ', ' '\n' | grep -vixE '%[2]s' | paste -sd, -)"`, e.option, strings.ReplaceAll(e.value, " ", "|"))}, nil
	}
	service, option, there := cutLast(e.option, "/")
	if !there {
		return nil, []string{fmt.Sprintf(`postconf -e "%[1]s = $(postconf -h %[1]s), %[2]s"`, e.option, own)}, nil
	}
	return nil, []string{fmt.Sprintf(`postconf -P "%[1]s/%[2]s=$(postconf -Ph %[1]s/%[2]s 2>/dev/null | grep . || postconf -h %[2]s):%[3]s"`, service, option, e.value)}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if at := strings.LastIndex(s, sep); at >= 0 {
		return s[:at], s[at+len(sep):], true
	}
	return "", s, false
}

// byLines is for files in which an option stands once, on a line of this form.
func byLines(form string) dialect {
	return func(e edit, l list) (lines, _, notes []string) {
		value := e.value
		switch e.op {
		case unset:
			return nil, nil, []string{"A line " + e.option + " goes."}
		case raise:
			least, better, _ := strings.Cut(value, " ")
			notes, value = []string{"If " + e.option + " is " + better + " already, leave it."}, least
		case drop:
			return nil, nil, []string{"If " + e.option + " holds " + value + ", take that word out and leave the others."}
		case add:
			value = l.words(value)
			notes = []string{"If there is a line " + e.option + " already, keep what stands in it and put “" + l.between + value + "” behind."}
			value = l.around + strings.TrimPrefix(l.begin+l.between+value, l.between) + l.around
		}
		return []string{strings.TrimSuffix(fmt.Sprintf(form, e.option, value), " ")}, nil, notes
	}
}

// byM4 adds to a list with the means of sendmail.mc.
func byM4(e edit, l list) (lines, _, _ []string) {
	if e.op == add {
		const form = "define(`%[1]s', ifdef(`%[1]s', `%[1]s', `%[2]s')`%[3]s')dnl"
		return []string{fmt.Sprintf(form, e.option, l.begin, l.between+l.words(e.value))}, nil, nil
	}
	return []string{fmt.Sprintf("define(`%s', `%s')dnl", e.option, e.value)}, nil, nil
}

// asWritten is for programs whose settings are no options: the text stands as it is.
func asWritten(e edit, _ list) (lines, _, _ []string) { return []string{e.value}, nil, nil }

// changes are the edits of some settings of a program, folded with those of all that its server
// needs: of the options that the settings touch, what any of them wants. More says that others
// want something beside.
func (p program) changes(settings, all []string) (edits []edit, more bool) {
	var own, every []edit
	for _, name := range inOrder {
		if slices.Contains(settings, name) {
			own = append(own, p.settings[name]...)
		}
		if slices.Contains(settings, name) || slices.Contains(all, name) {
			every = append(every, p.settings[name]...)
		}
	}
	own = fold(own)
	for _, e := range fold(every) {
		at := slices.IndexFunc(own, func(o edit) bool { return o.option == e.option && o.op == e.op })
		if at < 0 {
			continue
		}
		more = more || own[at].value != e.value
		edits = append(edits, e)
	}
	return edits, more
}

// write are the lines, commands and notes that make the edits.
func (p program) write(edits []edit) (lines, commands, notes []string) {
	for _, e := range edits {
		l, c, n := p.dialect(e, p.lists[e.option])
		lines, commands, notes = append(lines, l...), append(commands, c...), append(notes, n...)
	}
	return lines, commands, notes
}
