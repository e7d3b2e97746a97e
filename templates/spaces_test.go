package templates

import (
	"regexp"
	"strings"
	"testing"
)

var (
	symbol = regexp.MustCompile(`<svg class="(icon|symbols)".*?</svg>`)
	// glued is an element inside a line that another follows at once.
	glued = regexp.MustCompile(`[^<>]{0,30}</(a|span|strong|em|code|small|abbr|time|label|svg)>(<(a|span|strong|em|code|small|abbr|time|label|svg)\b[^>]*>)+[^<>]{0,30}`)
)

// Who reads without a style sheet, in a text browser or from the clipboard, sees no words run
// together: between what stands in one line there is white space, whatever a style does with it.
func TestWordsDoNotRunTogether(t *testing.T) {
	for name, c := range pages() {
		html := symbol.ReplaceAllString(render(t, c), "")
		seen := map[string]bool{}
		for _, m := range glued.FindAllString(html, -1) {
			if m = strings.TrimSpace(m); !seen[m] {
				seen[m] = true
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}
