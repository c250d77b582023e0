package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/sigv4"
	"github.com/suiro-dev/suiro/internal/socket"
)

// partner is what the scripts connect to.
type partner struct{ work sync.WaitGroup }

// serve opens the partner's port and names its URLs in the environment.
func (p *partner) serve(e *testscript.Env) error {
	f, err := front.New(front.Config{CADir: e.WorkDir + "/.config/suiro", FirstPort: 24000})
	if err != nil {
		return err
	}
	l, err := f.Open(context.Background(), front.Endpoint{Resource: "Partner", Kind: "websocket", Handler: p})
	if err != nil {
		return err
	}
	e.Defer(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = f.Close(ctx)
		p.work.Wait()
	})
	e.Setenv("WS", l.Authority()) // without a scheme it is ws
	e.Setenv("WSS", l.URL("wss"))
	e.Setenv("HTTP", l.URL("http"))
	e.Setenv("HTTPS", l.URL("https"))
	return nil
}

func (p *partner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/refuse":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"Forbidden"}`)
	case "/chunks":
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "second ")
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": hello\nevent: x\ndata: {\"n\":1}\n\ndata: two\ndata:lines\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // until the client has enough
	case "/body":
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s\n", r.Method, body)
	default:
		if r.Header.Get("Upgrade") == "" {
			http.NotFound(w, r)
			return
		}
		p.converse(w, r)
	}
}

func (p *partner) converse(w http.ResponseWriter, r *http.Request) {
	var said []string
	for _, f := range front.RawHeader(r) {
		if f.Name == "x-Token" || f.Name == "Authorization" || f.Name == "Sec-WebSocket-Protocol" {
			said = append(said, f.Name+": "+f.Value)
		}
	}
	c := new(socket.Conn)
	if c.Upgrade(w, r, nil, &socket.Options{}) != nil {
		return
	}
	switch r.URL.Path {
	case "/headers":
		_ = c.Send([]byte(strings.Join(said, "; ")))
	case "/signed":
		said := "not signed"
		if claim, err := sigv4.Parse(r); err == nil {
			said = fmt.Sprintf("signed by %s for %s in %s", claim.AccessKeyID, claim.Service, claim.Region)
			if err := (&sigv4.Verifier{}).Verify(r, &claim, "secret", []byte{}); err != nil {
				said = err.Error()
			}
		}
		_ = c.Send([]byte(said))
	case "/close":
		code, _ := strconv.Atoi(r.URL.RawQuery)
		c.Close(code, "because")
	}
	p.work.Go(func() { c.Serve(parrot{}) })
}

// parrot says what it hears, but for one word.
type parrot struct{}

func (parrot) Message(c *socket.Conn, data []byte, _ bool) {
	if string(data) == "lose" {
		c.Abort()
	}
	_ = c.Send(data)
}
func (parrot) Closed(*socket.Conn, int, string) {}
