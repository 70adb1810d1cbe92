package pades

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Limits of what a page may draw, and what counts as visible.
const (
	maxOperators = 1 << 17
	maxNesting   = 8    // of saved graphics states
	leastType    = 4.0  // points; smaller type counts as hidden
	darkInk      = 0.65 // luminance up to which text counts as dark
	lightPaper   = 0.75 // luminance from which a filled area counts as paper
)

// mark is one thing that a page draws.
type mark struct {
	box  Rect // what it can cover
	text []rune
	font *typeface // nil: no text
	size float64
	ink  float64 // luminance: 0 is black
	x, y float64 // origin of the text
}

// painter reads the content of a page by an allow-list: exactly the operators that our layout uses, each with as many operands
// as it has. Anything else is refused, because what a reader does not understand it cannot call harmless.
type painter struct {
	fonts  map[name]*typeface
	images map[name]bool
	lex    lexer
	stack  []object
	now    graphics
	saved  []graphics
	inText bool
	from   [2]float64 // origin of the text object's line
	path   []Rect
	filled bool // the path is a rectangle
	marks  []mark
}

// graphics is the state that q saves and Q brings back.
type graphics struct {
	fill, stroke float64 // luminance
	width        float64 // of lines
	font         *typeface
	size         float64
	scaled       *Rect // where the next image goes, set by cm
}

// operator is how one operator is read.
type operator struct {
	operands int // all numbers, but those of Tf, Tj and Do
	do       func(p *painter, n []float64) error
}

var operators map[string]operator

func init() { // a literal would refer to itself through its functions
	operators = map[string]operator{
		"J": {1, nothing}, "j": {1, nothing}, "w": {1, func(p *painter, n []float64) error { p.now.width = math.Abs(n[0]); return nil }},
		"G":  {1, func(p *painter, n []float64) error { p.now.stroke = n[0]; return nil }},
		"g":  {1, func(p *painter, n []float64) error { p.now.fill = n[0]; return nil }},
		"RG": {3, func(p *painter, n []float64) error { p.now.stroke = luminance(n); return nil }},
		"rg": {3, func(p *painter, n []float64) error { p.now.fill = luminance(n); return nil }},
		"q":  {0, (*painter).save}, "Q": {0, (*painter).restore}, "cm": {6, (*painter).scale},
		"m": {2, (*painter).point}, "l": {2, (*painter).point}, "re": {4, (*painter).rectangle},
		"S": {0, (*painter).strokePath}, "f": {0, (*painter).fillPath},
		"BT": {0, (*painter).begin}, "ET": {0, (*painter).end}, "Td": {2, (*painter).move},
		"Tf": {-1, nil}, "Tj": {-1, nil}, "Do": {-1, nil},
	}
}

// paint reads a content stream and returns what it draws, in order.
func paint(content []byte, fonts map[name]*typeface, images map[name]bool) ([]mark, error) {
	p := &painter{fonts: fonts, images: images, lex: lexer{b: content}, now: graphics{width: 1}}
	for count := 0; ; count++ {
		if p.lex.skip(); p.lex.pos >= len(content) {
			break
		}
		if count > maxOperators {
			return nil, fmt.Errorf("read page: more than %d operators", maxOperators)
		}
		if err := p.step(); err != nil {
			return nil, fmt.Errorf("read page: at byte %d of its content: %w", p.lex.pos, err)
		}
	}
	if len(p.stack) > 0 || p.inText || len(p.saved) > 0 || len(p.path) > 0 {
		return nil, errors.New("read page: its content ends in the middle of something")
	}
	return p.marks, nil
}

// step reads one operand or carries out one operator.
func (p *painter) step() error {
	c := p.lex.b[p.lex.pos]
	if isDigit(c) || slices.Contains([]byte("+-./(<[]>"), c) {
		if len(p.stack) > 6 {
			return errors.New("too many operands")
		}
		o, err := p.lex.object(0)
		if err != nil {
			return err
		}
		p.stack = append(p.stack, o)
		return nil
	}
	word := p.lex.word()
	op, ok := operators[word]
	if !ok {
		return fmt.Errorf("operator %.12q is none that a report uses", word)
	}
	args := p.stack
	p.stack = nil
	if op.do == nil {
		return p.special(word, args)
	}
	if len(args) != op.operands {
		return fmt.Errorf("operator %s has %d operands", word, len(args))
	}
	n := make([]float64, len(args))
	for i, a := range args {
		var err error
		if n[i], err = toFloat(a); err != nil {
			return fmt.Errorf("operator %s: %w", word, err)
		}
	}
	if p.now.scaled != nil && word != "Q" {
		return fmt.Errorf("operator %s under a changed coordinate system", word)
	}
	if p.inText && !slices.Contains([]string{"ET", "Td"}, word) {
		return fmt.Errorf("operator %s inside a text", word)
	}
	return op.do(p, n)
}

// special carries out the operators with operands that are no numbers.
func (p *painter) special(word string, args []object) error {
	switch {
	case word == "Do" && len(args) == 1 && !p.inText:
		id, ok := args[0].(name)
		if !ok || !p.images[id] || p.now.scaled == nil {
			return fmt.Errorf("%v is drawn and is no image that has a place", args[0])
		}
		p.marks = append(p.marks, mark{box: *p.now.scaled})
		return nil
	case word == "Tf" && len(args) == 2 && p.inText:
		id, ok := args[0].(name)
		size, err := toFloat(args[1])
		if !ok || p.fonts[id] == nil || err != nil {
			return fmt.Errorf("font %v is not among those of the page", args[0])
		}
		p.now.font, p.now.size = p.fonts[id], size
		return nil
	case word == "Tj" && len(args) == 1 && p.inText && p.now.scaled == nil:
		if s, ok := args[0].(text); ok {
			return p.show(s.val)
		}
	}
	return fmt.Errorf("operator %s with the operands %v, or out of place", word, args)
}

func nothing(*painter, []float64) error { return nil }

func luminance(n []float64) float64 { return 0.2126*n[0] + 0.7152*n[1] + 0.0722*n[2] }

func toFloat(o object) (float64, error) {
	n, ok := o.(number)
	if !ok || len(n) > 20 {
		return 0, errors.New("an operand is no number")
	}
	v, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.Abs(v) > 1e6 {
		return 0, errors.New("an operand is no number of a page")
	}
	return v, nil
}

func (p *painter) save([]float64) error {
	if len(p.saved) == maxNesting {
		return errors.New("graphics states nested too deep")
	}
	p.saved = append(p.saved, p.now)
	return nil
}

func (p *painter) restore([]float64) error {
	if len(p.saved) == 0 || len(p.path) > 0 {
		return errors.New("a graphics state is brought back that was not saved")
	}
	p.now, p.saved = p.saved[len(p.saved)-1], p.saved[:len(p.saved)-1]
	return nil
}

// scale takes a matrix that places an image: no rotation, no mirroring.
func (p *painter) scale(n []float64) error {
	if n[0] <= 0 || n[3] <= 0 || n[1] != 0 || n[2] != 0 {
		return errors.New("a coordinate system that does not place an image")
	}
	p.now.scaled = &Rect{n[4], n[5], n[4] + n[0], n[5] + n[3]}
	return nil
}

func (p *painter) point(n []float64) error {
	p.path = append(p.path, Rect{n[0], n[1], n[0], n[1]})
	return nil
}

func (p *painter) rectangle(n []float64) error {
	p.filled = true
	p.path = append(p.path, Rect{min(n[0], n[0]+n[2]), min(n[1], n[1]+n[3]), max(n[0], n[0]+n[2]), max(n[1], n[1]+n[3])})
	return nil
}

// strokePath draws one straight line; at corners of more, the pen would reach farther than its width.
func (p *painter) strokePath([]float64) error {
	if len(p.path) != 2 || p.filled {
		return errors.New("something other than one straight line is drawn")
	}
	return p.drawPath(p.now.width)
}

// fillPath refuses dark areas: text on them would be no dark text on light paper.
func (p *painter) fillPath([]float64) error {
	if p.now.fill < lightPaper {
		return errors.New("a dark area is filled")
	}
	if len(p.path) != 1 || !p.filled {
		return errors.New("something other than one rectangle is filled")
	}
	return p.drawPath(0)
}

func (p *painter) drawPath(grow float64) error {
	if len(p.path) == 0 {
		return errors.New("a path that is none is drawn")
	}
	box := p.path[0]
	for _, r := range p.path[1:] {
		box = Rect{min(box.X1, r.X1), min(box.Y1, r.Y1), max(box.X2, r.X2), max(box.Y2, r.Y2)}
	}
	p.path, p.filled = nil, false
	p.marks = append(p.marks, mark{box: Rect{box.X1 - grow, box.Y1 - grow, box.X2 + grow, box.Y2 + grow}})
	return nil
}

func (p *painter) begin([]float64) error {
	if p.inText || len(p.path) > 0 {
		return errors.New("a text begins inside another, or inside a path")
	}
	p.inText, p.from = true, [2]float64{}
	return nil
}

func (p *painter) end([]float64) error {
	if !p.inText {
		return errors.New("a text ends that did not begin")
	}
	p.inText = false
	return nil
}

func (p *painter) move(n []float64) error {
	if !p.inText {
		return errors.New("a text is moved that did not begin")
	}
	p.from[0], p.from[1] = p.from[0]+n[0], p.from[1]+n[1]
	return nil
}

// show adds a run of text. A second one in the same text object would begin where the first ended: refused, our layout has none.
func (p *painter) show(codes []byte) error {
	if p.now.font == nil {
		return errors.New("text without a font")
	}
	runes, width, err := p.now.font.read(codes)
	if err != nil {
		return err
	}
	if len(runes) == 0 {
		return nil
	}
	size, x, y := p.now.size, p.from[0], p.from[1]
	switch {
	case size < leastType:
		return fmt.Errorf("hidden text: %.2f points large", size)
	case p.now.fill > darkInk:
		return errors.New("hidden text: as light as the paper")
	}
	const ascent, descent = 1.0, 0.3
	p.marks = append(p.marks, mark{box: Rect{x, y - descent*size, x + width*size, y + ascent*size}, text: runes, font: p.now.font, size: size, ink: p.now.fill, x: x, y: y})
	p.from[0] = math.Inf(1)
	return nil
}
