package telemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// API is one of the two by which extensions subscribe.
type API string

// The Telemetry API, and the Logs API that it superseded.
const (
	Telemetry API = "Telemetry"
	Logs      API = "Logs"
)

// ErrClosed refuses a subscription after init.
var ErrClosed = errors.New("subscriptions are closed")

// MaxRequest is the largest body of a subscription that is read.
const MaxRequest = 64 << 10

// Request is a subscription, read and checked.
type Request struct {
	API     API
	Version string // of the schema
	Types   []Kind
	// A batch is sent when it has MaxItems events or MaxBytes bytes, or when
	// Timeout has passed since its first event.
	MaxItems int
	MaxBytes int
	Timeout  time.Duration
	// The destination: a URL on this machine and a method, or a TCP port.
	URL    *url.URL
	Method string
	Port   int
}

// versions of the schemas, oldest first (Developer Guide, Lambda Telemetry API
// reference; the Logs API's by its own page).
var versions = map[API][]string{
	Telemetry: {"2022-07-01", "2022-12-13", "2025-01-29"},
	Logs:      {"2020-08-15", "2021-03-18"},
}

// reservedPort is the Runtime API's on AWS, which no destination may have.
const reservedPort = 9001

// document is a subscription as it is sent.
type document struct {
	SchemaVersion *string  `json:"schemaVersion"`
	Types         []string `json:"types"`
	Buffering     struct {
		MaxItems  *int `json:"maxItems"`
		MaxBytes  *int `json:"maxBytes"`
		TimeoutMs *int `json:"timeoutMs"`
	} `json:"buffering"`
	Destination *struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
		Port     int    `json:"port"`
		Method   string `json:"method"`   // Logs API
		Encoding string `json:"encoding"` // Logs API
	} `json:"destination"`
}

// Parse reads the body of a subscription. What it says of a bad one is for the
// person who wrote the extension; AWS's own words are not documented.
func Parse(api API, body []byte) (*Request, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("the subscription is not the JSON object it should be: %w", err)
	}
	r := &Request{API: api, MaxItems: 10000, MaxBytes: 256 << 10, Timeout: time.Second}
	if err := r.version(&d); err != nil {
		return nil, err
	}
	if err := r.types(d.Types); err != nil {
		return nil, err
	}
	timeout := int(r.Timeout / time.Millisecond)
	for _, n := range []struct {
		name        string
		given       *int
		value       *int
		least, most int
	}{
		{"maxItems", d.Buffering.MaxItems, &r.MaxItems, 1000, 10000},
		{"maxBytes", d.Buffering.MaxBytes, &r.MaxBytes, 256 << 10, 1 << 20},
		{"timeoutMs", d.Buffering.TimeoutMs, &timeout, 25, 30000},
	} {
		if n.given == nil {
			continue
		}
		if *n.given < n.least || *n.given > n.most {
			return nil, fmt.Errorf("buffering.%s is %d; it may be %d to %d", n.name, *n.given, n.least, n.most)
		}
		*n.value = *n.given
	}
	r.Timeout = time.Duration(timeout) * time.Millisecond
	return r, r.destination(&d)
}

func (r *Request) version(d *document) error {
	known := versions[r.API]
	switch {
	case d.SchemaVersion != nil:
		r.Version = *d.SchemaVersion
	case r.API == Logs: // its first subscriptions had none
		r.Version = known[0]
	}
	if !slices.Contains(known, r.Version) {
		return fmt.Errorf("schemaVersion is %q; it may be one of %q", r.Version, known)
	}
	return nil
}

func (r *Request) types(names []string) error {
	if len(names) == 0 {
		return errors.New("types is missing or empty")
	}
	for _, name := range names {
		kind := Kind(name)
		if kind != Platform && kind != Function && kind != Extension {
			return fmt.Errorf("types holds %q; it may hold platform, function and extension", name)
		}
		if !slices.Contains(r.Types, kind) {
			r.Types = append(r.Types, kind)
		}
	}
	return nil
}

func (r *Request) destination(d *document) error {
	if d.Destination == nil {
		return errors.New("destination is missing")
	}
	to := d.Destination
	switch to.Protocol {
	case "TCP":
		r.Port = to.Port
		return checkPort(to.Port)
	case "HTTP":
	default:
		return fmt.Errorf("destination.protocol is %q; it may be HTTP or TCP", to.Protocol)
	}
	u, err := url.Parse(to.URI)
	if err != nil || u.Scheme != "http" {
		return fmt.Errorf("destination.URI is %q, which is no http URL", to.URI)
	}
	if host := u.Hostname(); host != "sandbox" && host != "sandbox.localdomain" {
		return fmt.Errorf("destination.URI has the host %q; it may be sandbox.localdomain or sandbox", host)
	}
	port := 80
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("destination.URI has the port %q", text)
		}
	}
	r.URL, r.Port, r.Method = u, port, "POST"
	if to.Method == "PUT" && r.API == Logs {
		r.Method = "PUT"
	}
	return checkPort(port)
}

func checkPort(port int) error {
	switch {
	case port < 1 || port > 65535:
		return fmt.Errorf("destination has the port %d", port)
	case port == reservedPort:
		return fmt.Errorf("destination has the port %d, which Lambda keeps for itself", port)
	}
	return nil
}
