package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many problems are reported at once; the rest shows once these are mended.
const maxProblems = 100

// Problem is one thing that is wrong with a scenario, and what to write instead. Line and Column count from 1.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to write instead
}

// String is the problem on one line: file:line: what is wrong: what to write instead.
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
	if p.Hint != "" {
		s += ": " + p.Hint
	}
	return s
}

// Problems is everything that is wrong with a scenario, in order of file and line: the file that was asked for first. It is
// an error, never empty, and every entry has a line.
type Problems []Problem

// Error prints one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// collector gathers problems, each once.
type collector struct {
	first string // the file that was asked for: its problems come first
	list  []Problem
	seen  map[Problem]bool
}

func newCollector(first string) *collector {
	return &collector{first: first, seen: map[Problem]bool{}}
}

func (c *collector) add(at pos, hint, message string, args ...any) {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	c.put(Problem{File: at.file, Line: max(at.line, 1), Column: max(at.col, 1), Message: message, Hint: hint})
}

func (c *collector) put(p Problem) {
	if c.seen[p] || len(c.list) >= maxProblems {
		return
	}
	c.seen[p] = true
	c.list = append(c.list, p)
}

// err is nil if nothing is wrong.
func (c *collector) err() error {
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(a, b Problem) int {
		other := func(p Problem) int {
			if p.File == c.first {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(other(a), other(b)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	return Problems(c.list)
}
