package templates

import (
	"reflect"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	for doc, want := range map[string][]Block{
		"":                           nil,
		"# A `b` c #":                {{Kind: "heading", Level: 1, Text: []Span{{Text: "A "}, {Style: "code", Text: "b"}, {Text: " c"}}}},
		"one\ntwo\n\nthree":          {{Kind: "paragraph", Text: []Span{{Text: "one two"}}}, {Kind: "paragraph", Text: []Span{{Text: "three"}}}},
		"- a\n  more\n- *b*\n\n1. c": {{Kind: "list", Items: [][]Span{{{Text: "a more"}}, {{Style: "em", Text: "b"}}}}, {Kind: "numbered", Items: [][]Span{{{Text: "c"}}}}},
		"```\n# <code>\n```\n":       {{Kind: "code", Code: "# <code>"}},
		"```\nnever closed":          {{Kind: "code", Code: "never closed"}},
		"**s** [t](/checks/dane) [u](https://example.org/) <https://example.org>": {{Kind: "paragraph", Text: []Span{
			{Style: "strong", Text: "s"}, {Text: " "}, {Style: "link", Text: "t", To: "/checks/dane"}, {Text: " "},
			{Style: "link", Text: "u", To: "https://example.org/"}, {Text: " "}, {Style: "link", Text: "https://example.org", To: "https://example.org"}}}},
		"[x](javascript:alert(1)) [y](//evil.example)": {{Kind: "paragraph", Text: []Span{{Text: "x"}, {Text: ") "}, {Text: "y"}}}}, // no such links
		"2 * 3 * 4": {{Kind: "paragraph", Text: []Span{{Text: "2 * 3 * 4"}}}},
	} {
		if got := Blocks(doc); !reflect.DeepEqual(got, want) {
			t.Errorf("%q\ngives %+v\nwant  %+v", doc, got, want)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add("# a\n\n- b\n```\nc")
	f.Fuzz(func(t *testing.T, doc string) {
		for _, b := range Blocks(doc) {
			for _, s := range b.Text {
				if s.Style == "link" && !strings.HasPrefix(s.To, "http") && !strings.HasPrefix(s.To, "/") && !strings.HasPrefix(s.To, "#") {
					t.Errorf("a link to %q", s.To)
				}
			}
		}
	})
}
