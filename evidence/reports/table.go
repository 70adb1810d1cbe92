package reports

import (
	"blackstart/evidence/words"
	"fmt"
	"strings"

	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/consts/border"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"
	"github.com/johnfercher/maroto/v2/pkg/core"
	"github.com/johnfercher/maroto/v2/pkg/props"
)

// column is one column of a table; the widths of a table add up to columns.
type column struct {
	title string
	width int
	empty string // printed for an empty cell
	style style
}

type style int

const (
	plain   style = iota
	strong        // bold
	machine       // digests and commands, in a fixed width
	verdict       // bold, coloured by its meaning
)

const cellSide = 0.8 // mm on either side of a cell

// table adds a table; its head is repeated on every page it reaches. An empty table is a sentence.
func (s *sheet) table(cols []column, rows [][]string, none string) {
	if len(rows) == 0 {
		s.say(none)
		return
	}
	left := 0
	if len(rows) > maxRows {
		left, rows = len(rows)-maxRows, rows[:maxRows]
	}
	head := func() {
		if cols[0].title == "" {
			return
		}
		cells := make([]core.Col, 0, len(cols))
		for _, c := range cols {
			cells = append(cells, text.NewCol(c.width, c.title, props.Text{Size: small, Style: fontstyle.Bold, Top: 0.9, Bottom: 0.9, Left: cellSide, Right: cellSide}))
		}
		s.m.AddRows(row.New().Add(cells...).WithStyle(&props.Cell{BackgroundColor: shading, BorderType: border.Bottom, BorderColor: rule}))
	}
	const headAndRow = 14 // mm
	s.room(headAndRow)
	head()
	for _, r := range rows {
		cells, h := s.cells(cols, r)
		if s.room(h) {
			head()
		}
		s.m.AddRows(row.New().Add(cells...).WithStyle(&props.Cell{BorderType: border.Bottom, BorderColor: rule, BorderThickness: 0.1}))
	}
	if left > 0 {
		s.note(fmt.Sprintf("%d more rows are not printed; all of them stand in record.json.", left))
	}
}

// rowsOf makes the cells of a row of each of a list.
func rowsOf[T any](list []T, cells func(T) []string) [][]string {
	rows := make([][]string, 0, len(list))
	for _, one := range list {
		rows = append(rows, cells(one))
	}
	return rows
}

// cells sets one row and returns the height it needs.
func (s *sheet) cells(cols []column, values []string) (out []core.Col, height float64) {
	for i, c := range cols {
		v := orElse(values[i], c.empty)
		p := props.Text{Size: small, Top: cellPad, Bottom: cellPad, Left: cellSide, Right: cellSide}
		switch c.style {
		case strong:
			p.Style = fontstyle.Bold
		case machine:
			p.Family, p.Size = mono, small-1
		case verdict:
			p.Style, p.Color = fontstyle.Bold, meaning(v)
		}
		set, h := s.set(v, c.width, p)
		height = max(height, h)
		out = append(out, text.NewCol(c.width, set, p))
	}
	return out, height
}

// tall is the height in millimetres that a table with a head needs.
func (s *sheet) tall(cols []column, rows [][]string) float64 {
	const head = 7
	sum := float64(head)
	for _, r := range rows {
		_, h := s.cells(cols, r)
		sum += h
	}
	return sum
}

// meaning colours a verdict; the word itself says the same without colour.
func meaning(v string) *props.Color {
	w := strings.ToLower(v)
	for _, m := range []struct {
		prefixes []string
		color    *props.Color
	}{
		{[]string{"pass", "ok", "supports", "met"}, good},
		{[]string{"fail", "not met", "error", "stopped", "contract", "wrong", "stale", "foreign", "certificate expired"}, bad},
		{[]string{"inconclusive", "interrupted", "partial", "not "}, unsure},
	} {
		for _, p := range m.prefixes {
			if strings.HasPrefix(w, p) {
				return m.color
			}
		}
	}
	return black
}

// set prepares a text for a number of grid columns: it is cleaned, words wider than the cell are cut, and the height in
// millimetres is returned.
func (s *sheet) set(t string, width int, p props.Text) (string, float64) {
	family := orElse(p.Family, sans)
	s.ruler.SetFont(family, string(p.Style), p.Size)
	// A little less than the cell, so that rounding cannot push a word over its edge.
	room := float64(width)*bodyWidth/columns - p.Left - p.Right - 0.2
	var words []string
	for _, w := range strings.Fields(printable(t)) {
		words = append(words, s.cut(w, room)...)
	}
	lines, used := 1, 0.0
	space := s.ruler.GetStringWidth(" ")
	for _, w := range words {
		wide := s.ruler.GetStringWidth(w)
		switch {
		case used == 0:
			used = wide
		case used+space+wide <= room:
			used += space + wide
		default:
			lines, used = lines+1, wide
		}
	}
	return strings.Join(words, " "), float64(lines)*p.Size/pointsPerMM + p.Top + p.Bottom
}

// cut breaks a word that is wider than room, after a separator where there is one in its last third.
func (s *sheet) cut(w string, room float64) []string {
	if s.ruler.GetStringWidth(w) <= room {
		return []string{w}
	}
	var out []string
	runes := []rune(w)
	for len(runes) > 0 {
		n, used := 0, 0.0
		for n < len(runes) {
			used += s.ruler.GetStringWidth(string(runes[n]))
			if used > room && n > 0 {
				break
			}
			n++
		}
		for k := n; n < len(runes) && k > n*2/3; k-- {
			if strings.ContainsRune("/-_.:=,@", runes[k-1]) {
				n = k
				break
			}
		}
		out, runes = append(out, string(runes[:n])), runes[n:]
	}
	return out
}

// printable makes a text printable: one line, nothing outside the basic plane (the library panics on that), no control
// characters, bounded in length.
func printable(t string) string {
	n := 0
	var b strings.Builder
	for _, r := range t {
		if n++; n > maxTextRune {
			b.WriteString(" … (cut)")
			break
		}
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case r < ' ' || r == 0x7f || r > 0xfffd || r >= 0xd800 && r <= 0xf8ff:
			r = '\ufffd'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// orElse returns v, or what stands for nothing.
func orElse(v, nothing string) string {
	if strings.TrimSpace(v) == "" {
		return nothing
	}
	return v
}

// fields adds a table of two columns.
func (s *sheet) fields(list []words.Field, none string) {
	rows := rowsOf(list, func(f words.Field) []string { return []string{f.Name, f.Value} })
	s.table([]column{{"", 21, "", strong}, {"", 39, words.NotRecorded, plain}}, rows, none)
}
