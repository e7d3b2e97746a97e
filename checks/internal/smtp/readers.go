package smtp

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Limits of the senders, in octets.
const (
	postfixReply  = 2048 // line_length_limit, of a line and of what is kept of a reply
	eximReply     = 4096 // DELIVER_BUFFER_SIZE, of a reply
	openSMTPDLine = 2048 // LINE_MAX
)

// reader is one of the senders whose way of reading is known from their source and from
// deliveries.
type reader struct {
	name     string
	greeting func(raw []string) report.Reading // report.ReadsNothing, or report.ReadsTLS: says EHLO
	ehlo     func(raw []string) report.Reading
	bears    func(left []string) bool // lines that nobody asked for
}

var readers = []reader{
	{"postfix", func([]string) report.Reading { return report.ReadsTLS }, postfixReads, func([]string) bool { return true }},
	{"exim", eximGreets, eximReads, func(left []string) bool { _, ok := eximLines(left); return ok }},
	{"opensmtpd", openSMTPDGreets, openSMTPDReads, func(left []string) bool { return len(left) == 0 }},
}

// offer is what senders make of a greeting and of the answer to EHLO, where they part or the
// word STARTTLS is there and not plain to see. It is nil where all of them ask for STARTTLS,
// and where none can find the word. Left is what came behind that answer unasked.
func offer(greeting, ehlo, left []string) *report.Offer {
	o := &report.Offer{Readers: make(map[string]report.Reading)}
	if masked(greeting) { // what EHLO would bring is not known
		o.Form, o.Line = form(greeting, nil)
		o.Readers["postfix"] = report.ReadsClear
		return o
	}
	var ask, clear int
	for _, r := range readers {
		does := r.greeting(greeting)
		if does == report.ReadsTLS {
			does = r.ehlo(ehlo)
		}
		if does != report.ReadsNothing && !r.bears(left) {
			does = report.ReadsNothing
		}
		switch o.Readers[r.name] = does; does {
		case report.ReadsTLS:
			ask++
		case report.ReadsClear:
			clear++
		}
	}
	if o.Form, o.Line = form(greeting, ehlo); o.Form == "" && len(left) > 0 && ask < len(readers) {
		o.Form, o.Line = report.FormLeftOver, report.Clean(left[0], maxText)
	}
	if ask == len(readers) || clear == len(readers) && (o.Form == "" || o.Form == report.FormNUL) {
		return nil
	}
	return o
}

// form says what is unusual about the word STARTTLS, and where: the first reason of a list.
func form(greeting, ehlo []string) (form report.OfferForm, line string) {
	if masked(greeting) {
		return report.FormMaskedGreeting, shown(greeting[len(greeting)-1])
	}
	first, octets := true, 0
	for _, raw := range ehlo {
		word := strings.Index(strings.ToUpper(raw), "STARTTLS")
		if first && word >= 0 && !apart(raw, word) {
			word = -1 // a part of the host's name, which is what this line is for
		}
		kept := octets < postfixReply
		octets += len(raw) + 1
		code, text, _, ok := parseLine(raw)
		if word < 0 {
			if _, rest := postfixWords(raw); rest != "" {
				first = false
			}
			continue
		}
		switch {
		case first && ok && strings.EqualFold(strings.TrimSpace(text), "STARTTLS"), first && word == 4:
			return report.FormFirstLine, shown(raw)
		case first:
			return report.FormHostLine, shown(raw)
		case !kept:
			return report.FormFarBehind, shown(raw)
		case !ok:
			return report.FormNoCode, shown(raw)
		}
		if form := written(code, raw, word); form != "" {
			return form, shown(raw)
		}
		break
	}
	return whole(greeting, ehlo)
}

// shown is a line as it is kept, in which a tab can be told from a blank.
func shown(raw string) string {
	return report.Clean(strings.ReplaceAll(raw, "\t", "\ufffd"), maxText)
}

// written says what is odd about a line with a code that has the word STARTTLS at a place behind
// it; empty for nothing.
func written(code int, raw string, word int) report.OfferForm {
	before, after := raw[4:word], raw[word+len("STARTTLS"):]
	switch {
	case code/100 != 2:
		return report.FormOtherCode
	case strings.TrimLeft(before, " \t") != "":
		return report.FormInAnotherWord
	case before != "":
		return report.FormBlankBefore
	case after == "" && raw[word:] != "STARTTLS":
		return report.FormLowerCase
	case strings.HasPrefix(after, "\t"):
		return report.FormTabAfter
	case strings.HasPrefix(after, "="):
		return report.FormEqualsSign
	case strings.TrimRight(after, " ") == "" && after != "":
		return report.FormBlankAfter
	case strings.HasPrefix(after, " "):
		return report.FormParameter
	case after != "":
		return report.FormGlued
	case code != 250:
		return report.FormOtherCode
	}
	return ""
}

// whole says what is odd about the two replies as a whole; empty for nothing.
func whole(greeting, ehlo []string) (form report.OfferForm, line string) {
	for _, raw := range ehlo {
		if strings.Contains(raw, "\x00") {
			return report.FormNUL, shown(raw)
		}
	}
	for _, reply := range [][]string{greeting, ehlo} {
		octets := 0
		for _, raw := range reply {
			if octets += len(raw) + 1; octets > eximReply-4 || len(raw) >= openSMTPDLine {
				return report.FormLongReply, ""
			}
		}
	}
	return "", ""
}

// apart reports whether the word STARTTLS stands by itself at that place of a line.
func apart(raw string, at int) bool {
	const around = " \t="
	after := raw[at+len("STARTTLS"):]
	return (at <= 4 || strings.IndexByte(around, raw[at-1]) >= 0) && (after == "" || strings.IndexByte(around, after[0]) >= 0)
}

// masked reports whether a greeting consists of the characters that a Cisco firewall leaves of
// it. Postfix then says HELO, for fear of what that firewall does to EHLO.
func masked(greeting []string) bool {
	return len(greeting) > 0 && strings.Trim(strings.Join(greeting, "\n"), "20 *\t\n") == ""
}

// postfixText is a line as Postfix keeps it: up to a NUL, other characters that do not print
// replaced.
func postfixText(raw string) string {
	raw, _, _ = strings.Cut(strings.TrimRight(raw, "\r"), "\x00")
	raw = raw[:min(len(raw), postfixReply)]
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, raw)
}

// postfixWords splits a line of an EHLO reply into its code and the keyword.
func postfixWords(raw string) (code, keyword string) {
	text := strings.TrimLeft(postfixText(raw), "- ")
	end := strings.IndexAny(text, "- ")
	if end < 0 {
		return text, ""
	}
	code, text = text[:end], strings.TrimLeft(text[end+1:], " =")
	if end = strings.IndexAny(text, " ="); end >= 0 {
		text = text[:end]
	}
	return code, text
}

// postfixNames are the keywords that Postfix smtp(8) finds in the answer to EHLO. The first
// word that it finds is the host's name.
func postfixNames(raw []string) []string {
	var names []string
	kept, first := 0, true
	for _, line := range raw {
		if kept >= postfixReply {
			break
		}
		if kept > 0 {
			kept++ // for the line end between
		}
		kept += len(postfixText(line))
		switch _, keyword := postfixWords(line); {
		case keyword == "":
		case first:
			first = false
		default:
			names = append(names, keyword)
		}
	}
	return names
}

// postfixReads takes the code of the last line; STARTTLS may be in any case.
func postfixReads(raw []string) report.Reading {
	if len(raw) == 0 {
		return report.ReadsNothing
	}
	switch code, _, _, _ := parseLine(raw[len(raw)-1]); {
	case code == 421:
		return report.ReadsNothing
	case code/100 == 2 && lists(postfixNames(raw), "STARTTLS"):
		return report.ReadsTLS
	}
	return report.ReadsClear
}

// eximLines are the lines as Exim reads them, without blanks at their end. It breaks off at a
// line that is none of a reply, and where its buffer is full.
func eximLines(raw []string) (lines []string, ok bool) {
	octets := 0
	for _, line := range raw {
		octets += len(line) + 1
		if octets > eximReply-4 {
			return nil, false
		}
		line = strings.TrimRight(line, " \t\r\v\f")
		if len(line) < 3 || !digits(line[:3]) || len(line) > 3 && line[3] != '-' && line[3] != ' ' {
			return nil, false
		}
		lines = append(lines, line)
	}
	return lines, true
}

func eximGreets(raw []string) report.Reading {
	lines, ok := eximLines(raw)
	if !ok || len(lines) == 0 || lines[0][0] != '2' {
		return report.ReadsNothing
	}
	return report.ReadsTLS
}

// eximReads looks for a line “250 STARTTLS”, in capitals, below the first.
func eximReads(raw []string) report.Reading {
	lines, ok := eximLines(raw)
	switch {
	case !ok || len(lines) == 0:
		return report.ReadsNothing
	case lines[0][0] != '2': // goes on with HELO
		return report.ReadsClear
	}
	if strings.Contains(lines[0], "\x00") { // ends what it searches
		return report.ReadsClear
	}
	for _, line := range lines[1:] {
		line, _, ended := strings.Cut(line, "\x00")
		for _, start := range []string{"250-STARTTLS", "250 STARTTLS"} {
			if rest, found := strings.CutPrefix(line, start); found && (rest == "" || strings.ContainsRune(" \t\r\v\f", rune(rest[0]))) {
				return report.ReadsTLS
			}
		}
		if ended {
			break
		}
	}
	return report.ReadsClear
}

// openSMTPDText is what follows a code and any one character; the line is not one of a reply
// where ok is false.
func openSMTPDText(line string) (text string, ok bool) {
	if len(line) < 3 || len(line) >= openSMTPDLine || line[0] < '2' || line[0] > '5' || !digits(line[1:3]) {
		return "", false
	}
	text, _, _ = strings.Cut(line[min(4, len(line)):], "\x00")
	return text, true
}

// openSMTPDLast reports whether a line is the last of a reply.
func openSMTPDLast(line string) bool { return len(line) == 3 || line[3] != '-' }

func openSMTPDGreets(raw []string) report.Reading {
	for i, line := range raw {
		if _, ok := openSMTPDText(line); !ok || openSMTPDLast(line) && i < len(raw)-1 {
			return report.ReadsNothing
		}
	}
	if len(raw) == 0 || raw[0][0] != '2' {
		return report.ReadsNothing
	}
	return report.ReadsTLS
}

// openSMTPDReads looks for a line that says STARTTLS in capitals and nothing else.
func openSMTPDReads(raw []string) report.Reading {
	found := report.ReadsClear
	for i, line := range raw {
		text, ok := openSMTPDText(line)
		if !ok || openSMTPDLast(line) && i < len(raw)-1 {
			return report.ReadsNothing
		}
		if text == "STARTTLS" {
			found = report.ReadsTLS
		}
	}
	if len(raw) == 0 {
		return report.ReadsNothing
	}
	if raw[0][0] != '2' { // goes on with HELO
		return report.ReadsClear
	}
	return found
}

// lists reports whether a keyword is among names, in any case (RFC 5321 §2.4).
func lists(names []string, keyword string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, keyword) })
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
