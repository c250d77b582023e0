package webadapter

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/process"
)

// ports hands out the ports of a function's servers.
type ports struct {
	configured int

	mu sync.Mutex
	// fixed: a server was seen to listen on the configured port although it
	// was given another one.
	fixed bool
}

// lease is the port of one server.
type lease struct {
	of  *ports
	app int
	// mayBeFixed: nobody listened on the configured port before the process
	// started, so that whoever does later is the process.
	mayBeFixed bool
	taken      bool // somebody did
}

// releaseTime is how long a server that must have the configured port waits
// for its predecessor, which is being ended, to give it back.
const releaseTime = 5 * time.Second

func (p *ports) lease(stop <-chan struct{}) (lease, error) {
	if p.isFixed() {
		return lease{of: p, app: p.configured}, awaitFree(p.configured, stop)
	}
	port, err := freePort()
	if err != nil {
		return lease{}, fmt.Errorf("find a port for the server: %w", err)
	}
	taken := listened(p.configured)
	return lease{of: p, app: port, mayBeFixed: !taken, taken: taken}, nil
}

func (p *ports) isFixed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fixed
}

// settle notes where the server was found.
func (l *lease) settle(fixed bool) {
	if !fixed {
		return
	}
	l.app = l.of.configured
	l.of.mu.Lock()
	l.of.fixed = true
	l.of.mu.Unlock()
}

// command tells a server its port: by the variables that are meant for it, and
// wherever else the configured port stands as a word of its own, in another
// variable (ASPNETCORE_URLS=http://+:8080) or an argument (--port 8080).
func (l *lease) command(c process.Command, set Settings) process.Command {
	env := make([]string, 0, len(c.Env)+2)
	for _, v := range c.Env {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "AWS_LAMBDA_") && !strings.HasPrefix(name, "_") {
			value = replacePort(name, value, set.Port, l.app)
		}
		env = append(env, name+"="+value)
	}
	port := strconv.Itoa(l.app)
	c.Env = append(env, "PORT="+port, "AWS_LWA_PORT="+port)
	args := make([]string, len(c.Args))
	before := ""
	for i, a := range c.Args {
		args[i] = replacePort(before, a, set.Port, l.app)
		before = a
	}
	c.Args = args
	return c
}

var (
	// listening matches a value that ends with the port of an address at which
	// a server of this machine may listen; the port is the second group.
	listening = regexp.MustCompile(`^((?:--?[\w-]+=)?(?:(?:https?://|tcp://)?(?:\*|\+|localhost|0\.0\.0\.0|127\.0\.0\.1|\[::\]|\[::1\])?:))(\d+)(/?)$`)
	// option matches an option that takes a port, with the port after it.
	option = regexp.MustCompile(`^(--?[\w-]*=)(\d+)()$`)
	number = regexp.MustCompile(`^()(\d+)()$`)
	// portName matches variables and options that hold a port.
	portName = regexp.MustCompile(`(?i)(?:port|^-p)$`)
)

// replacePort puts one port in another's place where value, an argument or a
// variable's, is or ends with it: "8080" of PORT or after --port, ":8080",
// "--bind=0.0.0.0:8080", "http://+:8080/". An address of another machine, a
// number that is no port and what stands in the middle of a text are left.
func replacePort(name, value string, from, to int) string {
	m := listening.FindStringSubmatch(value)
	if m == nil && portName.MatchString(name) {
		m = number.FindStringSubmatch(value)
	}
	if m == nil {
		if m = option.FindStringSubmatch(value); m != nil && !portName.MatchString(strings.TrimSuffix(m[1], "=")) {
			m = nil
		}
	}
	if m == nil || m[2] != strconv.Itoa(from) {
		return value
	}
	return m[1] + strconv.Itoa(to) + m[3]
}

// freePort asks the system for a port that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// listened tells whether somebody listens on a port of this machine.
func listened(port int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := dial(ctx, "tcp", joinHostPort("127.0.0.1", port))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func awaitFree(port int, stop <-chan struct{}) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(releaseTime)
	defer over.Stop()
	for listened(port) {
		select {
		case <-tick.C:
		case <-stop:
			return context.Canceled
		case <-over.C:
			return fmt.Errorf("the server listens on port %d whatever PORT says, and something else on this machine has that port", port)
		}
	}
	return nil
}

// dial connects to a server of this machine. One that listens on "localhost"
// may have chosen IPv6, which Lambda's own environments do not.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if host, port, _ := net.SplitHostPort(address); err != nil && host == "127.0.0.1" {
		if six, err := d.DialContext(ctx, network, net.JoinHostPort("::1", port)); err == nil {
			return six, nil
		}
	}
	return conn, err
}
