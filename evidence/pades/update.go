package pades

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"strconv"
)

// update collects the objects of one new revision.
type update struct {
	file    *file
	next    int // the next free object number
	objects map[ref][]byte
	sig     ref // the signature dictionary, whose /Contents is filled last
}

func (u *update) add(body []byte) ref {
	r := ref{u.next, 0}
	u.next++
	u.objects[r] = body
	return r
}

// addStream adds the appearance of a box.
func (u *update) addStream(box Rect, lines []string) ref {
	content := appearance(box, lines)
	b := appendObject(nil, appearanceDict(box, len(content)))
	b = append(b, "\nstream\n"...)
	b = append(b, content...)
	return u.add(append(b, "\nendstream"...))
}

// addField adds a signature field that is at the same time its widget (print, locked).
func (u *update) addField(page ref, title string, box Rect, sig object, lines []string) ref {
	d := dict{
		{"Type", name("Annot")}, {"Subtype", name("Widget")}, {"FT", name("Sig")}, {"T", encodeText(title)},
		{"F", number("132")}, {"Rect", box.object()}, {"P", page}, {"AP", dict{{"N", u.addStream(box, lines)}}},
	}
	if sig != nil {
		d = d.with("V", sig)
	}
	return u.add(appendObject(nil, d))
}

// write returns the whole new file and the place of the '<' that opens the signature's contents.
func (u *update) write() (out []byte, contents int, err error) {
	refs := make([]ref, 0, len(u.objects))
	for r := range u.objects {
		refs = append(refs, r)
	}
	sort.Slice(refs, func(i, j int) bool { return refs[i].num < refs[j].num })
	out = bytes.Clone(u.file.b)
	if out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	offsets := map[ref]int{}
	for _, r := range refs {
		offsets[r] = len(out)
		out = fmt.Appendf(out, "%d %d obj\n", r.num, r.gen)
		out = append(out, u.objects[r]...)
		if r == u.sig {
			contents = bytes.LastIndexByte(out, '<')
		}
		out = append(out, "\nendobj\n"...)
	}
	if contents == 0 {
		return nil, 0, errors.New("write revision: no signature object in it")
	}
	at := len(out)
	out = append(out, "xref\n"...)
	for i := 0; i < len(refs); {
		n := i + 1
		for n < len(refs) && refs[n].num == refs[n-1].num+1 {
			n++
		}
		out = fmt.Appendf(out, "%d %d\n", refs[i].num, n-i)
		for ; i < n; i++ {
			out = fmt.Appendf(out, "%010d %05d n \n", offsets[refs[i]], refs[i].gen)
		}
	}
	out = append(out, "trailer\n"...)
	out = appendObject(out, u.trailer())
	return fmt.Appendf(out, "\nstartxref\n%d\n%%%%EOF\n", at), contents, nil
}

// trailer continues that of the previous revision. A file without identifier gets one made from its digest.
func (u *update) trailer() dict {
	old := u.file.sections[0].trailer
	d := dict{{"Size", number(strconv.Itoa(u.next))}, {"Root", u.file.root}, {"Prev", number(strconv.Itoa(u.file.sections[0].at))}}
	if info := old.get("Info"); info != nil {
		d = d.with("Info", info)
	}
	id := old.get("ID")
	if id == nil {
		sum := sha256.Sum256(u.file.b)
		val := text{val: sum[:16], hex: true}
		id = array{val, val}
	}
	return d.with("ID", id)
}

// readRect reads a rectangle of four numbers.
func readRect(o object) (Rect, error) {
	list, ok := o.(array)
	if !ok || len(list) != 4 {
		return Rect{}, errors.New("no rectangle")
	}
	var v [4]float64
	for i, e := range list {
		n, ok := e.(number)
		if !ok {
			return Rect{}, errors.New("a rectangle holds something that is no number")
		}
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil {
			return Rect{}, fmt.Errorf("read rectangle: %w", err)
		}
		v[i] = f
	}
	r := Rect{v[0], v[1], v[2], v[3]}
	if !r.ok() {
		return Rect{}, errors.New("a rectangle is too small or lies outside the page")
	}
	return r, nil
}
