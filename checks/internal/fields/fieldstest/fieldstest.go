// Package fieldstest makes records of fields at random, and spoils them. Tests hold what a
// parser says of them to a grammar of its own.
package fieldstest

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Alphabets of RFC 5234 appendix B.1; VChar is without the semicolon and the equals sign, as
// in the values of extensions (RFC 8461 §3.1, RFC 8460 §3).
const (
	Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	VChar        = "!\"#$%&'()*+,-./" + Alphanumeric + ":<>?@[\\]^_`{|}~"
)

// strange are what a mutant may get in place of, or between, what is right.
var strange = []string{" ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\r", "\n", "\x00", "\x7f", "é", "\xa0", "\xff",
	";", ";;", "=", "==", ",", ":", "\"", "“", "v", "V", "1", "_", "\\", " =", "= "}

// Source is a source of records, the same ones for the same seeds.
type Source struct {
	*rand.Rand
	strange []string
}

// New returns a source; own is what else is strange in such a record.
func New(seed1, seed2 uint64, own ...string) Source {
	return Source{rand.New(rand.NewPCG(seed1, seed2)), slices.Concat(strange, own)}
}

// Words returns characters of an alphabet, at least one and at most max.
func (s Source) Words(alphabet string, max int) string {
	var b strings.Builder
	for range 1 + s.IntN(max) {
		b.WriteByte(alphabet[s.IntN(len(alphabet))])
	}
	return b.String()
}

// Blanks returns blanks and tabs, often none.
func (s Source) Blanks() string { return s.OneOf("", "", " ", " ", "\t", "  ", " \t") }

// OneOf returns one of the texts.
func (s Source) OneOf(texts ...string) string { return texts[s.IntN(len(texts))] }

// Record returns a record of the fields, which it shuffles.
func (s Source) Record(version string, fields []string) string {
	s.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	delim := func() string { return s.Blanks() + ";" + s.Blanks() }
	txt := version
	for _, field := range fields {
		txt += delim() + field
	}
	if s.IntN(2) == 0 {
		txt += delim()
	}
	return txt
}

// Mutate changes one thing in a text.
func (s Source) Mutate(txt string) string {
	at := s.IntN(len(txt) + 1)
	odd := s.OneOf(s.strange...)
	switch end := min(at+1, len(txt)); s.IntN(4) {
	case 0:
		return txt[:at] + txt[end:]
	case 1:
		return txt[:at] + odd + txt[end:]
	case 2:
		return txt[:at] + strings.ToUpper(txt[at:end]) + txt[end:]
	default:
		return txt[:at] + odd + txt[at:]
	}
}
