package software

import (
	"fmt"
	"strings"
)

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
			notes = []string{"If there is a line " + e.option + " already, keep what is in it and put “" + l.between + value + "” behind."}
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
