package webadapter

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

const (
	probeEvery = 10 * time.Millisecond
	noteEvery  = 2 * time.Second
)

// awaitReady probes the server until it is ready, the process has ended or
// limit has passed (0: there is none).
func (s *server) awaitReady(session *environment.Session, limit time.Duration) {
	begun, ctx := time.Now(), session.Context
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	note := noteEvery
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		fixed, err := s.probe(ctx)
		if err == nil {
			s.ready = true
			s.port.settle(fixed)
			s.adapter.cfg.Started(fixed)
			return
		}
		if time.Since(begun) >= note {
			session.Log(fmt.Sprintf("app is not ready after %dms: %v", note.Milliseconds(), err))
			note += noteEvery
		}
		select {
		case <-ctx.Done():
			if session.Context.Err() != nil && s.port.taken {
				session.Log(fmt.Sprintf("port %d was taken when the server started: one that listens there whatever PORT says cannot start "+
					"(free the port, move Suiro's own with --port or suiro.yaml, or let the server read PORT)", s.set.Port))
			}
			return
		case <-tick.C:
		}
	}
}

// probe asks the server once, on the port it was given; a server that is not
// there may be on the port it is configured for.
func (s *server) probe(ctx context.Context) (fixed bool, err error) {
	if p := s.set.ReadinessPort; p != 0 { // of its own: the server opens two
		if err := s.probePort(ctx, p); err != nil {
			return false, err
		}
		return s.port.mayBeFixed && !listened(s.port.app) && listened(s.set.Port), nil
	}
	err = s.probePort(ctx, s.port.app)
	if err != nil && s.port.mayBeFixed && s.probePort(ctx, s.set.Port) == nil {
		return true, nil
	}
	return false, err
}

func (s *server) probePort(ctx context.Context, port int) error {
	address := joinHostPort(s.set.Host, port)
	if s.set.ReadinessTCP {
		conn, err := dial(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	target, err := url.Parse("http://" + address + s.set.ReadinessPath)
	if err != nil {
		return err
	}
	req := &http.Request{Method: http.MethodGet, URL: target, Header: http.Header{"User-Agent": {""}}}
	res, err := s.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	// A short answer is read so that its connection serves the first request;
	// one that goes on for ever is not waited for.
	if res.ContentLength >= 0 && res.ContentLength < 64<<10 {
		_, _ = io.Copy(io.Discard, res.Body)
	}
	_ = res.Body.Close()
	if !s.set.Healthy(res.StatusCode) {
		return fmt.Errorf("GET %s answers %d", s.set.ReadinessPath, res.StatusCode)
	}
	return nil
}
