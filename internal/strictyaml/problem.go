package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxProblems bounds how many problems are reported at once; the rest shows once these are mended.
const MaxProblems = 100

// Problem is one thing that is wrong with a file, and what to write instead. Line and Column count from 1.
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

// Problems is everything that is wrong with a file, in order of file and line: the file that was asked for first. It is
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

// Collector gathers problems, each once.
type Collector struct {
	first    string // the file that was asked for: its problems come first
	list     []Problem
	reported map[Problem]bool
}

// NewCollector gathers the problems of a file and of those that it extends.
func NewCollector(first string) *Collector {
	return &Collector{first: first, reported: map[Problem]bool{}}
}

// Add reports a problem; what repeats another is passed over.
func (c *Collector) Add(at Pos, hint, message string, args ...any) {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	c.put(Problem{File: at.File, Line: max(at.Line, 1), Column: max(at.Col, 1), Message: message, Hint: hint})
}

func (c *Collector) put(p Problem) {
	if c.reported[p] || len(c.list) >= MaxProblems {
		return
	}
	c.reported[p] = true
	c.list = append(c.list, p)
}

// Err is nil if nothing is wrong.
func (c *Collector) Err() error {
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
