package finrag

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestTheOperatorsTokenPassesNoProxy plants a proxy in every variable that names one, in a process of its own: Go reads them
// once. The controller's address is not on loopback, where no proxy is used anyway.
func TestTheOperatorsTokenPassesNoProxy(t *testing.T) {
	if os.Getenv("FINRAG_TEST_PROXY") != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		ca, err := NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		site := &Site{Authority: ca, Layout: Layout{Inside: map[string]string{"outside.controller": "controller.invalid:80"}},
			Secrets: map[string]string{CallToken: "token"}}
		if err := site.call(ctx); err == nil {
			t.Error("something answered")
		}
		if err := site.ControllerWatches(ctx); err == nil {
			t.Error("something answered")
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
	cmd := exec.Command(os.Args[0], "-test.run", "^TestTheOperatorsTokenPassesNoProxy$")
	cmd.Env = append(os.Environ(), "FINRAG_TEST_PROXY=1")
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
