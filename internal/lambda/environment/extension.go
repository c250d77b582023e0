package environment

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/process"
)

// extension is a program that takes part in the environment's life. An
// external one is a process of its own that we started; an internal one is
// code within the runtime's process: Go's and Rust's clients register one
// without events to be given SIGTERM.
type extension struct {
	name   string
	id     string           // Lambda-Extension-Identifier
	events []string         // what it subscribed to
	state  extensionState   // as printed in 403 answers
	fault  string           // Extension.InitError or Extension.ExitError, when it reported one
	cause  string           // the error type it reported with it
	wanted bool             // external
	proc   *process.Process // external only
	// waiting takes the next event to its blocked call; nil when there is none.
	waiting chan<- extensionEvent
}

// extensionState is an extension's state by RIE's names.
type extensionState string

const (
	extensionStarted    extensionState = "Started"
	extensionRegistered extensionState = "Registered"
	extensionReady      extensionState = "Ready"
	extensionRunning    extensionState = "Running"
	extensionInitError  extensionState = "InitError"
	extensionExitError  extensionState = "ExitError"
)

func (x *extension) subscribed(event string) bool { return slices.Contains(x.events, event) }

type extensionEvent struct {
	id   string
	body []byte
}

// maxExtensions is AWS's limit.
const maxExtensions = 10

// registration answers /extension/register.
type registration struct {
	FunctionName    string `json:"functionName"`
	FunctionVersion string `json:"functionVersion"`
	Handler         string `json:"handler"`
	AccountID       string `json:"accountId,omitempty"`
}

func refuseExtension(errorType, format string, args ...any) *apiError {
	return &apiError{403, errorType, fmt.Sprintf(format, args...)}
}

func (x *extension) refuseTransition(to extensionState, who string) *apiError {
	return refuseExtension("Extension.InvalidExtensionState",
		"State transition from %s to %s failed for extension %s. Error: State transition is not allowed", x.state, to, who)
}

// readRegistration reads the events that an extension asks for.
func readRegistration(body []byte) ([]string, *apiError) {
	var ask struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, refuseExtension("InvalidRequestFormat", "%v", err)
	}
	if len(ask.ConfigurationKeys) > 0 {
		return nil, refuseExtension("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
	}
	var events []string
	for _, event := range ask.Events {
		if !slices.Contains(events, event) {
			events = append(events, event)
		}
	}
	return events, nil
}

// register adds an extension and returns its identifier. One that bears the
// name of a program we started is that program.
func (e *Environment) register(l *life, name string, withAccount bool, body []byte) (*extension, *registration, *apiError) {
	if name == "" {
		return nil, nil, refuseExtension("Extension.InvalidExtensionName", "Empty extension name")
	}
	events, refusal := readRegistration(body)
	if refusal != nil {
		return nil, nil, refusal
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life != l {
		return nil, nil, refuseContainer
	}
	x := l.external(name)
	if x != nil {
		refusal = l.registerExternal(x, events)
	} else {
		x = &extension{name: name, state: extensionRegistered}
		refusal = l.registerInternal(x, events)
	}
	if refusal != nil {
		return nil, nil, refusal
	}
	x.id, x.events, x.state = awsapi.NewRequestID(), events, extensionRegistered
	if l.extensions == nil {
		l.extensions = make(map[string]*extension)
	}
	l.extensions[x.id] = x
	if x.wanted && l.allRegistered() {
		close(l.registered)
	}
	fn := e.cfg.Function
	r := &registration{FunctionName: fn.Name, FunctionVersion: fn.Version, Handler: fn.Handler}
	if withAccount {
		r.AccountID = fn.AccountID
	}
	return x, r, nil
}

func (l *life) registerExternal(x *extension, events []string) *apiError {
	for _, event := range events {
		if event != "INVOKE" && event != "SHUTDOWN" {
			return refuseExtension("Extension.InvalidEventType", "%s: ErrorInvalidEventType", event)
		}
	}
	if x.state != extensionStarted {
		return x.refuseTransition(extensionRegistered, x.name)
	}
	return nil
}

func (l *life) registerInternal(x *extension, events []string) *apiError {
	for _, event := range events {
		switch event {
		case "INVOKE":
		case "SHUTDOWN":
			return refuseExtension("Extension.InvalidEventType", "%s: ShutdownEventNotSupportedForInternalExtension", event)
		default:
			return refuseExtension("Extension.InvalidEventType", "%s: ErrorInvalidEventType", event)
		}
	}
	count := len(l.externals)
	for _, other := range l.extensions {
		if other.name == x.name {
			return refuseExtension("Extension.InvalidExtensionState", "Extension with this name already registered")
		}
		if !other.wanted {
			count++
		}
	}
	switch {
	case l.state != stateStarted:
		return refuseExtension("Extension.RegistrationClosed", "Extension registration closed already")
	case count >= maxExtensions:
		return refuseExtension("Extension.TooManyExtensions", "Extension limit (%d) reached", maxExtensions)
	}
	return nil
}

// external finds one of those we started.
func (l *life) external(name string) *extension {
	for _, x := range l.externals {
		if x.name == name {
			return x
		}
	}
	return nil
}

func (l *life) allRegistered() bool {
	for _, x := range l.externals {
		if x.id == "" {
			return false
		}
	}
	return true
}

// extension finds one by the identifier it sent. e.mu is held.
func (l *life) extension(id string) (*extension, *apiError) {
	if id == "" {
		return nil, refuseExtension("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
	}
	if x := l.extensions[id]; x != nil {
		return x, nil
	}
	if !isUUID(id) {
		return nil, refuseExtension("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
	}
	return nil, refuseExtension("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
}

func isUUID(s string) bool {
	for i := range len(s) {
		c := s[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return len(s) == 36
}

// offer gives an extension the INVOKE event of inv. env.mu is held.
func (x *extension) offer(inv *invocation) {
	if !x.subscribed("INVOKE") {
		return
	}
	event := struct {
		EventType  string  `json:"eventType"`
		DeadlineMs int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.RequestID, inv.InvokedARN, tracing{"X-Amzn-Trace-Id", inv.TraceID}}
	body, _ := json.Marshal(event) // strings and numbers always marshal
	x.give(body)
}

// give hands an event to the extension's blocked call. env.mu is held.
func (x *extension) give(body []byte) {
	x.waiting <- extensionEvent{awsapi.NewRequestID(), body}
	x.waiting, x.state = nil, extensionRunning
}

type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// nextEvent waits for an extension's next event; nil, nil means never.
func (e *Environment) nextEvent(l *life, id string, hungUp <-chan struct{}) (*extensionEvent, *apiError) {
	e.mu.Lock()
	x, refusal := l.extension(id)
	switch {
	case refusal != nil:
	case e.life != l:
		refusal = refuseContainer
	case x.state != extensionRegistered && x.state != extensionRunning:
		refusal = x.refuseTransition(extensionReady, id)
	}
	if refusal != nil {
		e.mu.Unlock()
		return nil, refusal
	}
	wait := make(chan extensionEvent, 1)
	was := x.state
	x.waiting, x.state = wait, extensionReady
	if l.shutdown != nil {
		l.shutdown.offer(x)
	}
	d := e.settle(l)
	e.mu.Unlock()
	d.make()
	e.released()
	select {
	case event := <-wait:
		return &event, nil
	case <-l.ended:
	case <-hungUp:
		e.mu.Lock()
		if x.waiting == (chan<- extensionEvent)(wait) {
			x.waiting, x.state = nil, was
		}
		e.mu.Unlock()
	}
	return nil, nil
}

// extensionFault takes an extension's init or exit error: the phase fails.
func (e *Environment) extensionFault(l *life, id, kind, errorType string) *apiError {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, refusal := l.extension(id)
	to := map[string]extensionState{"InitError": extensionInitError, "ExitError": extensionExitError}[kind]
	switch {
	case refusal != nil:
		return refusal
	case errorType == "":
		return refuseExtension("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
	case x.state == extensionInitError || x.state == extensionExitError,
		kind == "InitError" && x.state != extensionRegistered:
		return x.refuseTransition(to, id)
	}
	x.state, x.fault, x.cause = to, "Extension."+kind, errorType
	f := &failure{outcome: invoke.FunctionError, errorType: x.fault, message: errorType, status: "error", abort: true}
	if inv := e.current; l.initialized && !l.ending && inv != nil {
		// RIE waits for its exit; whoever says this has nothing else to do.
		l.ending = true
		e.work.Go(func() { e.fail(inv, f.of(inv)); e.reset(l, "failure"); e.finish(inv, f.of(inv)); e.released() })
	} else if !l.initialized {
		l.failInit(f)
	}
	return nil
}
