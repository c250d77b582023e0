package environment

import (
	"errors"
	"net/http"
	"time"

	"github.com/suiro-dev/suiro/internal/lambda/telemetry"
)

// The records of the platform's events (Developer Guide, Lambda Telemetry API
// Event schema reference). Spans and metrics are in milliseconds.

type initRecord struct {
	InitializationType string        `json:"initializationType"`
	Phase              string        `json:"phase"`
	FunctionName       string        `json:"functionName,omitempty"`
	FunctionVersion    string        `json:"functionVersion,omitempty"`
	RuntimeVersion     string        `json:"runtimeVersion,omitempty"`
	Status             string        `json:"status,omitempty"`
	ErrorType          string        `json:"errorType,omitempty"`
	Metrics            *initMeasured `json:"metrics,omitempty"`
}

type initMeasured struct {
	DurationMs float64 `json:"durationMs"`
}

type extensionRecord struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Events    []string `json:"events"`
	ErrorType string   `json:"errorType,omitempty"`
}

type startRecord struct {
	RequestID string   `json:"requestId"`
	Version   string   `json:"version"`
	Tracing   *tracing `json:"tracing,omitempty"`
}

type doneRecord struct {
	RequestID string   `json:"requestId"`
	Status    string   `json:"status"`
	ErrorType string   `json:"errorType,omitempty"`
	Metrics   any      `json:"metrics"`
	Spans     []span   `json:"spans,omitempty"`
	Tracing   *tracing `json:"tracing,omitempty"`
}

type doneMeasured struct {
	DurationMs    float64 `json:"durationMs"`
	ProducedBytes int64   `json:"producedBytes"`
}

type reportMeasured struct {
	DurationMs       float64 `json:"durationMs"`
	BilledDurationMs int64   `json:"billedDurationMs"`
	MemorySizeMB     int     `json:"memorySizeMB"`
	MaxMemoryUsedMB  int64   `json:"maxMemoryUsedMB"`
	InitDurationMs   float64 `json:"initDurationMs,omitempty"`
}

type span struct {
	Name       string  `json:"name"`
	Start      string  `json:"start"`
	DurationMs float64 `json:"durationMs"`
}

func newSpan(name string, start time.Time, d time.Duration) span {
	return span{name, start.UTC().Format("2006-01-02T15:04:05.000Z"), inMs(d)}
}

// inMs is a duration in milliseconds with three decimals, as AWS's are.
func inMs(d time.Duration) float64 { return float64(d/time.Microsecond) / 1000 }

func (l *life) phase() string {
	if l.suppressed {
		return "invoke"
	}
	return "init"
}

func (l *life) init() initRecord {
	return initRecord{InitializationType: "on-demand", Phase: l.phase()}
}

func (e *Environment) tellInitStart(l *life) {
	r := l.init()
	r.FunctionName, r.FunctionVersion, r.RuntimeVersion = e.cfg.Function.Name, e.cfg.Function.Version, e.cfg.Function.Runtime
	l.hub.Tell("platform.initStart", r)
}

// tellRuntimeDone tells that the runtime asked for its first event, or failed.
func (l *life) tellRuntimeDone(f *failure) {
	r := l.init()
	r.Status = "success"
	if f != nil {
		r.Status, r.ErrorType = f.status, f.errorType
	}
	l.hub.Tell("platform.initRuntimeDone", r)
}

// tellInit ends the init phase for subscribers: no more of them come, and they
// hear who there is and how long it took. e.mu is held.
func (e *Environment) tellInit(l *life, took time.Duration) {
	l.tellExtensions()
	r := l.init()
	r.Status, r.Metrics = "success", &initMeasured{inMs(took)}
	l.hub.Tell("platform.initReport", r)
	l.hub.CloseSubscriptions()
}

// tellExtensions tells of each extension. e.mu is held.
func (l *life) tellExtensions() {
	tell := func(x *extension) {
		events := x.events
		if events == nil {
			events = []string{}
		}
		l.hub.Tell("platform.extension", extensionRecord{x.name, string(x.state), events, x.cause})
	}
	for _, x := range l.externals {
		tell(x)
	}
	for _, x := range l.extensions {
		if !x.wanted {
			tell(x)
		}
	}
}

// tellInitReport tells of an init that failed.
func (e *Environment) tellInitReport(l *life, f *failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.tellExtensions()
	if l.state == stateStarted || l.state == stateInitError {
		l.tellRuntimeDone(f)
	}
	r := l.init()
	r.Status, r.ErrorType, r.Metrics = f.status, f.errorType, &initMeasured{inMs(time.Since(l.begun))}
	l.hub.Tell("platform.initReport", r)
}

// tellStart tells of an invocation, once. e.mu is held.
func (e *Environment) tellStart(l *life, inv *invocation) {
	if inv.tellings >= toldStart || !l.hub.Active() {
		return
	}
	inv.tellings = toldStart
	l.hub.Tell("platform.start", startRecord{inv.RequestID, e.cfg.Function.Version, inv.tracing()})
}

// What subscribers have heard of an invocation, in this order.
const (
	toldStart = iota + 1
	toldRuntimeDone
	toldReport
)

func (inv *invocation) tracing() *tracing {
	if inv.TraceID == "" {
		return nil
	}
	return &tracing{"X-Amzn-Trace-Id", inv.TraceID}
}

// tellFinished tells the end of an invocation up to what: its platform.
// runtimeDone comes when the runtime is back, its platform.report when the
// extensions are too. e.mu is held.
func (e *Environment) tellFinished(l *life, inv *invocation, f *failure, what int) {
	if !l.hub.Active() {
		return
	}
	e.tellStart(l, inv)
	duration := inv.end.Duration
	if !inv.finished && inv.armed() {
		duration = time.Since(inv.started)
	}
	r := doneRecord{RequestID: inv.RequestID, Status: "success", Tracing: inv.tracing()}
	if f != nil && f.status != "" { // an error that the runtime reported is no failure of its own
		r.Status = f.status
		if f.status == "error" {
			r.ErrorType = f.errorType
		}
	}
	if inv.tellings < toldRuntimeDone && what >= toldRuntimeDone {
		inv.tellings = toldRuntimeDone
		r.Metrics = doneMeasured{inMs(duration), inv.size.Load()}
		if !inv.responded.IsZero() {
			latency := inv.responded.Sub(inv.started)
			r.Spans = []span{newSpan("responseLatency", inv.started, latency), newSpan("responseDuration", inv.responded, duration-latency)}
		}
		l.hub.Tell("platform.runtimeDone", r)
	}
	if inv.tellings < toldReport && what >= toldReport {
		inv.tellings = toldReport
		peak := l.peak
		if l.process != nil {
			peak = max(peak, l.process.PeakMemory())
		}
		r.Spans = nil
		r.Metrics = reportMeasured{inMs(duration), int64((duration + inv.initTime + time.Millisecond - 1) / time.Millisecond),
			e.cfg.Function.MemorySize, (peak + 1<<20 - 1) >> 20, inMs(inv.initTime)}
		l.hub.Tell("platform.report", r)
	}
}

// tellDone tells the rest of the last invocation when a life is ending.
func (e *Environment) tellDone(l *life) {
	e.mu.Lock()
	defer e.mu.Unlock()
	inv := l.told
	if inv == nil {
		inv = e.current // its reader has not met the end yet
	}
	if inv != nil && inv.armed() {
		e.tellFinished(l, inv, inv.failure, toldReport)
	}
	l.told = nil
}

// subscribe takes an extension's subscription to its telemetry or its logs.
func (e *Environment) subscribe(l *life, id string, api telemetry.API, body []byte) *apiError {
	e.mu.Lock()
	x, refusal := l.extension(id)
	e.mu.Unlock()
	if refusal != nil {
		return refusal
	}
	request, err := telemetry.Parse(api, body)
	if err != nil {
		return &apiError{http.StatusBadRequest, "ValidationError", err.Error()}
	}
	switch err := l.hub.Subscribe(x.name, request); {
	case errors.Is(err, telemetry.ErrClosed):
		return &apiError{http.StatusForbidden, string(api) + ".SubscriptionClosed", string(api) + " API subscription is closed already"}
	case err != nil:
		return &apiError{http.StatusBadRequest, "ValidationError", err.Error()}
	}
	types := make([]string, len(request.Types))
	for i, t := range request.Types {
		types[i] = string(t)
	}
	l.hub.Tell("platform.telemetrySubscription", struct {
		Name  string   `json:"name"`
		State string   `json:"state"`
		Types []string `json:"types"`
	}{x.name, "Subscribed", types})
	return nil
}
