package workloads

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzRedisReply reads what a server may say: no panic, no more memory than the limits of a reply allow, and an answer that is
// left behind by an error is used for nothing more.
func FuzzRedisReply(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "-READONLY You can't\r\n", ":12\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "*-1\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$1048577\r\n", "*4097\r\n", "$3\r\nabcde", ":x\r\n", "\r\n", "$9223372036854775807\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &redisSession{in: bufio.NewReaderSize(bytes.NewReader(data), maxReplyLine)}
		reply, err := s.receive()
		if err != nil && reply != nil {
			t.Errorf("%v beside %v", reply, err)
		}
		if _, said := err.(redisError); err != nil && !said && !s.broken { //nolint:errorlint // receive gives it bare
			t.Errorf("%v, and the session goes on", err)
		}
		if n := sizeOf(reply, maxReplyDepth); n > len(data) {
			t.Errorf("%d bytes out of %d", n, len(data))
		}
	})
}

// sizeOf is how many bytes of text a value holds; more than any limit of one that is nested deeper than depth.
func sizeOf(v any, depth int) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case redisError:
		return len(v)
	case []any:
		if depth == 0 || len(v) > maxReplyItems {
			return 1 << 30
		}
		n := 0
		for _, item := range v {
			n += sizeOf(item, depth-1)
		}
		return n
	}
	return 0
}
