package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzClean gives strangers' octets to the one place that cleans them: what comes out can be
// shown anywhere, keeps its bound, and is not changed by being cleaned again.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "220 mx.example.net ESMTP", "\x1b[31mred\x07", "a\u202eb\u2066c\u200f", "\xff\xfe\x80", "tab\tand\r\nline", strings.Repeat("ä", 300), "\u2028\u00ad\ufeff"} {
		f.Add(s, 80)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 4 + max(most, -most)%2000
		out := Clean(s, most)
		if !utf8.ValidString(out) {
			t.Errorf("%q becomes %q, which is no UTF-8", s, out)
		}
		if len(out) > most {
			t.Errorf("%d octets of at most %d", len(out), most)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q keeps %U", s, r)
			}
		}
		if again := Clean(out, most+8); again != out {
			t.Errorf("cleaned again, %q becomes %q", out, again)
		}
	})
}
