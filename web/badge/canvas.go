package badge

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// canvas draws a picture in units that are scale pixels each.
type canvas struct {
	img   *image.RGBA
	scale float64
}

func newCanvas(width, height int, scale float64) canvas {
	return canvas{image.NewRGBA(image.Rect(0, 0, int(float64(width)*scale), int(float64(height)*scale))), scale}
}

// png writes the picture.
func (c canvas) png(w io.Writer) error { return png.Encode(w, c.img) }

// fill fills the shape that outline draws, smooth at its edges.
func (c canvas) fill(fill color.Color, outline func(*vector.Rasterizer)) {
	size := c.img.Bounds().Size()
	z := vector.NewRasterizer(size.X, size.Y)
	outline(z)
	z.Draw(c.img, c.img.Bounds(), image.NewUniform(fill), image.Point{})
}

// box fills a rectangle; left and right say how round the corners of either side are.
func (c canvas) box(x, y, w, h, left, right float64, fill color.Color) {
	c.fill(fill, func(z *vector.Rasterizer) {
		at := func(x, y float64) (float32, float32) { return float32(x * c.scale), float32(y * c.scale) }
		move := func(x, y float64) { a, b := at(x, y); z.MoveTo(a, b) }
		line := func(x, y float64) { a, b := at(x, y); z.LineTo(a, b) }
		bend := func(cx, cy, x, y float64) { a, b := at(cx, cy); e, f := at(x, y); z.QuadTo(a, b, e, f) }
		move(x+left, y)
		line(x+w-right, y)
		bend(x+w, y, x+w, y+right)
		line(x+w, y+h-right)
		bend(x+w, y+h, x+w-right, y+h)
		line(x+left, y+h)
		bend(x, y+h, x, y+h-left)
		line(x, y+left)
		bend(x, y, x+left, y)
		z.ClosePath()
	})
}

// seal fills the outline of the seal: eighteen scallops around a circle, as in the drawing
// of the pages (templates.SealPath). size is the side of the square it stands in.
func (c canvas) seal(x, y, size float64, fill color.Color) {
	const scallops = 18
	c.fill(fill, func(z *vector.Rasterizer) {
		at := func(radius, step float64) (float32, float32) {
			sin, cos := math.Sincos(step * 2 * math.Pi / scallops)
			return float32((x + size*(60+radius*sin)/120) * c.scale), float32((y + size*(60-radius*cos)/120) * c.scale)
		}
		z.MoveTo(at(51, 0))
		for i := range scallops {
			bx, by := at(62, float64(i)+.5)
			ex, ey := at(51, float64(i)+1)
			z.QuadTo(bx, by, ex, ey)
		}
		z.ClosePath()
	})
}

// fonts are the two weights of the Go fonts.
var fonts = sync.OnceValues(func() (list [2]*sfnt.Font, err error) {
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		if list[i], err = opentype.Parse(ttf); err != nil {
			return list, err
		}
	}
	return list, nil
})

// smallText is below which, in pixels, letters begin at whole pixels: between them they blur.
const smallText = 16

// face is a font at a size in units, times the scale.
func face(bold bool, size float64) (font.Face, error) {
	list, err := fonts()
	if err != nil {
		return nil, err
	}
	f := list[0]
	if bold {
		f = list[1]
	}
	hinting := font.HintingNone
	if size < smallText {
		hinting = font.HintingFull
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: hinting})
}

// drawable reports whether the font has every character of the text.
func drawable(text string) bool {
	list, err := fonts()
	if err != nil {
		return false
	}
	for _, r := range text {
		if i, err := list[1].GlyphIndex(nil, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}

// words says how a text is set. Anchor is 0 for a text that begins at x, .5 for one that is
// centred there.
type words struct {
	x, y, size, anchor float64
	bold               bool
	fill               color.Color
}

// middleDot takes the one dot of the Go fonts that stands in the middle of small letters; their
// U+00B7 stands above them.
var middleDot = strings.NewReplacer("\u00b7", "\u2219")

// text writes on the baseline at y.
func (c canvas) text(w words, text string) error {
	f, err := face(w.bold, w.size*c.scale)
	if err != nil {
		return err
	}
	defer f.Close()
	text = middleDot.Replace(text)
	x := w.x*c.scale - w.anchor*float64(font.MeasureString(f, text))/64
	if w.size*c.scale < smallText {
		x = math.Round(x)
	}
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(w.fill), Face: f,
		Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(w.y * c.scale * 64)}}
	d.DrawString(text)
	return nil
}

// paint fills everything.
func (c canvas) paint(fill color.Color) {
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(fill), image.Point{}, draw.Src)
}

// rgb reads #rrggbb; anything else is black.
func rgb(hex string) color.Color {
	if len(hex) != 7 {
		return color.Black
	}
	n, err := strconv.ParseUint(hex[1:], 16, 24)
	if err != nil {
		return color.Black
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
