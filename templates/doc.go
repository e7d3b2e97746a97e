package templates

import (
	"regexp"
	"strings"
)

// Block is a piece of a check's doc.md. Only what those texts use is understood: headings,
// paragraphs, lists, fenced code; anything else is a paragraph.
type Block struct {
	Kind  string   // heading, paragraph, list, numbered, code
	Level int      // of a heading, 1 to 6
	Text  []Span   // of a heading or paragraph
	Items [][]Span // of a list
	Code  string
}

// Span is a run of text in one style.
type Span struct {
	Style string // "", code, strong, em, link
	Text  string
	To    string // of a link
}

var (
	heading  = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	bullet   = regexp.MustCompile(`^\s{0,3}[-*+]\s+(.*)$`)
	numbered = regexp.MustCompile(`^\s{0,3}\d{1,3}[.)]\s+(.*)$`)
	inline   = regexp.MustCompile("`([^`]+)`" + `|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)|<(https?://[^>\s]+)>`)
)

// Blocks reads the simple Markdown of a doc.md. The text is the program's own; it is
// escaped on output all the same, as nothing here makes HTML.
func Blocks(doc string) []Block {
	var blocks []Block
	lines := strings.Split(strings.ReplaceAll(doc, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "```") {
			var code []string
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
				code = append(code, lines[i])
			}
			blocks = append(blocks, Block{Kind: "code", Code: strings.Join(code, "\n")})
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			blocks = append(blocks, Block{Kind: "heading", Level: len(m[1]), Text: Spans(m[2])})
			continue
		}
		if kind, text := listItem(line); kind != "" {
			if n := len(blocks); n == 0 || blocks[n-1].Kind != kind {
				blocks = append(blocks, Block{Kind: kind})
			}
			b := &blocks[len(blocks)-1]
			text, i = lazy(text, lines, i)
			b.Items = append(b.Items, Spans(text))
			continue
		}
		var text string
		text, i = lazy(strings.TrimSpace(line), lines, i)
		blocks = append(blocks, Block{Kind: "paragraph", Text: Spans(text)})
	}
	return blocks
}

func listItem(line string) (kind, text string) {
	if m := bullet.FindStringSubmatch(line); m != nil {
		return "list", m[1]
	}
	if m := numbered.FindStringSubmatch(line); m != nil {
		return "numbered", m[1]
	}
	return "", ""
}

// lazy adds the lines that continue a paragraph or a list item; it returns the number of
// the last line that it took.
func lazy(text string, lines []string, i int) (string, int) {
	for i+1 < len(lines) {
		next := lines[i+1]
		kind, _ := listItem(next)
		if strings.TrimSpace(next) == "" || kind != "" || heading.MatchString(next) || strings.HasPrefix(next, "```") {
			break
		}
		text += " " + strings.TrimSpace(next)
		i++
	}
	return text, i
}

// Spans reads the inline marks of a line: `code`, **strong**, *em*, [text](address).
func Spans(text string) []Span {
	var spans []Span
	plain := func(s string) {
		if s != "" {
			spans = append(spans, Span{Text: s})
		}
	}
	for {
		m := inline.FindStringSubmatchIndex(text)
		if m == nil {
			plain(text)
			return spans
		}
		plain(text[:m[0]])
		part := func(n int) string { return text[m[2*n]:m[2*n+1]] }
		switch {
		case m[2] >= 0:
			spans = append(spans, Span{Style: "code", Text: part(1)})
		case m[4] >= 0:
			spans = append(spans, Span{Style: "strong", Text: part(2)})
		case m[6] >= 0:
			spans = append(spans, Span{Style: "em", Text: part(3)})
		case m[8] >= 0:
			spans = append(spans, link(part(4), part(5)))
		default:
			spans = append(spans, link(part(6), part(6)))
		}
		text = text[m[1]:]
	}
}

// link makes a link to a page of the web or of this site; any other address stays text.
func link(text, to string) Span {
	local := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") || strings.HasPrefix(to, "#")
	if local || strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "http://") {
		return Span{Style: "link", Text: text, To: to}
	}
	return Span{Text: text}
}
