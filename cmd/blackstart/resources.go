package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/targets/postgres"
	"blackstart/internal/shortage"
)

// What a drill holds besides its clients, each with its reason.
const (
	ownDescriptors = 160 // files, listeners, the receivers of alerts, probes and checks
	targetFiles    = 800 // open files of two database servers and the parts of finrag
	targetThreads  = 220 // of the database servers' account: background processes, and a backend for each client
	ourThreads     = 120 // ours and those of finrag's parts
	clientMemory   = 96 << 10
	targetMemory   = 384 << 20
	addressSpace   = 2 << 30 // of one process: Go reserves more than it uses
	relayed        = 3       // descriptors of a client's connection in our process: the client's, and both ends of the link
	timeWait       = 60      // seconds for which Linux keeps the port of a connection that is closed
	loopbackLimit  = time.Second
)

// clients are what one drill's loads hold at the same time, at the worst: a target that answers nothing.
type clients struct {
	connections int64 // open or being opened
	ports       int64 // towards one address, with those that the kernel still keeps
}

func clientsOf(s harness.Scenario, reuse bool) clients {
	var c clients
	for _, l := range s.Load {
		perSecond := l.Rate.PerSecond()
		waiting := int64(math.Ceil(perSecond*l.Timeout.D().Seconds())) + 1
		if perSecond == 0 {
			continue
		}
		if t, _ := loads.Traits(l); t.Conns > 0 { // bounded, on each of the two databases
			c.connections += 2 * min(waiting, int64(t.Conns))
			continue
		}
		kept := int64(perSecond) // a second, where the kernel lets a port be used again on loopback
		if !reuse {
			kept *= timeWait
		}
		c.connections += waiting
		c.ports += waiting + kept
	}
	return c
}

// needs is what a drill needs of this machine.
func needs(s harness.Scenario, on string, reuse bool) shortage.Amounts {
	c := clientsOf(s, reuse)
	n := shortage.Amounts{
		Descriptors: ownDescriptors + c.connections, Files: ownDescriptors + targetFiles + 2*c.connections,
		Processes: ourThreads, Memory: targetMemory + c.connections*clientMemory, Addresses: addressSpace, Ports: c.ports,
	}
	switch on {
	case "containers":
	case harness.External: // the target's processes are nowhere near
		n.Files, n.Memory = ownDescriptors+c.connections, c.connections*clientMemory
	default: // the links are ours, and so are the target's processes
		n.Descriptors = ownDescriptors + relayed*c.connections
		n.Files += relayed * c.connections
		n.Processes += targetThreads
	}
	return n
}

// ground is where the target's processes are: the value of --on, or elsewhere.
func (f *runFlags) ground() string {
	if f.file != nil {
		return harness.External
	}
	return f.on
}

// resources holds what the drill needs against what this machine has left, before anything starts: a drill that runs short
// halfway would take its own trouble for the target's.
func (f *runFlags) resources(ctx context.Context, s harness.Scenario) error {
	if err := loopback(ctx); err != nil {
		return err
	}
	if err := shortage.Raise(); err != nil {
		return harnessError(err, "")
	}
	lacks := shortage.Free(postgres.UID()).Shortfalls(needs(s, f.ground(), shortage.PortsAreReused()))
	if len(lacks) == 0 {
		return nil
	}
	var what, mend []string
	for _, l := range lacks {
		what, mend = append(what, l.What), append(mend, l.Mend)
	}
	return harnessError(fmt.Errorf("this machine has too little for the drill: %s", strings.Join(what, "; ")),
		"nothing was started; run first: "+strings.Join(mend, " && ")+" (where the hard limit is lower, as root); or lower the rates or timeouts of the loads")
}

// loopback sees that this machine can speak to itself: our receivers, links and the target's parts do so all the time.
func loopback(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loopbackLimit)
	defer cancel()
	for _, host := range []string{"127.0.0.1", "127.77.1.1"} {
		err := dialSelf(ctx, host)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return nil // not the network: the limits are looked at next
		}
		if err != nil {
			return harnessError(fmt.Errorf("this machine cannot speak to itself on %s: %w", host, err), "bring its loopback interface up: ip link set lo up")
		}
	}
	return nil
}

// dialSelf opens a connection to ourselves.
func dialSelf(ctx context.Context, host string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	return conn.Close()
}
