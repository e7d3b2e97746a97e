package badge

import (
	"context"
	"encoding/json"
	"io"

	"mxseal/checks/report"
	"mxseal/templates"
)

// Shield is a badge as data, in the schema of shields.io endpoints.
type Shield struct {
	SchemaVersion int    `json:"schemaVersion" doc:"Version of the schema of such endpoints; 1."`
	Label         string `json:"label" doc:"The left part."`
	Message       string `json:"message" doc:"The right part: the letter and its day, or why there is none."`
	Color         string `json:"color" doc:"Of the right part."`
	CacheSeconds  int    `json:"cacheSeconds" doc:"How long it may be kept."`
}

// Color is the colour of a letter's seal, as in style.css.
func Color(l report.Letter) string {
	switch l {
	case report.LetterAPlus, "A":
		return "#1f7043"
	case "B":
		return "#2f6f86"
	case "C":
		return "#8f6a14"
	case "D":
		return "#a8560f"
	case "E":
		return "#b0401a"
	case "F":
		return "#9c2320"
	}
	return "#6b665d"
}

// drawBadge draws a badge in one of its forms.
func drawBadge(ctx context.Context, w io.Writer, b templates.Badge, form string) error {
	switch form {
	case ".svg":
		return templates.BadgeSVG(b).Render(ctx, w)
	case ".json":
		message := b.Message
		if b.Date != "" {
			message += " · " + b.Date
		}
		content, err := json.Marshal(Shield{1, templates.BadgeLabel, message, b.Color, 300})
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	case "@2x.png":
		return drawPNG(w, b, 2)
	}
	return drawPNG(w, b, 1)
}

func drawPNG(w io.Writer, b templates.Badge, scale float64) error {
	width, height := b.Size()
	c := newCanvas(width, height, scale)
	fill, white := rgb(b.Color), rgb("#ffffff")
	type part struct {
		words
		text string
	}
	var parts []part
	if b.Style == "seal" {
		c.box(0, 0, float64(width), float64(height), 6, 6, rgb(b.Paper()))
		c.seal(0, 0, 44, fill)
		ink := rgb(b.Ink())
		parts = []part{
			{words{x: 22, y: 28, size: 18, anchor: .5, bold: true, fill: white}, string(b.Letter)},
			{words{x: 53, y: 20, size: 14, bold: true, fill: ink}, templates.BadgeLabel},
			{words{x: 53, y: 36, size: 11.5, fill: ink}, b.Below()},
		}
	} else {
		c.box(0, 0, templates.LabelWidth, 20, 3, 0, rgb(b.Ground()))
		c.box(templates.LabelWidth, 0, float64(width-templates.LabelWidth), 20, 0, 3, fill)
		parts = []part{
			{words{x: templates.LabelWidth / 2, y: 14, size: 11.5, anchor: .5, fill: white}, templates.BadgeLabel},
			{words{x: float64(templates.LabelWidth+width) / 2, y: 14, size: 11.5, anchor: .5, bold: b.Date != "", fill: white}, b.Message},
		}
	}
	for _, p := range parts {
		if err := c.text(p.words, p.text); err != nil {
			return err
		}
	}
	return c.png(w)
}

// drawSender draws the badge of a sender in one of its forms.
func drawSender(ctx context.Context, w io.Writer, b templates.SenderBadge, form string) error {
	scale := 1.0
	switch form {
	case ".svg":
		return templates.SenderBadgeSVG(b).Render(ctx, w)
	case "@2x.png":
		scale = 2
	}
	width, height := b.Size()
	c, white := newCanvas(width, height, scale), rgb("#ffffff")
	c.box(0, 0, templates.SenderLabelWidth, 20, 3, 0, rgb(templates.Badge{}.Ground()))
	c.box(templates.SenderLabelWidth, 0, float64(width-templates.SenderLabelWidth), 20, 0, 3, rgb(b.Color))
	if err := c.text(words{x: templates.SenderLabelWidth / 2, y: 14, size: 11.5, anchor: .5, fill: white}, templates.SenderLabel); err != nil {
		return err
	}
	if err := c.text(words{x: float64(templates.SenderLabelWidth+width) / 2, y: 14, size: 11.5, anchor: .5, fill: white}, b.Message()); err != nil {
		return err
	}
	return c.png(w)
}
