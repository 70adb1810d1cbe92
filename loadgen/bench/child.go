package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// child is the part of a process this program started.
func child(name string, args []string) error {
	switch {
	case name == "child-server" && len(args) == 2:
		return serve(args)
	case name == "child-load" && len(args) == 5:
		return load(args)
	}
	return fmt.Errorf("unknown child %s with %d arguments", name, len(args))
}

// serve answers every request with 200 until stdin ends, and prints its address
// first and its stall last.
func serve(args []string) error {
	after, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var once sync.Once
	var from, to time.Time // the stall; set before any use, by once
	srv := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if length > 0 {
			once.Do(func() {
				from = time.Now().Add(after)
				to = from.Add(length)
			})
			if now := time.Now(); !now.Before(from) && now.Before(to) {
				time.Sleep(to.Sub(now))
			}
		}
		ctx.SetBodyString("ok")
	}}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	fmt.Println(l.Addr())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	var span stallSpan
	once.Do(func() {}) // a happens-before for from and to
	if !from.IsZero() {
		span = stallSpan{From: from.UnixNano(), To: to.UnixNano()}
	}
	return json.NewEncoder(os.Stdout).Encode(span)
}

// load runs the keep-alive client of http.query at a rate for a time.
func load(args []string) error {
	u, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	timeout, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	f, err := os.Create(args[4])
	if err != nil {
		return err
	}
	defer f.Close()
	kind, _ := workloads.Workloads.Get("http.query")
	pooled, err := kind.Make(map[string]any{"cohorts": []any{workloads.Pooled.String()}})
	if err != nil {
		return err
	}
	clock := loadgen.NewClock()
	start := clock.Now()
	r, err := workloads.Start(context.Background(), pooled, workloads.Config{
		Clock: clock, Rate: rate, Start: start, Timeout: timeout, Slots: uint64(float64(rate) * length.Seconds()),
		Entry: workloads.Entry{Scheme: "http", Name: u.Hostname(), Port: port, Method: "GET", Path: u.Path},
	}, workloads.Files{Samples: f})
	if err != nil {
		return err
	}
	stats, err := r.Wait()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(loadResult{
		Due: stats.Due, Sent: stats.Sent, OK: stats.OK, PeakWorkers: stats.PeakWorkers,
		Seconds: time.Duration(clock.Now() - start).Seconds(),
	})
}
