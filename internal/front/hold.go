package front

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A port is taken as soon as its endpoint exists, since its number goes into
// the environment of functions, but the endpoint answers as its app shall only
// when all of the app is there. Until then connections stay where the kernel
// keeps those that nobody has accepted: a client that waits for the port finds
// it open, and its first request waits for the app.

const (
	// turnAwayPatience is how long a client that waited in vain has for its
	// request, and to read the answer.
	turnAwayPatience = time.Second
	// acceptPatience is for the next connection among those that wait already.
	acceptPatience = 20 * time.Millisecond
)

// notReady answers who waited for an app that is not going to run.
const notReady = "Suiro stopped before the app was ready; what it printed says why\n"

// Hold lets clients of endpoints that are opened from now on wait until Admit.
func (f *Front) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = true
}

// Admit serves all who wait, and who comes from now on.
func (f *Front) Admit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = false
	for _, l := range f.listeners {
		if l.held != nil {
			l.serve(l.held)
			l.held = nil
		}
	}
}

// letGo takes back the sockets on which nobody was served, if so.
func (f *Front) letGo(l *Listener) []net.Listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := l.held
	l.held = nil
	return held
}

// turnAway answers 503 to all who wait on sockets, and closes them.
func (l *Listener) turnAway(sockets []net.Listener) {
	var waiting []net.Conn
	for _, s := range sockets {
		waiting = append(waiting, pending(s)...)
		_ = s.Close()
	}
	if len(waiting) == 0 {
		return
	}
	l.endpoint.Direct = nil
	var open sync.WaitGroup
	open.Add(len(waiting))
	server := &http.Server{
		Protocols: l.server.Protocols, ErrorLog: l.server.ErrorLog,
		ReadHeaderTimeout: turnAwayPatience, WriteTimeout: turnAwayPatience,
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				open.Done()
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Content-Length", strconv.Itoa(len(notReady)))
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, notReady)
		}),
	}
	_ = server.Serve(&sniffing{&accepted{Listener: sockets[0], conns: waiting}, l})
	// Not Shutdown, which drops a request that comes from now on.
	defer time.AfterFunc(turnAwayPatience, func() { _ = server.Close() }).Stop()
	open.Wait()
}

// pending accepts the connections that wait on a socket.
func pending(s net.Listener) []net.Conn {
	var conns []net.Conn
	for {
		if d, ok := s.(interface{ SetDeadline(time.Time) error }); !ok || d.SetDeadline(time.Now().Add(acceptPatience)) != nil {
			return conns
		}
		c, err := s.Accept()
		if err != nil {
			return conns
		}
		conns = append(conns, c)
	}
}

// accepted is a closed listener with the connections that it has accepted.
type accepted struct {
	net.Listener
	conns []net.Conn
}

func (a *accepted) Accept() (net.Conn, error) {
	if len(a.conns) == 0 {
		return nil, net.ErrClosed
	}
	c := a.conns[0]
	a.conns = a.conns[1:]
	return c, nil
}
