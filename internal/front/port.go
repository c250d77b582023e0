package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// PortError says that an endpoint cannot have its port.
type PortError struct {
	Port     int
	Resource string
	Err      error
}

func (e *PortError) Error() string {
	why := "is not available: " + e.Err.Error()
	switch {
	case errors.Is(e.Err, errBlocked):
		why = "is one that browsers refuse to connect to"
	case errors.Is(e.Err, os.ErrPermission):
		why = "needs privileges that Suiro does not have"
	case busy(e.Err):
		why = "is in use by another program"
	}
	return fmt.Sprintf("port %d, which %s asks for, %s; choose another one with --port or under ports in suiro.yaml", e.Port, e.Resource, why)
}

func (e *PortError) Unwrap() error { return e.Err }

var (
	errBlocked = errors.New("blocked by browsers")
	errTaken   = errors.New("address already in use")
)

// bind finds the port of e and listens on it. f.mu is held.
func (f *Front) bind(ctx context.Context, e *Endpoint) ([]net.Listener, int, error) {
	wanted := e.Port
	if wanted == 0 {
		wanted = f.config.Ports[e.Resource]
	}
	if wanted != 0 {
		if blocked(wanted) {
			return nil, 0, &PortError{wanted, e.Resource, errBlocked}
		}
		sockets, err := listen(ctx, f.config.Host, wanted)
		if err != nil {
			return nil, 0, &PortError{wanted, e.Resource, err}
		}
		return sockets, wanted, nil
	}
	remembered := f.memory.Ports[e.key()]
	if remembered != 0 && !f.reserved(remembered, e) {
		if sockets, err := listen(ctx, f.config.Host, remembered); err == nil {
			return sockets, remembered, nil
		}
	}
	sockets, port, err := f.nextFree(ctx, e)
	if err != nil {
		return nil, 0, err
	}
	if remembered != 0 {
		f.notice(e.Resource, nil, "port %d, which %s had the last time, is in use; it is port %d now (set it under ports in suiro.yaml to insist)",
			remembered, e.Resource, port)
	}
	f.memory.Ports[e.key()] = port
	if err := f.memory.write(f.config.StateFile); err != nil {
		f.notice(e.Resource, err, "the port of %s cannot be remembered", e.Resource)
	}
	return sockets, port, nil
}

// nextFree tries ports upward, past those that belong to other endpoints of
// the app and those that browsers refuse.
func (f *Front) nextFree(ctx context.Context, e *Endpoint) ([]net.Listener, int, error) {
	var last error
	for port := f.config.FirstPort; port <= 65535; port++ {
		if blocked(port) || f.reserved(port, e) {
			continue
		}
		sockets, err := listen(ctx, f.config.Host, port)
		if err == nil {
			return sockets, port, nil
		}
		last = err
		if ctx.Err() != nil || !busy(err) {
			break
		}
	}
	return nil, 0, fmt.Errorf("no free port for %s from %d upward: %w", e.Resource, f.config.FirstPort, last)
}

// reserved tells whether a port is meant for another endpoint of this app:
// one the user set, or one that is remembered.
func (f *Front) reserved(port int, e *Endpoint) bool {
	for resource, p := range f.config.Ports {
		if p == port && resource != e.Resource {
			return true
		}
	}
	for key, p := range f.memory.Ports {
		if p == port && key != e.key() {
			return true
		}
	}
	return false
}

// listen opens a port on every address that host stands for: one socket, or
// two for loopback. A machine without IPv6 makes do with IPv4.
func listen(ctx context.Context, host string, port int) ([]net.Listener, error) {
	if host != "" {
		s, err := listenOn(ctx, "tcp", host, port)
		if err != nil {
			return nil, err
		}
		return []net.Listener{s}, nil
	}
	v4, err := listenOn(ctx, "tcp4", "127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	v6, err := listenOn(ctx, "tcp6", "::1", port)
	switch {
	case err == nil:
		return []net.Listener{v4, v6}, nil
	case busy(err):
		_ = v4.Close()
		return nil, err
	}
	return []net.Listener{v4}, nil
}

func listenOn(ctx context.Context, network, host string, port int) (net.Listener, error) {
	if err := probe(ctx, network, host, port); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
}

// blocked tells whether browsers refuse a port: they keep pages from talking
// to mail servers and the like (Fetch standard, "Port blocking").
func blocked(port int) bool {
	switch port {
	case 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95,
		101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179,
		389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587,
		601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
		6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080:
		return true
	}
	return false
}
