package terminal

import (
	"errors"
	"io"
	"strings"
	"testing"

	"mxseal/checks/view"
)

// squeezed is text with one space between words, and one around its lines.
func squeezed(text string) string {
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		lines = append(lines, strings.Join(strings.Fields(l), " "))
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

func TestEveryKindOfBlock(t *testing.T) {
	long := strings.Repeat("words ", 30)
	blocks := []view.Block{
		view.Facts{{Label: "Short", Text: "one", More: "less"}, {Label: "Lines", Text: "first\n second"}, {Label: "A label that is longer than any column", Text: "at once"}, {Label: "Long", Text: long}},
		view.Table{Title: "Versions", Heads: []view.Head{{Name: "Version"}, {Name: "Class"}}, Rows: [][]view.Cell{{{Text: "TLS 1.3"}, {Text: "good", More: "chosen"}}, {{Text: "TLS 1.2"}, {Text: long}}}},
		view.List{Title: "Servers:", Items: []view.Item{{Mark: "fail", Text: "ns1 is silent.", More: "since long"}, {Text: "ns2"}}},
		view.Note("A paragraph."),
		view.Code{Title: "Transcript", Text: "S  220 hello\nC  EHLO"},
		view.Fold{Title: "Certificate", Brief: "valid", Blocks: []view.Block{view.Note("Within.")}},
		view.Ladder{Title: "MX records", State: "secure", Rungs: []view.Rung{{Name: "the root", State: "secure"}}},
	}
	var b strings.Builder
	p := newPrinter(&b, false)
	p.blocks("  ", blocks)
	text := squeezed(b.String())
	for _, want := range []string{
		"Short one less", "Lines first", "second", "A label that is longer than any column at once", "Version Class", "TLS 1.3 good, chosen",
		"Servers:", "✗ ns1 is silent. since long", "- ns2", "A paragraph.", "S 220 hello", "C EHLO", "Certificate valid", "Within.",
		"MX records: signed and valid", "✓ the root signed and valid",
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %q in\n%s", want, b.String())
		}
	}
	if n := strings.Count(text, "words"); n != 60 {
		t.Errorf("%d words of 60 are left", n)
	}
	for _, l := range strings.Split(b.String(), "\n") {
		if len([]rune(l)) > usual {
			t.Errorf("wider than %d: %q", usual, l)
		}
	}
}

// Cells are below the head of their column.
func TestColumns(t *testing.T) {
	var out strings.Builder
	newPrinter(&out, false).table("    ", view.Table{Heads: []view.Head{{Name: "a"}, {Name: "long head"}, {Name: "b"}}, Rows: [][]view.Cell{{{Text: "wide cell"}, {Text: "–"}, {Text: "x"}}}})
	lines := strings.Split(out.String(), "\n")
	if strings.Index(lines[0], "long") != 4+len("wide cell")+2 || strings.Index(lines[0], "b") != strings.Index(lines[1], "x")-len("–")+1 {
		t.Errorf("%q", lines)
	}
}

func TestAClosedTerminal(t *testing.T) {
	p := newPrinter(closed{}, true)
	p.blocks("", []view.Block{view.Note("Nobody hears.")})
	if !errors.Is(p.err, io.ErrClosedPipe) {
		t.Errorf("error %v", p.err)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Colour takes no room.
func TestColourIsNotWide(t *testing.T) {
	p := newPrinter(io.Discard, true)
	if n := wide(p.bold("mx ") + p.sign("fail") + "é"); n != 5 {
		t.Errorf("%d characters, want 5", n)
	}
}
