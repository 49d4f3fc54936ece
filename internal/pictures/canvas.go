package pictures

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// typefaces are the fonts of a picture.
type typefaces struct{ text, mono *sfnt.Font }

// parseTypefaces parses the fonts once.
var parseTypefaces = sync.OnceValues(func() (f typefaces, err error) {
	if f.text, err = opentype.Parse(goregular.TTF); err != nil {
		return f, err
	}
	f.mono, err = opentype.Parse(gomono.TTF)
	return f, err
})

// point is a place on a canvas, in pixels from the top left corner.
type point struct{ x, y float64 }

// canvas is a picture that lines and texts are drawn on.
type canvas struct {
	pixels *image.RGBA
	pen    vector.Rasterizer
}

// newCanvas makes a white canvas.
func newCanvas(width, height int) *canvas {
	c := &canvas{pixels: image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(c.pixels, c.pixels.Bounds(), image.White, image.Point{}, draw.Src)
	return c
}

// line draws a line through points.
func (c *canvas) line(ink color.Color, thickness float64, points ...point) {
	// Only what is around the line is filled: a picture may have thousands of short ones.
	area := image.Rectangle{}
	for _, p := range points {
		area = area.Union(image.Rect(int(p.x-thickness)-1, int(p.y-thickness)-1, int(p.x+thickness)+2, int(p.y+thickness)+2))
	}
	area = area.Intersect(c.pixels.Bounds())
	c.pen.Reset(area.Dx(), area.Dy())
	for i := 1; i < len(points); i++ {
		c.addSegment(thickness, points[i-1].from(area.Min), points[i].from(area.Min))
	}
	c.pen.Draw(c.pixels, area, image.NewUniform(ink), image.Point{})
}

// from is the place of a point as seen from another one.
func (p point) from(origin image.Point) point {
	return point{p.x - float64(origin.X), p.y - float64(origin.Y)}
}

// addSegment adds a straight piece of a line to what the pen draws next. It is half the
// thickness longer on each side, so that pieces meet without a gap.
func (c *canvas) addSegment(thickness float64, a, b point) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	half := thickness / 2
	dx, dy := (b.x-a.x)/length*half, (b.y-a.y)/length*half
	for i, p := range []point{
		{a.x - dx - dy, a.y - dy + dx}, {b.x + dx - dy, b.y + dy + dx},
		{b.x + dx + dy, b.y + dy - dx}, {a.x - dx + dy, a.y - dy - dx},
	} {
		if i == 0 {
			c.pen.MoveTo(float32(p.x), float32(p.y))
		} else {
			c.pen.LineTo(float32(p.x), float32(p.y))
		}
	}
	c.pen.ClosePath()
}

// dashed draws a vertical line of dashes.
func (c *canvas) dashed(ink color.Color, thickness, x, top, bottom float64) {
	const dash, gap = 4, 3
	for y := top; y < bottom; y += dash + gap {
		c.line(ink, thickness, point{x, y}, point{x, min(y+dash, bottom)})
	}
}

// align says which part of a text is at its place.
type align int

const (
	left align = iota
	center
	right
)

// writer writes texts of one font and size.
type writer struct {
	c    *canvas
	font *sfnt.Font
	face font.Face
	ink  color.Color
}

func (c *canvas) writer(f *sfnt.Font, size float64, ink color.Color) (writer, error) {
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	return writer{c, f, face, ink}, err
}

// write writes at most n characters of a text; y is its baseline.
func (w writer) write(s string, n int, a align, x, y float64) {
	s = drawable(w.font, s, n)
	d := font.Drawer{Dst: w.c.pixels, Src: image.NewUniform(w.ink), Face: w.face}
	switch width := float64(d.MeasureString(s)) / 64; a {
	case center:
		x -= width / 2
	case right:
		x -= width
	}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(math.Round(x) * 64), Y: fixed.Int26_6(math.Round(y) * 64)}
	d.DrawString(s)
}

// drawable cuts a text to n characters of one line and replaces what the font does not have.
func drawable(f *sfnt.Font, s string, n int) string {
	indent := len(s) - len(strings.TrimLeft(s, " "))
	runes := []rune(strings.Repeat(" ", min(indent, n)) + s[indent:])
	if len(runes) > n {
		runes = append(runes[:n-1], '…')
	}
	var room sfnt.Buffer
	for i, x := range runes {
		if glyph, err := f.GlyphIndex(&room, x); err != nil || glyph == 0 || x < ' ' || x == 0x7f {
			runes[i] = '?'
		}
	}
	return string(runes)
}
