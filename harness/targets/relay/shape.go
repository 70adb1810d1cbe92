package relay

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// A Shape is how one direction carries bytes. The zero Shape changes nothing.
type Shape struct {
	Latency   time.Duration // added to every byte; whole milliseconds
	Bandwidth int64         // in bytes per second, whole kilobytes; 0 is unlimited
}

func (s Shape) isZero() bool { return s == Shape{} }

func (s Shape) check() error {
	if s.Latency < 0 || s.Latency%time.Millisecond != 0 {
		return fmt.Errorf("shape the link: latency %v is not a whole, positive number of milliseconds", s.Latency)
	}
	if s.Bandwidth < 0 || s.Bandwidth%1000 != 0 {
		return fmt.Errorf("shape the link: bandwidth %d B/s is not a whole, positive number of kB/s", s.Bandwidth)
	}
	return nil
}

// SetLatency delays the bytes of both directions by d each, in whole
// milliseconds; 0 takes the delay away. See SetShape.
func (l *Link) SetLatency(d time.Duration) error {
	l.mu.Lock()
	upShape, downShape := l.shape[up], l.shape[down]
	l.mu.Unlock()
	upShape.Latency, downShape.Latency = d, d
	return l.SetShape(upShape, downShape)
}

// SetShape sets how bytes travel to the upstream and to the client. It holds
// for connections accepted from now on; those open are discarded with RST, so
// that no connection keeps the old shape.
func (l *Link) SetShape(toUpstream, toClient Shape) error {
	for _, s := range []Shape{toUpstream, toClient} {
		if err := s.check(); err != nil {
			return err
		}
	}
	l.verbs.Lock()
	defer l.verbs.Unlock()
	l.mu.Lock()
	same := l.shape == [2]Shape{toUpstream, toClient}
	l.shape = [2]Shape{toUpstream, toClient}
	cut := l.cut != 0
	l.mu.Unlock()
	if !same && !cut { // behind a cut they are dead already, and Heal discards them
		l.discard()
	}
	return nil
}

// toxicsOf returns the toxics that make the shape.
func (s Shape) toxicsOf() []*toxics.ToxicWrapper {
	var list []*toxics.ToxicWrapper
	if s.Latency > 0 {
		t := &toxics.LatencyToxic{Latency: s.Latency.Milliseconds()}
		list = append(list, &toxics.ToxicWrapper{Toxic: t, Type: "latency", Toxicity: 1, BufferSize: t.GetBufferSize()})
	}
	if s.Bandwidth > 0 {
		t := &toxics.BandwidthToxic{Rate: s.Bandwidth / 1000}
		list = append(list, &toxics.ToxicWrapper{Toxic: t, Type: "bandwidth", Toxicity: 1})
	}
	return list
}

// pumpShaped is pump with a chain of toxics between the read and the gate. The
// gate stands last, so a cut also stops what the toxics hold.
func (p *pair) pumpShaped(half int, src io.Reader, dst io.Writer) *endError {
	var running sync.WaitGroup
	defer running.Wait()
	var input chan *stream.StreamChunk
	var output chan *stream.StreamChunk
	for _, toxic := range p.shape[half].toxicsOf() {
		in := output
		if in == nil {
			in = make(chan *stream.StreamChunk, toxic.BufferSize)
			input = in
		}
		output = make(chan *stream.StreamChunk)
		stub := toxics.NewToxicStub(in, output)
		running.Go(func() { stub.Run(toxic) })
	}
	var readErr error
	running.Go(func() {
		writer := stream.NewChanWriter(input)
		_, readErr = io.Copy(onlyWriter{writer}, onlyReader{src})
		_ = writer.Close() // ends the toxics, one after the other, and output with them
	})
	var writeErr error
	for chunk := range output { // to the end in any case, or the toxics would wait for ever
		if writeErr == nil {
			if writeErr = p.pass(half, dst, chunk.Data); writeErr != nil {
				p.endReading(half)
			}
		}
	}
	running.Wait()
	if writeErr != nil {
		return &endError{writeErr, 1 - half}
	}
	if readErr != nil {
		return &endError{readErr, half}
	}
	return nil
}

// endReading lets the reader of a half whose writes fail come to its end.
func (p *pair) endReading(half int) {
	if src := p.end(half); src != nil {
		_ = src.SetReadDeadline(longAgo)
	}
}

// onlyReader and onlyWriter hide ReadFrom and WriteTo, which would bypass the chain.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }
