// Package load is the client side of the benchmarks, run in a process of its
// own: sockets and keep-alive HTTP connections driven by one epoll loop, so
// that it costs little and the same against every server.
//
// A load process takes one command a line on standard input and answers each
// with one line, both JSON.
package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Command is one line to a load process.
type Command struct {
	Do string `json:"do"` // dial, churn, ids, tell, echo, receive, http, stream

	Address string `json:"address,omitempty"` // host:port
	Path    string `json:"path,omitempty"`    // of a handshake
	TLS     bool   `json:"tls,omitempty"`

	Count   int    `json:"count,omitempty"`   // sockets, connections, streams
	Message string `json:"message,omitempty"` // what echo and tell send
	Until   string `json:"until,omitempty"`   // what the answer to tell ends in
	Reply   int    `json:"reply,omitempty"`   // length of the message that answers it
	Bytes   int    `json:"bytes,omitempty"`   // of frames that receive waits for
	Millis  int    `json:"millis,omitempty"`  // how long to go on

	// Requests are sent in turn, each a whole HTTP request.
	Requests []string `json:"requests,omitempty"`
	Total    int      `json:"total,omitempty"` // of them, instead of a time
	// Tick is how many bytes each piece of a stream has.
	Tick int `json:"tick,omitempty"`
}

// Result is one line from a load process.
type Result struct {
	Error   string  `json:"error,omitempty"`
	Count   int     `json:"count,omitempty"`   // operations, bytes for a stream without ticks
	Seconds float64 `json:"seconds,omitempty"` // they took
	P50     float64 `json:"p50,omitempty"`     // microseconds
	P99     float64 `json:"p99,omitempty"`
	First   float64 `json:"first,omitempty"` // microseconds to a stream's first byte
	Last    int64   `json:"last,omitempty"`  // when the last frame came, in Unix nanoseconds
	Armed   bool    `json:"armed,omitempty"` // receive is about to read

	IDs []string `json:"ids,omitempty"`
}

// Serve runs a load process.
func Serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	answer := json.NewEncoder(out)
	var s sockets
	for lines.Scan() {
		var c Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		r, err := run(&s, &c, answer)
		if err != nil {
			r = &Result{Error: err.Error()}
		}
		if err := answer.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

func run(s *sockets, c *Command, answer *json.Encoder) (*Result, error) {
	switch c.Do {
	case "dial", "churn":
		return s.dial(c)
	case "ids":
		return s.identify()
	case "tell":
		return s.tell(c.Message, c.Until)
	case "echo":
		return s.echo(c)
	case "receive":
		return s.receive(c.Bytes, answer)
	case "http":
		return requests(c)
	case "stream":
		return streams(c)
	}
	return nil, fmt.Errorf("no such command %q", c.Do)
}

// latencies are nanoseconds.
type latencies []uint32

func (l latencies) result(took time.Duration) *Result {
	slices.Sort(l)
	return &Result{Count: len(l), Seconds: took.Seconds(), P50: l.quantile(0.5), P99: l.quantile(0.99)}
}

// quantile of sorted latencies, in microseconds.
func (l latencies) quantile(q float64) float64 {
	if len(l) == 0 {
		return 0
	}
	return float64(l[min(len(l)-1, int(q*float64(len(l))))]) / 1000
}
