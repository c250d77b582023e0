package websocketapi

import (
	"fmt"

	"github.com/suiro-dev/suiro/internal/journal"
)

// LogLevel is how much of a route's work is told: LoggingLevel.
type LogLevel int

// The values of LoggingLevel.
const (
	LogOff LogLevel = iota
	LogErrors
	LogInfo
)

// Settings are what a stage sets for a route: RouteSettings, else
// DefaultRouteSettings.
type Settings struct {
	Logging LogLevel
	// DataTrace adds messages and results to the log.
	DataTrace       bool
	DetailedMetrics bool
	// Throttle bounds the rate; nil is the account's bound, which is not kept.
	Throttle *Throttle
}

// settings are those of the event's route.
func (e *event) settings() *Settings { return e.stage.settings(e.routeKey) }

func (s *Stage) settings(routeKey string) *Settings {
	if s == nil {
		return &noSettings
	}
	if one := s.Routes[routeKey]; one != nil {
		return one
	}
	return &s.Default
}

var noSettings Settings // of a stage that is gone

// maxTraced is where API Gateway cuts what DataTraceEnabled logs.
const maxTraced = 1024

// executionLog tells the steps of an event as API Gateway's execution log has
// them. The wording follows what AWS writes and is no contract.
func (e *event) executionLog() {
	level := e.settings().Logging
	if level == LogOff || !e.conn.api.config.Journal.Wants(journal.ExecutionLogged) {
		return
	}
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, "("+e.requestID+") "+fmt.Sprintf(format, args...))
	}
	if level == LogInfo {
		e.logSteps(add)
	}
	if e.message != "" {
		add("Execution failed: %s", e.message)
	}
	if e.called.failed != "" {
		add("Execution failed due to an integration error: %s", e.called.failed)
	}
	c := e.conn
	for _, line := range lines {
		c.api.config.Journal.Publish(journal.Entry{
			Kind: journal.ExecutionLogged, Resource: c.api.config.Resource, ConnectionID: c.id, RequestID: e.requestID,
			Route: e.routeKey, Text: line,
		})
	}
}

func (e *event) logSteps(add func(format string, args ...any)) {
	c, by := e.conn, &e.called
	add("Extended Request Id: %s", e.requestID)
	add("Starting execution for request: %s", e.requestID)
	add("WebSocket Request Route: [%s]", e.routeKey)
	switch e.kind {
	case connectEvent:
		add("Client [UserAgent: %s, SourceIp: %s] is connecting to WebSocket API [%s].", c.userAgent, c.sourceIP, c.api.config.ID)
	case messageEvent:
		add("Message received from client [Connection Id: %s]", c.id)
	case disconnectEvent:
		add("Client [Connection Id: %s] disconnected from API [%s]. Close reason: [%d: %s]", c.id, c.api.config.ID, e.code, e.reason)
	}
	if e.traced != "" {
		add("Request body: %s", e.traced)
	}
	if by.made {
		add("Endpoint request id: %s, status: %d, integration latency: %d ms", by.requestID, by.service, by.latency.Milliseconds())
	}
	switch {
	case e.kind == connectEvent && e.status == 200:
		add("Client [Connection Id: %s] was successfully connected to WebSocket API [%s].", c.id, c.api.config.ID)
	case e.kind == messageEvent && e.sent > 0:
		add("Message sent to client [Connection Id: %s] with response status code %d", c.id, e.status)
	}
}

// trace keeps the start of a message for the log, when that is asked for.
func (e *event) trace(route *Route, body []byte) {
	if route == nil {
		return
	}
	if s := e.stage.settings(route.Key); s.DataTrace && s.Logging == LogInfo {
		e.traced = string(body[:min(len(body), maxTraced)])
	}
}
