package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"blackstart/harness"
)

// TestTheTargetsLogPassesNoProxy plants a proxy, in a process of its own: Go reads the variables once.
func TestTheTargetsLogPassesNoProxy(t *testing.T) {
	if os.Getenv("BLACKSTART_TEST_PROXY") != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		for _, scheme := range []string{"http", "https"} {
			if _, err := readDecisions(ctx, harness.DecisionLog{URL: scheme + "://controller.invalid/audit"}); err == nil {
				t.Errorf("%s: something answered", scheme)
			}
		}
		return
	}
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	asked := make(chan struct{}, 100)
	go func() {
		for {
			c, err := proxy.Accept()
			if err != nil {
				return
			}
			asked <- struct{}{}
			_ = c.Close()
		}
	}()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestTheTargetsLogPassesNoProxy$")
	cmd.Env = append(os.Environ(), "BLACKSTART_TEST_PROXY=1")
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"=http://"+proxy.Addr().String())
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if len(asked) > 0 {
		t.Errorf("the proxy was asked %d times", len(asked))
	}
}
