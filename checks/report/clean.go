package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from a stranger fit to be kept: valid UTF-8, one line, at most max bytes.
// Control, bidirectional-formatting and other invisible characters become U+FFFD, so that
// nothing in a banner or a certificate can move a cursor or reorder a page. It is called
// once, where the text enters the program; escaping on output is still the output's duty.
func Clean(s string, max int) string {
	if len(s) <= max && plainText(s) {
		return strings.Clone(s) // what it was cut from is not kept for it
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			r = ' '
		case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > max {
			if b.Len() >= len("…") && max > len("…") {
				return cut(b.String(), max-len("…")) + "…"
			}
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainText reports whether a text is printable ASCII, as nearly all are.
func plainText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// longest is what one octet of a text can take as JSON.
const longest = 6

// Octets is the length of a text as JSON, in which what HTML minds is escaped too. It is what
// bounds on texts count.
func Octets(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '<', c == '>', c == '&', c < ' ' && c != '\n' && c != '\t':
			n += 5
		case c == '"', c == '\\', c == '\n', c == '\t':
			n++
		}
	}
	return n
}
