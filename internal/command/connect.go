package command

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/node"
	"github.com/suiro-dev/suiro/internal/sigv4"
	"github.com/suiro-dev/suiro/internal/socket"
	"golang.org/x/term"
)

// defaultWait is how long a script's replies are waited for after its last
// line.
const defaultWait = time.Second

// handshakeWait bounds connecting: a $connect route may take 29 seconds.
const handshakeWait = 35 * time.Second

// connection is one run of suiro connect.
type connection struct {
	cli    *cli
	in     io.Reader
	target *url.URL

	header       []socket.Field
	subprotocols []string
	sign         bool
	ping         time.Duration
	wait         time.Duration // negative: not said
	count        int           // messages to wait for; 0: not said
	data         string
	insecure     bool
	person       bool    // stdin and stdout are a terminal
	screen       *screen // of a person who types messages

	received int
}

func (c *cli) connect() *cobra.Command {
	var headers []string
	var wait, ping string
	x := &connection{cli: c, in: os.Stdin}
	cmd := &cobra.Command{
		Use: "connect URL", Short: "a terminal client: WebSocket, server-sent events, streamed HTTP",
		Long: `Connect opens a WebSocket (ws, wss), sends each line of stdin as a message and
prints what comes. From http and https URLs it prints the response as it
arrives, server-sent events one by one. Suiro's own certificates are trusted.

On a terminal JSON is indented, what is typed stays below what comes, the arrow
keys bring earlier lines back, and Ctrl-C or Ctrl-D close the connection.

In a script: messages go to stdout, one a line, everything else to stderr.
After the end of stdin it waits --wait seconds for replies (default: 1), or
for --count messages. Status 0: closed cleanly; 1: refused, lost, closed with
an error code, or fewer messages than --count.`,
		Example: `  suiro connect ws://localhost:3000/dev -H 'Authorization: token'
  echo '{"action":"ping"}' | suiro connect ws://localhost:3000/dev --count 1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return userError{errors.New("connect takes one URL")}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&headers, "header", "H", nil, "`name:value` to send; may be repeated")
	f.StringArrayVarP(&x.subprotocols, "subprotocol", "s", nil, "subprotocol to offer; may be repeated")
	f.BoolVar(&x.sign, "sign", false, "sign with SigV4, from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION")
	f.StringVar(&ping, "ping", "", "send a ping every so many `seconds` and show the answers")
	f.Lookup("ping").NoOptDefVal = "10"
	f.StringVarP(&wait, "wait", "w", "", "`seconds` to go on listening after the end of stdin")
	f.IntVarP(&x.count, "count", "n", 0, "end after so many messages")
	f.BoolVarP(&x.insecure, "insecure", "k", false, "take any TLS certificate")
	f.StringVarP(&x.data, "data", "d", "", "http: POST this text instead of GET")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := x.read(args[0], headers, wait, ping); err != nil {
			return userError{err}
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
		defer stop()
		return x.run(ctx)
	}
	return cmd
}

// read takes the command line apart.
func (x *connection) read(rawURL string, headers []string, wait, ping string) (err error) {
	if !strings.Contains(rawURL, "://") {
		rawURL = "ws://" + rawURL
	}
	if x.target, err = url.Parse(rawURL); err != nil {
		return err
	}
	switch {
	case x.target.Host == "":
		return fmt.Errorf("%q has no host", rawURL)
	case x.target.Scheme != "ws" && x.target.Scheme != "wss" && x.target.Scheme != "http" && x.target.Scheme != "https":
		return fmt.Errorf("the URL begins with ws, wss, http or https, not %q", x.target.Scheme)
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" {
			return fmt.Errorf("--header takes name:value, not %q", h)
		}
		x.header = append(x.header, socket.Field{Name: name, Value: strings.TrimSpace(value)})
	}
	if user := x.target.User; user != nil {
		password, _ := user.Password()
		token := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		x.header = append(x.header, socket.Field{Name: "Authorization", Value: "Basic " + token})
		x.target.User = nil
	}
	x.wait = -1
	if wait != "" {
		if x.wait, err = seconds("--wait", wait); err != nil {
			return err
		}
	}
	if ping != "" {
		if x.ping, err = seconds("--ping", ping); err != nil {
			return err
		}
		x.ping = max(x.ping, 10*time.Millisecond)
	}
	x.person = isTerminal(os.Stdin) && isTerminal(x.cli.stdout)
	return nil
}

// seconds reads "5", "0.5" or "5s".
func seconds(flag, text string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 && n < 1e6 {
		return time.Duration(n * float64(time.Second)), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%s takes seconds, not %q", flag, text)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (x *connection) run(ctx context.Context) error {
	if x.sign {
		if err := x.signed(); err != nil {
			return err
		}
	}
	if strings.HasPrefix(x.target.Scheme, "http") {
		return x.stream(ctx)
	}
	return x.converse(ctx)
}

// signed adds the headers of a signature.
func (x *connection) signed() error {
	creds := sigv4.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if creds.AccessKeyID == "" || creds.SecretAccessKey == "" {
		return userError{errors.New("--sign needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")}
	}
	region := os.Getenv("AWS_REGION")
	if region == "" {
		region = os.Getenv("AWS_DEFAULT_REGION")
	}
	service := "execute-api"
	if host := strings.Split(x.target.Hostname(), "."); len(host) > 3 { // {id}.{service}.{region}.…
		if host[1] == "lambda-url" {
			service = "lambda"
		}
		if region == "" {
			region = host[2]
		}
	}
	if region == "" {
		region = "us-east-1"
	}
	r, err := http.NewRequest(x.method(), "https://"+x.target.Host+x.target.RequestURI(), strings.NewReader(x.data))
	if err != nil {
		return err
	}
	r.Host = x.target.Host
	sigv4.Sign(r, creds, region, service, []byte(x.data), time.Now())
	for name, values := range r.Header {
		x.header = append(x.header, socket.Field{Name: name, Value: values[0]})
	}
	return nil
}

func (x *connection) method() string {
	if x.data != "" {
		return http.MethodPost
	}
	return http.MethodGet
}

// dial opens a connection to the target's port; names under localhost are this
// machine (RFC 6761, 6.3), whatever the resolver says.
func (x *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("localhost", port)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (x *connection) tls() *tls.Config {
	return &tls.Config{RootCAs: front.Roots(node.ConfigDir()), ServerName: x.target.Hostname(), InsecureSkipVerify: x.insecure} //nolint:gosec // --insecure asks for it
}

// converse is a WebSocket from its handshake to its end.
func (x *connection) converse(ctx context.Context) error {
	client, err := x.open(ctx)
	var refused *socket.RefusedError
	if errors.As(err, &refused) {
		fmt.Fprintf(x.cli.stderr, "suiro: refused: %s\n", refused.Status)
		if len(refused.Body) > 0 {
			x.print(refused.Body)
		}
		return errSaid
	}
	if err != nil {
		return err
	}
	if x.person {
		with := ""
		if p := client.Header.Get("Sec-Websocket-Protocol"); p != "" {
			with = " with subprotocol " + p
		}
		fmt.Fprintf(x.cli.stderr, "connected%s; Ctrl-C ends it\n", with)
		if x.screen, err = openScreen(os.Stdin, x.cli.stdout); err != nil {
			client.Abort()
			return fmt.Errorf("taking the terminal over: %w", err)
		}
		defer x.leave()
	}
	return x.talk(ctx, client)
}

func (x *connection) open(ctx context.Context) (*socket.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	port := x.target.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[x.target.Scheme]
	}
	conn, err := x.dial(ctx, "tcp", net.JoinHostPort(x.target.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if x.target.Scheme == "wss" {
		secure := tls.Client(conn, x.tls())
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	return socket.Dial(ctx, conn, socket.Target{
		Host: x.target.Host, Path: x.target.RequestURI(), Header: x.header, Subprotocols: x.subprotocols,
	})
}

// print shows one message: for a person as indented JSON, for a script as one
// line.
func (x *connection) print(message []byte) {
	text := string(message)
	if x.person {
		text = "< " + strings.ReplaceAll(pretty(message), "\n", "\n  ")
	}
	x.say(x.cli.stdout, text+"\n")
}

// pretty is a message for a person: JSON indented, and nothing in it that moves
// the cursor.
func pretty(message []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, message, "", "  ") == nil {
		return b.String()
	}
	lines := strings.Split(string(message), "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(printable(line), "\x1b", "·")
	}
	return strings.Join(lines, "\n")
}

// lines yields the lines of stdin, and ends with it or with ctx. A read of a
// terminal cannot be interrupted: its goroutine ends with the process.
func (x *connection) lines(ctx context.Context) <-chan []byte {
	out := make(chan []byte)
	if s := x.screen; s != nil {
		go func() {
			defer close(out)
			for line, err := s.ReadLine(); err == nil; line, err = s.ReadLine() {
				if line == "" {
					continue
				}
				select {
				case out <- []byte(line):
				case <-ctx.Done():
					return
				}
			}
		}()
		return out
	}
	go func() {
		defer close(out)
		r := bufio.NewReaderSize(x.in, 64<<10)
		for {
			line, err := r.ReadBytes('\n')
			line = bytes.TrimRight(line, "\r\n")
			if len(line) > 0 || err == nil {
				select {
				case out <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}
