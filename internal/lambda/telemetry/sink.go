package telemetry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// sink is where a subscription's batches go.
type sink interface {
	send(ctx context.Context, batch [][]byte) error
	close()
}

// sendTimeout bounds a delivery; AWS's is not documented.
const sendTimeout = 5 * time.Second

func (r *Request) sink(ctx context.Context) (sink, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port))
	if r.URL == nil {
		d := net.Dialer{Timeout: sendTimeout}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("nobody listens on port %d of the destination: %w", r.Port, err)
		}
		return &tcpSink{conn}, nil
	}
	// sandbox.localdomain is a name for the environment itself.
	t := &http.Transport{MaxIdleConns: 1, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
	return &httpSink{url: r.URL.String(), method: r.Method, transport: t}, nil
}

// httpSink posts a JSON array.
type httpSink struct {
	url, method string
	transport   *http.Transport
}

func (s *httpSink) send(ctx context.Context, batch [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	body := append(append([]byte("["), bytes.Join(batch, []byte(","))...), ']')
	req, err := http.NewRequestWithContext(ctx, s.method, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sequence-Id", base64.StdEncoding.EncodeToString(sum[:])) // RIE's way to name a batch
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		return fmt.Errorf("the subscriber answered %s", res.Status)
	}
	return nil
}

func (s *httpSink) close() { s.transport.CloseIdleConnections() }

// tcpSink writes an event a line.
type tcpSink struct{ conn net.Conn }

func (s *tcpSink) send(ctx context.Context, batch [][]byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := s.conn.Write(append(bytes.Join(batch, []byte("\n")), '\n'))
	return err
}

func (s *tcpSink) close() { _ = s.conn.Close() }
