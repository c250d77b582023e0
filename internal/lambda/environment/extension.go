package environment

import (
	"encoding/json"
	"fmt"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// extension is one that registered. All are internal ones, made by code within
// the runtime's process: Go's and Rust's clients register one without events
// to be given SIGTERM. External ones come from /opt/extensions, which no
// folder of this machine is.
type extension struct {
	name    string
	invokes bool // wants INVOKE events
	// waiting takes the next event to its blocked call; nil when there is none.
	waiting chan<- extensionEvent
}

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

// register adds an extension and returns its identifier.
func (e *Environment) register(l *life, name string, withAccount bool, body []byte) (string, *registration, *apiError) {
	var ask struct {
		Events            []string        `json:"events"`
		ConfigurationKeys json.RawMessage `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &ask); err != nil || ask.ConfigurationKeys != nil {
		return "", nil, refuseExtension("InvalidRequestFormat", "Invalid request format")
	}
	if name == "" {
		return "", nil, refuseExtension("Extension.InvalidExtensionName", "Empty extension name")
	}
	x := &extension{name: name}
	for _, event := range ask.Events {
		if event != "INVOKE" { // SHUTDOWN is for external extensions
			return "", nil, refuseExtension("Extension.InvalidEventType", "%s: event type not supported", event)
		}
		x.invokes = true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.life != l:
		return "", nil, refuseContainer
	case l.state != stateStarted:
		return "", nil, refuseExtension("Extension.RegistrationClosed", "Extension registration closed already")
	case len(l.extensions) == maxExtensions:
		return "", nil, refuseExtension("Extension.TooManyExtensions", "Extension limit (%d) reached", maxExtensions)
	}
	for _, other := range l.extensions {
		if other.name == name {
			return "", nil, refuseExtension("Extension.InvalidExtensionState", "Extension with this name already registered")
		}
	}
	if l.extensions == nil {
		l.extensions = make(map[string]*extension)
	}
	id := awsapi.NewRequestID()
	l.extensions[id] = x
	fn := e.cfg.Function
	r := &registration{FunctionName: fn.Name, FunctionVersion: fn.Version, Handler: fn.Handler}
	if withAccount {
		r.AccountID = fn.AccountID
	}
	return id, r, nil
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
	if !x.invokes {
		return
	}
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	event := struct {
		EventType  string  `json:"eventType"`
		DeadlineMs int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.RequestID, inv.InvokedARN, tracing{"X-Amzn-Trace-Id", inv.TraceID}}
	body, _ := json.Marshal(event) // strings and numbers always marshal
	x.waiting <- extensionEvent{awsapi.NewRequestID(), body}
	x.waiting = nil
}

// nextEvent waits for an extension's next event; nil, nil means never.
func (e *Environment) nextEvent(l *life, id string, hungUp <-chan struct{}) (*extensionEvent, *apiError) {
	e.mu.Lock()
	x, refusal := l.extension(id)
	if refusal != nil || e.life != l {
		e.mu.Unlock()
		return nil, refusal
	}
	wait := make(chan extensionEvent, 1)
	x.waiting = wait
	e.settle(l)
	e.mu.Unlock()
	e.released()
	select {
	case event := <-wait:
		return &event, nil
	case <-l.ended:
	case <-hungUp:
		e.mu.Lock()
		if x.waiting == (chan<- extensionEvent)(wait) {
			x.waiting = nil
		}
		e.mu.Unlock()
	}
	return nil, nil
}

// extensionFault takes an extension's init or exit error: the phase fails.
func (e *Environment) extensionFault(l *life, id, kind, errorType string) *apiError {
	e.mu.Lock()
	_, refusal := l.extension(id)
	inv := e.current
	starting := !l.initialized
	e.mu.Unlock()
	switch {
	case refusal != nil:
		return refusal
	case errorType == "":
		return refuseExtension("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
	}
	f := &failure{errorType: "Extension." + kind, status: "error", abort: true}
	if inv != nil {
		f.body = platformError(f.errorType, inv.RequestID, errorType)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if starting && l.state == stateStarted {
		l.state, l.initError = stateInitError, f
		close(l.initFailed)
	} else if inv != nil {
		e.work.Go(func() { e.fail(inv, f); l.process.Kill() })
	}
	return nil
}
