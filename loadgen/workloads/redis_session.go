package workloads

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// The protocol is spoken here and not by a client library: those dial again, send again and pool by themselves, and then
// nobody knows whether a write has left. It is RESP 2, which every Redis speaks.

// Limits of one reply.
const (
	maxReplyLine  = 4 << 10
	maxReplyBulk  = 1 << 20
	maxReplyItems = 1 << 12
	maxReplyDepth = 4
)

var (
	errReplica    = errors.New("it is a replica and takes no writes")
	errRedisReply = errors.New("reply that is none")
)

// redisError is an error that the server answered.
type redisError string

func (e redisError) Error() string { return "redis answered " + string(e) }

// code is the first word of it, such as READONLY.
func (e redisError) code() string { code, _, _ := strings.Cut(string(e), " "); return code }

// redisSession is one connection to a Redis.
type redisSession struct {
	addr   string
	nc     net.Conn
	in     *bufio.Reader
	out    []byte
	master bool // when it was opened
	broken bool // its replies do not belong to its commands any more
}

var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (s *redisSession) address() string       { return s.addr }
func (s *redisSession) ended() bool           { return s.broken }
func (s *redisSession) gone() <-chan struct{} { return closedChannel } // the server drops what hangs up
func (s *redisSession) close()                { _ = s.nc.Close() }

// dialRedis opens a session, says who we are, and asks what the node is.
func dialRedis(ctx context.Context, db Database, addr string) (*redisSession, error) {
	d := net.Dialer{KeepAlive: -1}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	login := db.login(addr)
	if login.TLS != nil {
		nc = tls.Client(nc, login.TLS)
	}
	s := &redisSession{addr: addr, nc: nc, in: bufio.NewReaderSize(nc, maxReplyLine)}
	defer context.AfterFunc(ctx, s.close)()
	if err := s.greet(ctx, login); err != nil {
		s.close()
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return s, nil
}

// greet authenticates, chooses the database, and finds out whether the node is a master.
func (s *redisSession) greet(ctx context.Context, as Login) error {
	deadline, _ := ctx.Deadline()
	var hello [][]string
	switch {
	case as.User != "":
		hello = append(hello, []string{"AUTH", as.User, as.Password})
	case as.Password != "":
		hello = append(hello, []string{"AUTH", as.Password})
	}
	if as.Name != "" {
		hello = append(hello, []string{"SELECT", as.Name})
	}
	for _, command := range hello {
		if _, err := s.do(deadline, command...); err != nil {
			return err
		}
	}
	reply, err := s.do(deadline, "HELLO", "2")
	if err != nil {
		return err
	}
	fields, _ := reply.([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "role" {
			s.master = fields[i+1] == "master"
			return nil
		}
	}
	return fmt.Errorf("%w: HELLO tells no role", errRedisReply)
}

// do sends one command and waits for its reply until deadline.
func (s *redisSession) do(deadline time.Time, args ...string) (any, error) {
	s.queue(args...)
	if err := s.send(deadline); err != nil {
		return nil, err
	}
	return s.receive()
}

// queue adds a command to those that are sent next.
func (s *redisSession) queue(args ...string) {
	s.out = fmt.Appendf(s.out, "*%d\r\n", len(args))
	for _, a := range args {
		s.out = fmt.Appendf(s.out, "$%d\r\n%s\r\n", len(a), a)
	}
}

// send sends what is queued. Its replies must come by deadline.
func (s *redisSession) send(deadline time.Time) error {
	err := s.nc.SetDeadline(deadline)
	if err == nil {
		_, err = s.nc.Write(s.out)
	}
	s.out = s.out[:0]
	s.broken = s.broken || err != nil
	return err
}

// receive reads the reply to the command that comes next.
func (s *redisSession) receive() (any, error) {
	reply, err := s.value(maxReplyDepth)
	if err != nil {
		s.broken = true
		return nil, err
	}
	if said, ok := reply.(redisError); ok {
		return nil, said
	}
	return reply, nil
}

// value reads one value: string, int64, redisError, []any of these, or nil.
func (s *redisSession) value(depth int) (any, error) {
	line, err := s.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("%w: a line of more than %d bytes", errRedisReply, maxReplyLine)
	}
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || text == "" {
		return nil, fmt.Errorf("%w: a line without an end", errRedisReply)
	}
	kind, text := text[0], text[1:]
	switch kind {
	case '+':
		return text, nil
	case '-':
		return redisError(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: a number is wanted", errRedisReply)
	case kind == ':':
		return n, nil
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil //nolint:nilnil // what a Redis says of what is not there
	case kind == '$' && n >= 0 && n <= maxReplyBulk:
		return s.bulk(int(n))
	case kind == '*' && n >= 0 && n <= maxReplyItems && depth > 0:
		all := make([]any, n)
		for i := range all {
			if all[i], err = s.value(depth - 1); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("%w: %q of %d", errRedisReply, kind, n)
}

// bulk reads a string of n bytes.
func (s *redisSession) bulk(n int) (any, error) {
	b := make([]byte, n+2)
	if _, err := io.ReadFull(s.in, b); err != nil {
		return nil, err
	}
	if string(b[n:]) != "\r\n" {
		return nil, fmt.Errorf("%w: a string without an end", errRedisReply)
	}
	return string(b[:n]), nil
}

// redisInteger demands an integer of a reply.
func redisInteger(reply any, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	n, ok := reply.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: a number is wanted", errRedisReply)
	}
	return n, nil
}
