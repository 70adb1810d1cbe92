package call

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"blackstart/internal/pgdial"
)

// silent is a server that takes a session, begins a transaction, refuses the statement, and then says nothing more.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = c.Close() })
		b := pgproto3.NewBackend(c, c)
		_, err = b.ReceiveStartupMessage()
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		for refused := false; err == nil && b.Flush() == nil; {
			var m pgproto3.FrontendMessage
			m, err = b.Receive()
			switch m.(type) {
			case *pgproto3.Query:
				if refused {
					continue
				}
				b.Send(&pgproto3.CommandComplete{CommandTag: []byte("BEGIN")})
				b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
			case *pgproto3.Parse:
				b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42601", Message: "syntax error"})
				refused = true
			case *pgproto3.Sync:
				b.Send(&pgproto3.ReadyForQuery{TxStatus: 'E'})
			}
		}
	}()
	return l.Addr().String()
}

// The end of a transaction is not waited for: a server that says nothing more holds nobody up.
func TestNobodyWaitsForTheEnd(t *testing.T) {
	for _, how := range []func(ctx context.Context, k Kind, around Around){
		func(ctx context.Context, k Kind, around Around) { _, _ = k.Reach(ctx, around) },
		func(ctx context.Context, k Kind, around Around) { k.Call(ctx, around, true) },
	} {
		address := silent(t)
		around := Around{Database: func(ctx context.Context, _ string) (*pgx.Conn, error) {
			return pgdial.Connect(ctx, pgdial.Params{Address: address, User: "u", Database: "d"})
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		done := make(chan struct{})
		go func() {
			defer close(done)
			how(ctx, &sqlCall{sqlWith{On: "db", Statement: "SELECT 1"}}, around)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("it waits for a server that says nothing more")
		}
		cancel()
	}
}
