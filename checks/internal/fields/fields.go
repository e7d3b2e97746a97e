// Package fields reads TXT records of the form that MTA-STS and TLS reporting share
// (RFC 8461 §3.1, RFC 8460 §3): a version, then fields of a name and a value, with
// semicolons between.
//
//	record = version 1*(delim field) [delim]
//	delim  = *WSP ";" *WSP             ; WSP is a blank or a tab, and nothing else
//	field  = name "=" value
//
// What the grammar refuses is a fault of the record or of one field. How bad it is, and
// what a value means, is for the check to say.
package fields

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"mxseal/checks/report"
)

// wsp are the only characters that may stand about a semicolon or a comma.
const wsp = " \t"

// Trim takes the blanks off both ends that the grammar allows there.
func Trim(s string) string { return strings.Trim(s, wsp) }

// Choice is what the TXT records at a name come to.
type Choice struct {
	Records   []string // those that senders go by; the domain has what they promise if it is one
	Blank     bool     // the one in force has a blank before its first semicolon
	Discarded []string // the others
}

// Choose picks the records of a version. Of several TXT records those are discarded that do
// not begin with the version and a semicolon, to the letter. A single one is read by the
// grammar, which allows a blank between the two.
func Choose(txts []string, version string) Choice {
	var c Choice
	for _, txt := range txts {
		rest, begins := strings.CutPrefix(txt, version)
		switch {
		case begins && strings.HasPrefix(rest, ";"):
			c.Records = append(c.Records, txt)
		case begins && len(txts) == 1 && strings.HasPrefix(Trim(rest), ";"):
			c.Records, c.Blank = txts, true
		default:
			c.Discarded = append(c.Discarded, txt)
		}
	}
	return c
}

// Field is one field of a record.
type Field struct {
	Text  string // as it stands there
	Name  string
	Value string
	Fault report.Statement // why the grammar refuses it; none where it does not
}

// Split returns the fields of a record that Choose has picked. trailing reports whether
// blanks follow the last field, where the grammar allows them only after a semicolon.
func Split(record string) (list []Field, trailing bool) {
	_, rest, _ := strings.Cut(record, ";")
	parts := strings.Split(rest, ";")
	if last := len(parts) - 1; Trim(parts[last]) == "" {
		parts = parts[:last] // one semicolon at the end is allowed
	} else {
		trailing = strings.TrimRight(parts[last], wsp) != parts[last]
	}
	for _, part := range parts {
		list = append(list, read(Trim(part)))
	}
	return list, trailing
}

var (
	fieldName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)
	fieldValue = regexp.MustCompile(`^[\x21-\x3a\x3c\x3e-\x7e]+$`) // of a field that the version does not define
)

// Extension reports whether a value may stand in a field that the version does not define.
func Extension(value string) bool { return fieldValue.MatchString(value) }

// BadValue says why a value has no place in such a field.
func BadValue(value string) report.Statement {
	if odd := Strange(value); odd.Made() {
		return odd
	}
	return report.Say(report.SaysFieldValue)
}

// read reads one field. Its value is looked at only where it begins: what it may hold
// depends on the name.
func read(text string) Field {
	f := Field{Text: text}
	name, value, isField := strings.Cut(text, "=")
	f.Name, f.Value = strings.TrimFunc(name, Space), strings.TrimFunc(value, Space)
	odd := Strange(name)
	switch {
	case text == "":
		f.Fault = report.Say(report.SaysNothingBetween)
	case odd.Made():
		f.Fault = odd
	case !isField:
		f.Fault = report.Say(report.SaysNoField)
	case f.Name != name || !strings.HasPrefix(value, f.Value):
		f.Fault = report.Say(report.SaysBlankBesideEquals)
		if odd := Strange(value[:len(value)-len(strings.TrimLeftFunc(value, Space))]); odd.Made() {
			f.Fault = odd
		}
	case !fieldName.MatchString(name):
		f.Fault = report.Say(report.SaysFieldName)
	default:
		f.Value = value
	}
	return f
}

// Space reports whether a character looks like a blank.
func Space(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Z, r) }

// Strange names the first character of a text that is not printable ASCII, a blank or a tab;
// it says nothing where there is none.
func Strange(text string) report.Statement {
	for _, r := range text {
		switch {
		case r == '\t', r >= ' ' && r <= '~':
		case r == '\u00a0':
			return report.Say(report.SaysNoBreakSpace)
		case Space(r):
			return report.Say(report.SaysOddSpace, "character", code(r))
		case r == '\ufffd':
			return report.Say(report.SaysUnshowable)
		default:
			return report.Say(report.SaysNotASCII, "character", code(r))
		}
	}
	return report.Statement{}
}

func code(r rune) string { return fmt.Sprintf("U+%04X", r) }

// Meant reports whether a record that senders discard was meant as one of this version: why
// it is none, and whether that is because something stands before the version. why says nothing
// where it was meant for something else.
func Meant(txt, version string) (why report.Statement, before bool) {
	name, number, _ := strings.Cut(version, "=")
	bare := strings.TrimLeftFunc(txt, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	rest, ok := cutFold(bare, name)
	if ok {
		rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, Space), "=")
	}
	if ok {
		rest, ok = cutFold(strings.TrimLeftFunc(rest, Space), number)
	}
	if !ok || rest != "" && strings.ContainsRune(alphanumeric, rune(rest[0])) {
		return why, false // another version, or none
	}
	end := strings.TrimLeftFunc(rest, Space)
	blanks := rest[:len(rest)-len(end)]
	switch front := txt[:len(txt)-len(bare)]; {
	case front != "":
		return because(report.Say(report.SaysBeforeVersion), Strange(front), report.SaysSuchAsQuote), true
	case strings.HasPrefix(txt, version) && strings.HasPrefix(end, ";"):
		return because(report.Say(report.SaysBlankAfterVersion), Strange(blanks), report.SaysThenDiscarded), false
	default:
		return because(report.Say(report.SaysOtherVersion, "version", version), Strange(txt[:len(txt)-len(end)]), ""), false
	}
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// because joins what is wrong with the strange character that explains it, or else with a hint.
func because(what, odd report.Statement, hint report.Says) report.Statement {
	switch {
	case odd.Made():
		return what.About(Namely(odd))
	case hint != "":
		return what.About(report.Say(hint))
	}
	return what
}

// Namely says what exactly another statement speaks of; nothing of nothing.
func Namely(what report.Statement) report.Statement {
	if !what.Made() {
		return what
	}
	return report.Say(report.SaysNamely).About(what)
}

// Quoted says of a text, shown up to so many octets, what is wrong with it.
func Quoted(text string, octets int, why report.Statement) report.Statement {
	return report.Say(report.SaysQuoted, "text", Quote(text, octets)).About(why)
}

// Quote shows a text up to so many octets.
func Quote(text string, octets int) string { return strconv.Quote(report.Clean(text, octets)) }

// cutFold cuts a prefix off, whatever its case.
func cutFold(s, prefix string) (rest string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
