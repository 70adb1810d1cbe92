package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"blackstart/harness"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Page asks on a page for a room with a screen. Whoever knows its address, which holds a secret, can answer.
type Page struct {
	secret  string
	address string
	server  *http.Server

	mu   sync.Mutex
	n    int    // of the last task
	task *asked // nil while nobody is asked for anything
}

// asked is one task on the page.
type asked struct {
	N     int // number of the task: an answer to another is none
	Task  harness.PersonTask
	Since time.Time
	Begun string // who says that it has begun
	begun func(string)
	ended chan said
}

// said is how a task ends.
type said struct {
	who string
	err error
}

// ServePage listens on "address:port".
func ServePage(address string) (*Page, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	p := &Page{secret: rand.Text(), address: l.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{secret}", p.known(p.show))
	mux.HandleFunc("POST /{secret}", p.known(p.take))
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // until Close
	return p, nil
}

// URL is where the page is, with its secret.
func (p *Page) URL() string { return "http://" + p.address + "/" + p.secret }

// Secret is what stands in the address, to be taken out of whatever is kept.
func (p *Page) Secret() string { return p.secret }

// Close takes the page away.
func (p *Page) Close() { _ = p.server.Close() }

// Ask implements harness.People.
func (p *Page) Ask(ctx context.Context, task harness.PersonTask, begun func(string)) (string, error) {
	t := &asked{Task: task, Since: time.Now(), begun: begun, ended: make(chan said, 1)}
	p.mu.Lock()
	p.n++
	t.N, p.task = p.n, t
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.task = nil
		p.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case s := <-t.ended:
		return s.who, s.err
	}
}

// known answers only who knows the secret.
func (p *Page) known(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.PathValue("secret")), []byte(p.secret)) != 1 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		h(w, r)
	}
}

// show shows the task.
func (p *Page) show(w http.ResponseWriter, _ *http.Request) { p.write(w, http.StatusOK, "") }

func (p *Page) write(w http.ResponseWriter, status int, wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	data := struct {
		Asked *asked
		Words string
		For   time.Duration
		Wrong string
	}{Asked: p.task, Wrong: wrong}
	if p.task != nil {
		data.Words, data.For = words(p.task.Task), time.Since(p.task.Since).Round(time.Second)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, data) // somebody who went away sees nothing
}

// take hears what somebody says.
func (p *Page) take(w http.ResponseWriter, r *http.Request) {
	word := r.PostFormValue("say")
	who, err := named(r.PostFormValue("name"))
	if err != nil {
		p.write(w, http.StatusBadRequest, err.Error())
		return
	}
	p.mu.Lock()
	t := p.task
	if t == nil || r.PostFormValue("task") != strconv.Itoa(t.N) {
		p.mu.Unlock()
		p.write(w, http.StatusConflict, "What you answered is not asked any more; this is what is asked now.")
		return
	}
	switch word {
	case "begun":
		if t.Begun == "" {
			t.Begun = who
			t.begun(who)
		}
	case "done":
		t.end(said{who: who})
	case "cannot":
		t.end(said{err: &Cannot{who + ": " + r.PostFormValue("why")}})
	}
	p.mu.Unlock()
	http.Redirect(w, r, "/"+p.secret, http.StatusSeeOther)
}

// end ends the task by the first who says so.
func (a *asked) end(s said) {
	select {
	case a.ended <- s:
	default:
	}
}
