package workloads

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"blackstart/internal/jsonpointer"
)

// fromLocation is the word for an id that stands in the header Location: the last part of its path.
const fromLocation = "Location"

// givenID is what stands for the id that the system gave in how a write is looked up.
const givenID = "{id}"

// GivenIDs implements Named.
func (h *httpLedger) GivenIDs() bool { return h.with.IDFrom != "" }

// Keep implements Named.
func (h *httpLedger) Keep(book *IDBook) { h.book = book }

// wrongGiven judges how a write is looked up by an id that the system gives it.
func (w httpLedgerWith) wrongGiven() (key, wrong, hint string) {
	p := jsonpointer.Pointer("")
	switch l := w.Lookup; {
	case w.IDFrom == "" && (strings.Contains(l.Path+l.Is, givenID) || l.Unused != ""):
		return "lookup", "asks by an id of the system's own, and nothing says where an answer has it", "write idFrom: a JSON pointer, or Location"
	case w.IDFrom == "":
		return "", "", ""
	case w.IDFrom != fromLocation && (p.UnmarshalText([]byte(w.IDFrom)) != nil || w.IDFrom[0] != '/'):
		return "idFrom", "is no place where an answer has an id", "write a JSON pointer such as /order/id, or Location for the header of that name"
	case l.Query != "":
		return "lookup", "asks a database by an id of the system's own: a write without an answer has none, and would be called absent on both sides", "write path: and pointer:, or leave idFrom out"
	case !strings.Contains(l.Path, givenID):
		return "lookup", "asks for no {id} by its path", "write one such as /orders/{id}"
	case strings.Contains(l.Is, own[1]) && !w.request().holds(own[1]):
		return "lookup", "is content with a {uuid} that no request sends", "write {uuid} in path, headers or body as well"
	}
	return "", "", ""
}

// request is the write as http.request sends one.
func (w httpLedgerWith) request() requestWith {
	return requestWith{Method: cmp.Or(w.Method, "POST"), Path: w.Path, Headers: w.Headers, Body: w.Body, Status: w.Status, Pointer: w.Pointer, Is: w.Is, Matches: w.Matches}
}

// given reads the id that an answer gives to a write.
func (w httpLedgerWith) given(r *fasthttp.Response) (id string, err error) {
	if w.IDFrom == fromLocation {
		u, err := url.Parse(string(r.Header.Peek(fromLocation)))
		if err == nil {
			parts := strings.Split(u.EscapedPath(), "/")
			id, err = url.PathUnescape(parts[len(parts)-1])
		}
		if err != nil {
			id = ""
		}
	} else if v, err := jsonpointer.Decode(r.Body()); err == nil {
		if id, err = jsonpointer.Pointer(w.IDFrom).Text(v); err != nil {
			id = ""
		}
	}
	if id == "" || len(id) > maxGivenID || !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%w: acknowledged without an id at %s, so nobody could look it up", errWrongAnswer, w.IDFrom)
	}
	return id, nil
}

// answered holds the answer to one write against what is expected of it, and keeps the id that it gives.
func (s *httpStore) answered(e LedgerEntry, check func([]byte) error) func(*fasthttp.Response) error {
	return func(r *fasthttp.Response) error {
		if check != nil {
			if err := check(r.Body()); err != nil {
				return err
			}
		}
		if s.with.IDFrom == "" {
			return nil
		}
		id, err := s.with.given(r)
		if err != nil {
			return err
		}
		again, err := s.book.put(e.ID, id)
		if err == nil && again && !s.with.tellsApart() {
			err = fmt.Errorf("%w: the id that it gives is that of another write", errWrongAnswer)
		}
		return err
	}
}

// tellsApart tells whether a record under an id that the system gave shows by itself which write it is of: then one that is another's says that this write is not there.
func (w httpLedgerWith) tellsApart() bool {
	return w.IDFrom != "" && strings.Contains(w.Lookup.Is, own[1])
}

// askable tells whether the ids that the system gave can be looked up.
func (s *httpStore) askable() error {
	switch {
	case s.with.IDFrom == "":
		return nil
	case s.book == nil:
		return errors.New("the ids that the system gave were not kept")
	case s.book.twice != "" && !s.with.tellsApart():
		return fmt.Errorf("the system gave the id %q to two writes, and which of them is there is not told by it: send a {uuid}, and write is: {uuid} in lookup", s.book.twice)
	}
	return nil
}

// idOf is what a write goes by; false where the system gives ids, and gave it none.
func (s *httpStore) idOf(run [16]byte, id uint64) (string, bool) {
	switch {
	case s.with.IDFrom == "":
		return writeUUID(run, id), true
	case id == nobody:
		return cmp.Or(s.with.Lookup.Unused, writeUUID(run, id)), true
	}
	return s.book.Of(id)
}
