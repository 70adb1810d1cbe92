package procs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// longestLine is how much of a line of stderr a gate gets, in bytes.
const longestLine = 8 << 10

// gate holds the input of a program back until a line of its stderr lets it through.
type gate struct {
	ask      func(line string) (open bool, stdin []byte, err error)
	next     io.Writer // takes all of stderr
	line     []byte
	decided  bool
	out, in  *os.File // the program's end of its stdin, and ours
	finished chan struct{}
}

// gated gives a command, before it is started, a stdin behind a gate.
func gated(cmd *exec.Cmd, ask func(string) (bool, []byte, error), stderr io.Writer) (*gate, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the input of a program: %w", err)
	}
	g := &gate{ask: ask, next: stderr, out: out, in: in, finished: make(chan struct{})}
	cmd.Stdin, cmd.Stderr = out, g
	return g, nil
}

// Write takes what the program complains of, line by line. It is called by one goroutine.
func (g *gate) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if room := longestLine - len(g.line); room > 0 {
			g.line = append(g.line, line[:min(room, len(line))]...)
		}
		if whole {
			g.judge(string(bytes.TrimRight(g.line, "\r")))
			g.line = g.line[:0]
		}
		rest = after
	}
	return g.next.Write(p)
}

// judge asks what a line decides, and gives or refuses the input.
func (g *gate) judge(line string) {
	open, stdin, err := g.ask(line)
	if g.decided || !open && err == nil {
		return
	}
	g.decided = true
	if err != nil {
		stdin = nil
	}
	go func() { // a program that does not read is not waited for: end closes the pipe
		defer close(g.finished)
		_, _ = g.in.Write(stdin)
		_ = g.in.Close()
	}()
}

// end lets go of the pipe when the program has ended, or was never started.
func (g *gate) end() {
	_ = g.out.Close()
	_ = g.in.Close()
	if g.decided {
		<-g.finished
	}
}
