package containers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// A gate is the container that holds the network of one component. Its methods are called by one goroutine at a time.
type gate struct {
	engine  *engine
	name    string
	id      string
	address map[string]string // by network
	talk    *client.HijackedResponse
	pending []byte // of the answer that is being read
}

// attach starts the program that waits for rule sets, so that a cut needs no more than one line to it.
func (g *gate) attach(ctx context.Context) error {
	exec, err := g.engine.ExecCreate(ctx, g.id, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: []string{"/bin/sh", "/gate.sh"},
	})
	if err != nil {
		return fmt.Errorf("prepare the gate of %s: %w", g.name, err)
	}
	attached, err := g.engine.ExecAttach(ctx, exec.ID, client.ExecAttachOptions{})
	if err != nil {
		return fmt.Errorf("prepare the gate of %s: %w", g.name, err)
	}
	g.talk, g.pending = &attached.HijackedResponse, nil
	return nil
}

func (g *gate) close() {
	if g.talk != nil {
		g.talk.Close()
		g.talk = nil
	}
}

// apply makes the rules the only ones in force. A conversation that has broken is begun anew, once.
func (g *gate) apply(ctx context.Context, rules []string) error {
	if g.talk != nil && g.sendRules(ctx, rules) == nil {
		return nil
	}
	g.close()
	if err := g.attach(ctx); err != nil {
		return err
	}
	if err := g.sendRules(ctx, rules); err != nil {
		return fmt.Errorf("set the packet filter of %s: %w", g.name, err)
	}
	return nil
}

func (g *gate) sendRules(ctx context.Context, rules []string) error {
	deadline := time.Now().Add(gateAnswer)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := g.talk.Conn.SetDeadline(deadline); err != nil {
		return err
	}
	line := ""
	for _, r := range rules {
		line += r + `\n`
	}
	if _, err := io.WriteString(g.talk.Conn, line+"\n"); err != nil {
		return err
	}
	answer, err := g.line()
	if err != nil {
		return err
	}
	if answer != "ok" {
		return errors.New(answer)
	}
	return nil
}

// line reads one line out of the frames in which the engine sends stdout and stderr: kind, three zeros, length, bytes.
func (g *gate) line() (string, error) {
	for {
		if i := strings.IndexByte(string(g.pending), '\n'); i >= 0 {
			line := string(g.pending[:i])
			g.pending = g.pending[i+1:]
			return line, nil
		}
		var head [8]byte
		if _, err := io.ReadFull(g.talk.Reader, head[:]); err != nil {
			return "", err
		}
		n := binary.BigEndian.Uint32(head[4:])
		if n > answerLimit {
			return "", fmt.Errorf("the answer has %d bytes, which no answer has", n)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(g.talk.Reader, b); err != nil {
			return "", err
		}
		g.pending = append(g.pending, b...)
	}
}

// openGate starts the gate of a component in its networks.
func (r *rehearsal) openGate(ctx context.Context, name string, networks []string) (*gate, error) {
	var names []string
	for _, n := range networks {
		names = append(names, r.networks[n].name)
	}
	c, err := r.launch(ctx, testcontainers.ContainerRequest{
		Image: r.images[imageGate].ref, Name: r.nameOf(name + ".gate"), Networks: names,
		HostConfigModifier: withCapability("NET_ADMIN"),
	})
	if err != nil {
		return nil, &Error{Component: name, Err: fmt.Errorf("open its gate: %w", err), Hint: r.hint(err.Error())}
	}
	g := &gate{engine: r.engine, name: name, id: c, address: map[string]string{}}
	info, err := r.engine.ContainerInspect(ctx, c, client.ContainerInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("open the gate of %s: %w", name, err)
	}
	for _, n := range networks {
		end := info.Container.NetworkSettings.Networks[r.networks[n].name]
		if end == nil || !end.IPAddress.IsValid() {
			return nil, &Error{Component: name, Err: fmt.Errorf("its gate has no address in network %s", n), Hint: "look at the engine's log"}
		}
		g.address[n] = end.IPAddress.String()
	}
	return g, nil
}
