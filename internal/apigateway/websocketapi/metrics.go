package websocketapi

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Metrics are CloudWatch's metrics of a WebSocket API, as sums since the start
// (API Gateway Developer Guide, "Monitoring WebSocket API execution with
// CloudWatch metrics").
type Metrics struct {
	Stage, Route string // Route only with DetailedMetricsEnabled

	ConnectCount     uint64 // calls of the $connect integration
	MessageCount     uint64 // both ways; connecting and disconnecting count too
	ClientError      uint64 // refused before the integration was called
	IntegrationError uint64 // the integration failed, or answered 4xx or 5xx
	ExecutionError   uint64 // the integration could not be called

	IntegrationLatency Latency
}

// Latency is a metric of milliseconds.
type Latency struct {
	Samples uint64
	Sum     time.Duration
	Maximum time.Duration
}

// counters are the metrics of one stage or route while they grow.
type counters struct {
	connect, message, client, integration, execution atomic.Uint64
	samples, sum, maximum                            atomic.Int64
}

// dimensions tell the metrics of one API apart.
type dimensions struct{ stage, route string }

// meters holds an API's counters. A connection keeps its stage's, so that a
// message costs a few additions.
type meters struct {
	mu  sync.Mutex
	all map[dimensions]*counters
}

func (m *meters) of(d dimensions) *counters {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.all[d]
	if c == nil {
		if m.all == nil {
			m.all = map[dimensions]*counters{}
		}
		c = new(counters)
		m.all[d] = c
	}
	return c
}

// Metrics returns what was counted, by stage and route.
func (a *API) Metrics() []Metrics {
	a.meters.mu.Lock()
	defer a.meters.mu.Unlock()
	list := make([]Metrics, 0, len(a.meters.all))
	for d, c := range a.meters.all {
		list = append(list, Metrics{
			Stage: d.stage, Route: d.route,
			ConnectCount: c.connect.Load(), MessageCount: c.message.Load(), ClientError: c.client.Load(),
			IntegrationError: c.integration.Load(), ExecutionError: c.execution.Load(),
			IntegrationLatency: Latency{uint64(c.samples.Load()), time.Duration(c.sum.Load()), time.Duration(c.maximum.Load())},
		})
	}
	slices.SortFunc(list, func(x, y Metrics) int {
		return strings.Compare(x.Stage+"\x00"+x.Route, y.Stage+"\x00"+y.Route)
	})
	return list
}

// count adds an event that has ended.
func (c *counters) count(e *event) {
	by := &e.called
	if e.kind == connectEvent && by.made {
		c.connect.Add(1)
	}
	switch {
	case e.refused: // before the integration; such messages are not counted
		c.client.Add(1)
		return
	case by.made && by.service == 0 && by.failed != "":
		c.execution.Add(1)
	case by.failed != "" || by.status >= 400:
		c.integration.Add(1)
	}
	c.message.Add(1)
	if by.made {
		c.latency(by.latency)
	}
}

func (c *counters) latency(d time.Duration) {
	c.samples.Add(1)
	c.sum.Add(int64(d))
	for {
		m := c.maximum.Load()
		if int64(d) <= m || c.maximum.CompareAndSwap(m, int64(d)) {
			return
		}
	}
}
