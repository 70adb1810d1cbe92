package workloads

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"blackstart/loadgen"
)

func TestRepliesOfARedis(t *testing.T) {
	for text, want := range map[string]any{
		"+OK\r\n": "OK", ":-12\r\n": int64(-12), "$3\r\na\r\n\r\n": "a\r\n", "$-1\r\n": nil, "*-1\r\n": nil, "$0\r\n\r\n": "",
		"*2\r\n$1\r\nx\r\n*1\r\n:7\r\n": []any{"x", []any{int64(7)}}, "*0\r\n": []any{},
	} {
		s := &redisSession{in: bufio.NewReaderSize(strings.NewReader(text), maxReplyLine)}
		if got, err := s.receive(); err != nil || !reflect.DeepEqual(got, want) || s.broken {
			t.Errorf("%q: %#v, %v", text, got, err)
		}
	}
}

// What is no reply, or none of a size that is read, breaks the session: nobody knows to what the next one belongs.
func TestBadRepliesBreakTheSession(t *testing.T) {
	for text, want := range map[string]error{
		"": io.EOF, "+OK": io.EOF, "+OK\n": errRedisReply, "\r\n": errRedisReply, "?1\r\n": errRedisReply, ":x\r\n": errRedisReply, ":\r\n": errRedisReply,
		"$2\r\nabc\r\n": errRedisReply, "$5\r\nab\r\n": io.ErrUnexpectedEOF, "$-2\r\n": errRedisReply, "$1048577\r\n": errRedisReply,
		"*4097\r\n": errRedisReply, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n": errRedisReply, "*2\r\n:1\r\n": io.EOF,
		"+" + strings.Repeat("a", maxReplyLine) + "\r\n": errRedisReply,
	} {
		s := &redisSession{in: bufio.NewReaderSize(strings.NewReader(text), maxReplyLine)}
		if got, err := s.receive(); !errors.Is(err, want) || !s.broken {
			t.Errorf("%.20q: %v, %v, broken %v", text, got, err, s.broken)
		}
	}
}

// Only what a server certainly refuses before it is carried out is a definite failure.
func TestFatesOfARedis(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want Fate
	}{
		"acknowledged":   {nil, Fate{loadgen.AttemptOK, loadgen.OK}},
		"a replica":      {redisError("READONLY You can't write against a read only replica."), Fate{loadgen.AttemptDefinite, loadgen.HTTP5xx}},
		"out of memory":  {redisError("OOM command not allowed"), Fate{loadgen.AttemptDefinite, loadgen.HTTP5xx}},
		"no right":       {redisError("NOPERM no permissions"), Fate{loadgen.AttemptDefinite, loadgen.HTTP4xx}},
		"a proxy's word": {redisError("ERR upstream failure"), Fate{loadgen.AttemptUnknown, loadgen.HTTP4xx}},
		"hung up":        {io.EOF, Fate{loadgen.AttemptUnknown, loadgen.Reset}},
		"no reply":       {errRedisReply, Fate{loadgen.AttemptUnknown, loadgen.WrongAnswer}},
	} {
		if got := redisFate(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
