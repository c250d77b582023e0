// Package floor holds the servers that Suiro is measured against: the least
// code that does the same for a client, without records, rules or checks.
// Each runs in a process of its own.
package floor

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
)

// Ready is the line that a floor prints when it answers.
type Ready struct {
	Address   string `json:"address"`   // host:port
	Processes []int  `json:"processes"` // others that belong to it
}

func (r Ready) print() error { return json.NewEncoder(os.Stdout).Encode(r) }

// Options of a floor.
type Options struct {
	TLS          bool
	Environments int // of a function
	Handler      string
}

// Serve runs the named floor.
func Serve(name string, o Options) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready := Ready{Address: l.Addr().String()}
	var handler http.Handler
	switch name {
	case "hijack":
		handler = newHub(nil)
	case "hybrid":
		if handler, err = newHybrid(); err != nil {
			return err
		}
	case "chain":
		functions, err := startFunctions(o)
		if err != nil {
			return err
		}
		functions.address = ready.Address
		handler = newHub(functions)
	case "direct":
		handler = http.HandlerFunc(direct)
	case "proxy":
		p, backend, err := newProxy()
		if err != nil {
			return err
		}
		handler, ready.Processes = p, []int{backend}
	case "proxies":
		p, backends, err := newProxies(o.Environments)
		if err != nil {
			return err
		}
		handler, ready.Processes = p, backends
	case "runtime":
		functions, err := startFunctions(o)
		if err != nil {
			return err
		}
		handler = functions
	case "table":
		handler = http.HandlerFunc(table)
	case "durable-table":
		d, err := newDisk()
		if err != nil {
			return err
		}
		handler = d
	default:
		return fmt.Errorf("no such floor %q", name)
	}
	if o.TLS {
		if l, err = secure(l); err != nil {
			return err
		}
	}
	if err := ready.print(); err != nil {
		return err
	}
	return http.Serve(l, handler)
}
