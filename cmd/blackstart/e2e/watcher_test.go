package e2e

import (
	"bytes"
	"strings"
	"sync"
)

// watcher collects output and closes seen once it holds a text.
type watcher struct {
	want string
	seen chan struct{}

	mu   sync.Mutex // guards what follows
	buf  bytes.Buffer
	done bool
}

func newWatcher(want string) *watcher { return &watcher{want: want, seen: make(chan struct{})} }

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if !w.done && strings.Contains(w.buf.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
