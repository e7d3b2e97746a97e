package badge

import (
	"bytes"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font"

	"mxseal/checks/report"
	"mxseal/templates"
)

// graded is a report with a letter, so many days old.
func graded(domain string, l report.Letter, days int, badges ...report.Badge) *report.Report {
	return &report.Report{Meta: report.Meta{Schema: report.Schema, ID: strings.ReplaceAll(domain, ".", "-"), Domain: domain, UnicodeDomain: domain, CheckedAt: time.Now().UTC().AddDate(0, 0, -days)}, Conclusions: report.Conclusions{Rules: report.RulesSet, Badges: badges, Grade: &report.Grade{Letter: l, Sentence: "What the letter says."}}}
}

func TestBadgeTextsFitTheirBoxes(t *testing.T) {
	width, _ := templates.Badge{Style: "flat"}.Size()
	for text, room := range map[string]int{
		templates.BadgeLabel: templates.LabelWidth,
		"does not exist":     width - templates.LabelWidth, "undeliverable": width - templates.LabelWidth, "outdated": width - templates.LabelWidth, "not tested": width - templates.LabelWidth, "no mail domain": width - templates.LabelWidth, "takes no mail": width - templates.LabelWidth,
	} {
		f, err := face(false, 11.5)
		if err != nil {
			t.Fatal(err)
		}
		if got := font.MeasureString(f, text).Ceil(); got > room-6 {
			t.Errorf("%q is %d wide and has %d", text, got, room)
		}
	}
}

// Whatever ground a badge stands on, its own text is on a ground that it brings along, with the
// contrast that text needs (WCAG 2.2 §1.4.3).
func TestBadgesCanBeReadOnEveryGround(t *testing.T) {
	luminance := func(c color.Color) float64 {
		r, g, b, _ := c.RGBA()
		linear := func(v uint32) float64 {
			s := float64(v) / 0xffff
			if s <= .04045 {
				return s / 12.92
			}
			return math.Pow((s+.055)/1.055, 2.4)
		}
		return .2126*linear(r) + .7152*linear(g) + .0722*linear(b)
	}
	contrast := func(a, b color.Color) float64 {
		x, y := luminance(a), luminance(b)
		return (max(x, y) + .05) / (min(x, y) + .05)
	}
	for _, dark := range []bool{false, true} {
		for _, letter := range []report.Letter{"A+", "B", "C", "D", "E", "F", "?"} {
			b := templates.Badge{Message: "A+", Date: "30 Sep 2026", Letter: letter, Color: Color(letter), Style: "seal", Dark: dark}
			for what, pair := range map[string][2]string{"ink on paper": {b.Ink(), b.Paper()}, "white on the seal": {"#ffffff", b.Color}, "white on the label": {"#ffffff", b.Ground()}} {
				if got := contrast(rgb(pair[0]), rgb(pair[1])); got < 4.5 {
					t.Errorf("%s, dark %v: %s has a contrast of %.1f", letter, dark, what, got)
				}
			}
			var content bytes.Buffer
			if err := drawPNG(&content, b, 1); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&content)
			if err != nil {
				t.Fatal(err)
			}
			for y := 3; y < 41; y++ { // not a pixel of the text's part lets the ground through
				for x := 45; x < 169; x++ {
					if _, _, _, a := img.At(x, y).RGBA(); a != 0xffff {
						t.Fatalf("%s, dark %v: the ground shows at %d,%d", letter, dark, x, y)
					}
				}
			}
			var svg bytes.Buffer
			if err := templates.BadgeSVG(b).Render(t.Context(), &svg); err != nil || !strings.Contains(svg.String(), `rx="6" fill="`+b.Paper()+`"`) {
				t.Errorf("%v\n%s", err, svg.String())
			}
		}
	}
}

// The dot between letter and day stands in the middle of the line, as in every other font.
func TestTheDotIsNotRaised(t *testing.T) {
	f, err := face(false, 100)
	if err != nil {
		t.Fatal(err)
	}
	middle := func(r rune) int {
		b, _, ok := f.GlyphBounds(r)
		if !ok {
			t.Fatalf("the font has no %c", r)
		}
		return ((b.Min.Y + b.Max.Y) / 2).Round()
	}
	dot := []rune(middleDot.Replace("·"))[0]
	if got, want := middle(dot), middle('x'); got < want-5 || got > want+5 {
		t.Errorf("the dot stands at %d, the middle of an x at %d", got, want)
	}
}

func BenchmarkColdCard(b *testing.B) {
	r := graded("a.example", "A+", 0, "DANE")
	for b.Loop() {
		if err := drawCard(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkColdPNG(b *testing.B) {
	badge := Of(graded("a.example", "A+", 0, "DANE")).badge("seal", false)
	for b.Loop() {
		if err := drawBadge(b.Context(), io.Discard, badge, "@2x.png"); err != nil {
			b.Fatal(err)
		}
	}
}

// What the font does not have is shown as A-label.
func TestDrawable(t *testing.T) {
	for name, can := range map[string]bool{"bücher.example": true, "пример.example": true, "例え.example": false, "\u202eevil.example": false} {
		if got := drawable(name); got != can {
			t.Errorf("drawable(%q) is %v", name, got)
		}
	}
}
