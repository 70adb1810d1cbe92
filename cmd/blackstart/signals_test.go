package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestTerminalThatGoesAwayStopsInGoodOrder(t *testing.T) {
	heard := make(chan os.Signal, 1) // also where the tests themselves run under nohup
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	if !slices.Contains(shutdownSignals(), os.Signal(syscall.SIGHUP)) {
		t.Fatal("a drill would die with its terminal, its fault in force")
	}
	ctx, stop := signal.NotifyContext(t.Context(), shutdownSignals()...)
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the signal did not arrive")
	}
}

func TestNohupIsObeyed(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if slices.Contains(shutdownSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("told to outlive the terminal, it would stop with it")
	}
}
