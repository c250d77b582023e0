package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// client trusts what the user of this machine would have it trust.
func (s *session) client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}}
}

// chunk is what one read of a body gave, and when.
type chunk struct {
	at   time.Time
	data []byte
}

// exchange sends a request and reads the answer as it comes.
func (s *session) exchange(ctx context.Context, st *httpStep) (*http.Response, []chunk, error) {
	method, body := st.Method, []byte(s.fill(st.Body))
	if st.JSON != nil {
		var err error
		if body, err = json.Marshal(s.fillValue(st.JSON)); err != nil {
			return nil, nil, err
		}
	}
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, s.fill(st.URL), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if st.JSON != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range st.Headers {
		r.Header.Set(name, s.fill(value))
	}
	if st.Sign != "" {
		if err := s.sign(ctx, r, st.Sign, body); err != nil {
			return nil, nil, err
		}
	}
	client := s.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return nil, nil, &mismatch{method + " " + st.URL, "an answer", err.Error()}
	}
	defer res.Body.Close()
	var chunks []chunk
	buf := make([]byte, 64<<10)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			chunks = append(chunks, chunk{time.Now(), append([]byte(nil), buf[:n]...)})
		}
		if errors.Is(err, io.EOF) {
			return res, chunks, nil
		}
		if err != nil {
			return res, chunks, &mismatch{"the body", "its end", fmt.Sprintf("%v after %q", err, text(chunks))}
		}
	}
}

func text(chunks []chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		b.Write(c.data)
	}
	return b.String()
}

// sign signs as the app's owner.
func (s *session) sign(ctx context.Context, r *http.Request, service string, body []byte) error {
	sum := sha256.Sum256(body)
	a := s.suiro.ready.AWS
	c := aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}
	return v4.NewSigner().SignHTTP(ctx, c, r, hex.EncodeToString(sum[:]), service, a.Region, time.Now())
}

func (s *session) http(ctx context.Context, st *httpStep) error {
	ctx, cancel := context.WithTimeout(ctx, st.Within.or(time.Minute))
	defer cancel()
	res, chunks, err := s.exchange(ctx, st)
	if err != nil {
		return err
	}
	return s.judge(&st.Expect, res, chunks)
}

func (s *session) judge(want *answer, res *http.Response, chunks []chunk) error {
	body := text(chunks)
	if want.Status != 0 && res.StatusCode != want.Status {
		return &mismatch{"the status", strconv.Itoa(want.Status), fmt.Sprintf("%d with %q", res.StatusCode, body)}
	}
	for name, value := range want.Headers {
		if got := strings.Join(res.Header.Values(name), ", "); !fitsText(s.fill(value), got) {
			return &mismatch{"the header " + name, value, got}
		}
	}
	if err := expectText("the body", s.fill(want.Body), body); err != nil {
		return err
	}
	if err := expectJSON("the body", s.fillValue(want.JSON), body); err != nil {
		return err
	}
	if err := expectOrder("the body", want.Order, body); err != nil {
		return err
	}
	if len(body) < want.Size {
		return &mismatch{"the body", fmt.Sprintf("at least %d bytes", want.Size), strconv.Itoa(len(body))}
	}
	if want.Spread != 0 {
		spread := time.Duration(0)
		if n := len(chunks); n > 1 {
			spread = chunks[n-1].at.Sub(chunks[0].at)
		}
		if spread < time.Duration(want.Spread) {
			return &mismatch{"the time from the first chunk to the last", "at least " + time.Duration(want.Spread).String(),
				fmt.Sprintf("%v in %d chunks", spread, len(chunks))}
		}
	}
	return s.save(want.Save, body)
}

// sse reads a stream of server-sent events to its end.
func (s *session) sse(ctx context.Context, st *sseStep) error {
	ctx, cancel := context.WithTimeout(ctx, st.Within.or(time.Minute))
	defer cancel()
	res, chunks, err := s.exchange(ctx, &st.httpStep)
	if err != nil {
		return err
	}
	if err := s.judge(&st.Expect, res, chunks); err != nil {
		return err
	}
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		return &mismatch{"the header Content-Type", "text/event-stream", got}
	}
	events := readEvents(text(chunks))
	if st.Count != 0 && len(events) != st.Count {
		return &mismatch{"the events", strconv.Itoa(st.Count), fmt.Sprintf("%d: %s", len(events), strings.Join(events, " | "))}
	}
	for i, want := range st.Events {
		if i >= len(events) {
			return &mismatch{fmt.Sprintf("event %d", i+1), show(want), "the end of the stream"}
		}
		what := fmt.Sprintf("event %d", i+1)
		if t, ok := want.(string); ok {
			err = expectText(what, s.fill(t), events[i])
		} else {
			err = expectJSON(what, s.fillValue(want), events[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readEvents gives the data of each event (HTML Living Standard, 9.2.6).
func readEvents(stream string) []string {
	var events, data []string
	for line := range strings.SplitSeq(strings.ReplaceAll(stream, "\r\n", "\n"), "\n") {
		if line == "" {
			if len(data) > 0 {
				events = append(events, strings.Join(data, "\n"))
			}
			data = nil
			continue
		}
		if value, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	return events
}

func (s *session) graphql(ctx context.Context, st *graphqlStep) error {
	url, headers := st.URL, map[string]string{}
	if url == "" {
		url = "${graphql}"
	}
	for k, v := range st.Headers {
		headers[k] = v
	}
	if st.Key != "" {
		headers["x-api-key"] = st.Key
	}
	return s.http(ctx, &httpStep{Method: http.MethodPost, URL: url, Headers: headers,
		JSON:   map[string]any{"query": st.Query, "variables": st.Variables},
		Expect: answer{Status: http.StatusOK, JSON: st.JSON, Save: st.Save}})
}
