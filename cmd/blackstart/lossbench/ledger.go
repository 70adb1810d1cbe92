package main

import (
	"net"
	"slices"

	"blackstart/loadgen"
)

func sortByDone(all []loadgen.Attempt) {
	slices.SortFunc(all, func(a, b loadgen.Attempt) int { return int(a.Done - b.Done) })
}

// freePort finds a port that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
