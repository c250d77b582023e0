package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/socket"
)

// errSaid is a failure that the user has been told of.
var errSaid = errors.New("")

// closeWait bounds the wait for the server's answer to our close frame.
const closeWait = 5 * time.Second

// talk sends lines and prints messages until either side ends it.
func (x *connection) talk(ctx context.Context, client *socket.Client) error {
	type event struct {
		socket.Incoming
		err error
	}
	events := make(chan event)
	received := make(chan struct{})
	defer func() {
		client.Abort()
		<-received
	}()
	over, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		defer close(received)
		for {
			in, err := client.Receive()
			select {
			case events <- event{in, err}:
			case <-over.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	lines := x.lines(over)
	var pings, late <-chan time.Time
	if x.ping > 0 {
		ticker := time.NewTicker(x.ping)
		defer ticker.Stop()
		pings = ticker.C
	}
	closing := false
	finish := func() {
		if !closing {
			closing, lines, pings = true, nil, nil
			_ = client.Close(socket.StatusNormal, "")
			late = time.After(closeWait)
		}
	}
	interrupted := ctx.Done()
	for {
		select {
		case e := <-events:
			if e.err != nil {
				return x.ended(e.err, closing)
			}
			x.show(e.Incoming)
			if x.count > 0 && x.received >= x.count {
				finish()
			}
		case line, more := <-lines:
			switch {
			case more:
				if err := client.Send(line); err != nil {
					lines = nil // Receive says why
				}
			default:
				lines = nil
				late = x.afterInput(finish)
			}
		case now := <-pings:
			_ = client.Ping(strconv.AppendInt(nil, now.UnixNano(), 10))
		case <-late:
			if closing {
				return x.ended(&socket.CloseCode{Code: socket.StatusAbnormal, Reason: "the server did not answer the close frame"}, false)
			}
			late = nil
			finish()
		case <-interrupted:
			interrupted = nil
			x.count = 0 // the user had enough
			finish()
		}
	}
}

// afterInput says when to end after the last line: at once for a person, and
// never by itself while a number of messages is waited for.
func (x *connection) afterInput(finish func()) <-chan time.Time {
	switch {
	case x.screen != nil:
		x.count = 0 // the user had enough
		finish()
		return time.After(closeWait)
	case x.wait >= 0:
		return time.After(x.wait)
	case x.count > 0:
		return nil
	}
	return time.After(defaultWait)
}

func (x *connection) show(in socket.Incoming) {
	switch {
	case in.Pong:
		if at, err := strconv.ParseInt(string(in.Data), 10, 64); err == nil {
			x.aside("pong after " + shortDuration(time.Since(time.Unix(0, at))))
		}
	case in.Binary:
		x.received++
		x.aside(fmt.Sprintf("a binary message of %s", byteCount(len(in.Data))))
	default:
		x.received++
		x.print(in.Data)
	}
}

// aside tells something that is no message.
func (x *connection) aside(text string) {
	if x.person {
		x.say(x.cli.stderr, text+"\n")
		return
	}
	fmt.Fprintf(x.cli.stderr, "suiro: %s\n", text)
}

// ended says how a connection ended, and whether that was clean.
func (x *connection) ended(err error, ours bool) error {
	x.leave()
	var code *socket.CloseCode
	if !errors.As(err, &code) {
		fmt.Fprintf(x.cli.stderr, "suiro: the connection was lost: %v\n", err)
		return errSaid
	}
	clean := ours || code.Code == socket.StatusNormal || code.Code == socket.StatusGoingAway || code.Code == socket.StatusNoStatus
	if !ours || x.person || !clean {
		fmt.Fprintf(x.cli.stderr, "suiro: closed: %s\n", strings.TrimSpace(fmt.Sprintf("%d %s", code.Code, code.Reason)))
	}
	if x.count > x.received {
		fmt.Fprintf(x.cli.stderr, "suiro: %d of %s came\n", x.received, plural(x.count, "message"))
		clean = false
	}
	if !clean {
		return errSaid
	}
	return nil
}

// stream prints an HTTP response as it comes.
func (x *connection) stream(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, x.method(), x.target.String(), strings.NewReader(x.data))
	if err != nil {
		return err
	}
	for _, f := range x.header {
		if strings.EqualFold(f.Name, "Host") {
			r.Host = f.Value
		}
		r.Header[http.CanonicalHeaderKey(f.Name)] = append(r.Header[http.CanonicalHeaderKey(f.Name)], f.Value)
	}
	transport := &http.Transport{TLSClientConfig: x.tls(), DialContext: x.dial, DisableCompression: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		fmt.Fprintf(x.cli.stderr, "suiro: refused: %s\n", res.Status)
	} else if x.person {
		fmt.Fprintf(x.cli.stderr, "%s %s\n", res.Status, res.Header.Get("Content-Type"))
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		err = x.serverSentEvents(res.Body)
	} else {
		_, err = io.Copy(x.cli.stdout, res.Body)
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		fmt.Fprintf(x.cli.stderr, "suiro: the response was cut: %v\n", err)
		return errSaid
	case res.StatusCode >= 400:
		return errSaid
	case x.count > x.received:
		fmt.Fprintf(x.cli.stderr, "suiro: %d of %s came\n", x.received, plural(x.count, "event"))
		return errSaid
	}
	return nil
}

// serverSentEvents prints the data of each event (HTML standard, "Server-sent
// events"), and ends after --count of them.
func (x *connection) serverSentEvents(body io.Reader) error {
	r := bufio.NewReaderSize(body, 64<<10)
	var data []string
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if value, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
		if line == "" && len(data) > 0 && err == nil {
			x.received++
			x.print([]byte(strings.Join(data, "\n")))
			data = data[:0]
			if x.count > 0 && x.received >= x.count {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
