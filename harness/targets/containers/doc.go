// Package containers is the second way to rehearse finrag: every component a container, every region a network of its own,
// links between places real networks, made through testcontainers-go on any Docker-compatible engine of this machine.
//
//	outside    dns, controller          clients, receivers and the harness stand on the host, on every network's gateway
//	   │  └──────────────┐
//	   │ outside-east    │ outside-west    networks between places carry the links
//	┌──▼─────────┐   ┌───▼────────┐
//	│ east       │   │ west       │        networks inside: the private path, never cut
//	│ api → db ◀─┼───┼─ db ◀ api  │
//	└────────────┘   └────────────┘
//	          west-east carries the WAL
//
// A gate, a container of its own, holds the network of each component, so that addresses and packet filter outlive a kill
// of the component, and connections to what was killed are refused as on a machine that lives. A link is cut by dropping
// its packets in the gate of the component it leads to: no proxy is in the path, and nobody answers a SYN. Only the link
// whose latency the setting wal.latency asks for goes through a relay.
//
// It never touches a container, network or volume without the label of its own run, never promotes anything and judges
// nothing. Linux only: the host must reach the engine's bridges.
package containers

import (
	"time"

	"blackstart/harness/targets/finrag"
)

// Limits.
const (
	// EngineAnswer bounds the question whether there is an engine.
	EngineAnswer = 2500 * time.Millisecond
	// BuildLimit bounds the build of one image.
	BuildLimit = 10 * time.Minute
	// DatabaseReady bounds the first start of a database, which makes its directory, until it answers.
	DatabaseReady = 60 * time.Second
	// PartReady bounds the start of any other component until it does its work.
	PartReady = 30 * time.Second
	// ReapLimit bounds the removal of everything of one run.
	ReapLimit = 60 * time.Second

	launchLimit  = 60 * time.Second // one container, once its start has begun
	askTimeout   = time.Second
	gateAnswer   = 5 * time.Second // one rule set
	stopPatience = 2 * time.Second // with a server that is asked to stop
	toolTimeout  = 60 * time.Second
	logLines     = 8        // quoted in an error
	logLimit     = 64 << 20 // bytes kept of one container's log
	dumpLimit    = 256 << 20
	answerLimit  = 1 << 20
	atOnce       = 4 // containers started at the same time
	reapRounds   = 40
	reapPause    = 250 * time.Millisecond
)

// Labels of everything a run makes.
const (
	labelRun       = "blackstart.run"
	labelComponent = "blackstart.component"
)

// Ports inside the networks; each component has an address of its own.
const (
	apiPort        = 8443
	databasePort   = 5432
	cachePort      = 6379
	dnsPort        = 5353
	dnsControlPort = 5380
	controllerPort = 5390
)

// The places.
const (
	east    = finrag.East
	west    = finrag.West
	outside = finrag.Outside
	walNet  = "west-east"
)

// An Error is a trouble with one component that a person has to mend.
type Error = finrag.Error
