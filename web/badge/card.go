package badge

import (
	"cmp"
	"image/color"
	"io"
	"strings"

	"golang.org/x/image/font"

	"mxseal/checks/report"
)

// The size of a card, as sites that show links like it.
const (
	cardWidth  = 1200
	cardHeight = 630
	cardText   = 500 // where the text begins
	cardMargin = 70
)

// drawCard draws the card of a report.
func drawCard(w io.Writer, r *report.Report) error {
	var g report.Grade
	if r.Grade != nil {
		g = *r.Grade
	}
	letter := cmp.Or(g.Letter, "?")
	name := r.UnicodeDomain
	if name == "" || !drawable(name) { // a script that the font does not have
		name = r.Domain
	}
	ink, soft, paper := rgb("#1f1d1a"), rgb("#5d5850"), rgb("#faf8f3")
	c := newCanvas(cardWidth, cardHeight, 1)
	c.paint(paper)
	c.seal(70, 115, 370, rgb(Color(letter)))
	if err := c.rating(Of(r), paper); err != nil {
		return err
	}
	name, size, err := fit(name, 76, 30, cardWidth-cardText-cardMargin)
	if err != nil {
		return err
	}
	if err := c.text(words{x: cardText, y: 225, size: size, bold: true, fill: ink}, name); err != nil {
		return err
	}
	lines, err := wrap(g.Sentence, 36, cardWidth-cardText-cardMargin, 5)
	if err != nil {
		return err
	}
	for i, line := range lines {
		if err := c.text(words{x: cardText, y: 300 + 48*float64(i), size: 36, fill: ink}, line); err != nil {
			return err
		}
	}
	foot := "mxseal · checked " + r.CheckedAt.UTC().Format("2 January 2006")
	if g.Provisional {
		foot += " · provisional"
	}
	if err := c.text(words{x: cardText, y: 560, size: 27, fill: soft}, foot); err != nil {
		return err
	}
	return c.png(w)
}

// rating writes into the seal of a card: a letter, or in words why there is none.
func (c canvas) rating(s Summary, ink color.Color) error {
	if s.Message == "" {
		return c.text(words{x: 255, y: 358, size: 165, anchor: .5, bold: true, fill: ink}, string(s.Letter))
	}
	lines := strings.Fields(s.Message)
	for i, word := range lines {
		word, size, err := fit(word, 56, 30, 280)
		if err != nil {
			return err
		}
		if err := c.text(words{x: 255, y: 320 + 62*(float64(i)-float64(len(lines)-1)/2), size: size, anchor: .5, bold: true, fill: ink}, word); err != nil {
			return err
		}
	}
	return nil
}

// fit finds the largest size between most and least at which the text is not wider than
// width. Where it is too wide even at the least, its middle is left out.
func fit(text string, most, least, width float64) (string, float64, error) {
	f, err := face(true, least)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	wide := func(text string) float64 { return float64(font.MeasureString(f, text)) / 64 }
	if size := least * width / max(wide(text), 1); size >= least { // widths grow with the size
		return text, min(size, most), nil
	}
	runes := []rune(text)
	for keep := len(runes) - 1; keep > 1; keep-- {
		short := string(runes[:(keep+1)/2]) + "…" + string(runes[len(runes)-keep/2:])
		if wide(short) <= width {
			return short, least, nil
		}
	}
	return "…", least, nil
}

// wrap breaks a text between words into at most max lines; what is left over is dropped.
func wrap(text string, size, width float64, max int) ([]string, error) {
	f, err := face(false, size)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && float64(font.MeasureString(f, longer))/64 > width {
			lines, line = append(lines, line), word
		} else {
			line = longer
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines[:min(len(lines), max)], nil
}
