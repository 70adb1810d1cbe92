package component

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that announces more than there is room for is not read to its end.
func TestARedisThatSaysTooMuch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // of a test
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()                                     //nolint:errcheck // of a test
		_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // so that a test ends
		lines := bufio.NewScanner(c)
		for lines.Scan() && !strings.EqualFold(lines.Text(), "info") { // a greeting that it does not know
			if strings.EqualFold(lines.Text(), "hello") {
				_, _ = fmt.Fprint(c, "-ERR unknown command\r\n")
			}
		}
		_, err = fmt.Fprintf(c, "$%d\r\n", 64<<20)
		for filler := strings.Repeat("x", 1<<16); err == nil; {
			_, err = fmt.Fprint(c, filler)
		}
	}()
	k := &redisKind{redisWith{Encryption: "none"}}
	if _, err := k.Look(t.Context(), At{Address: l.Addr().String()}); err == nil || !strings.Contains(err.Error(), "it says more than 1048576 bytes") {
		t.Error(err)
	}
}
