package webadapter

import (
	"strconv"
	"strings"
)

// Settings are the adapter's, read from a function's environment variables
// (aws-lambda-web-adapter, docs: Environment variables).
type Settings struct {
	Host string
	Port int
	// ReadinessPort is 0 when it is the server's own.
	ReadinessPort int
	ReadinessPath string
	ReadinessTCP  bool
	// Healthy tells which statuses of the readiness path mean ready.
	Healthy func(status int) bool
	// AsyncInit gives up waiting in init after 9.8 s and goes on in the first
	// invocation.
	AsyncInit bool
	// BasePath is stripped from paths.
	BasePath string
	// PassThroughPath gets events that are no HTTP requests, by POST.
	PassThroughPath string
	// Stream answers with a prelude and the body as it comes.
	Stream bool
	// Compress compresses buffered answers for clients that take it.
	Compress bool
	// AuthorizationSource is the header that becomes Authorization.
	AuthorizationSource string
	// Failures are statuses of answers that become function errors; nil: none.
	Failures func(status int) bool
}

func (s *Settings) failing(status int) bool { return s.Failures != nil && s.Failures(status) }

// deprecated are the names without prefix that the adapter still reads.
var deprecated = map[string]string{
	"AWS_LWA_HOST":                     "HOST",
	"AWS_LWA_READINESS_CHECK_PORT":     "READINESS_CHECK_PORT",
	"AWS_LWA_READINESS_CHECK_PATH":     "READINESS_CHECK_PATH",
	"AWS_LWA_READINESS_CHECK_PROTOCOL": "READINESS_CHECK_PROTOCOL",
	"AWS_LWA_REMOVE_BASE_PATH":         "REMOVE_BASE_PATH",
	"AWS_LWA_ASYNC_INIT":               "ASYNC_INIT",
	"AWS_LWA_PORT":                     "PORT", // this one is not deprecated
}

// A Problem is a variable whose value the adapter does not understand, or
// which has no effect.
type Problem struct {
	Variable string
	Text     string
}

// Read reads the settings. Like the adapter it takes its default for a value
// that it does not understand.
func Read(variables map[string]string) (Settings, []Problem) {
	r := reader{variables: variables}
	s := Settings{
		Host:                r.text("AWS_LWA_HOST", "127.0.0.1"),
		Port:                r.port("AWS_LWA_PORT", 8080),
		ReadinessPort:       r.port("AWS_LWA_READINESS_CHECK_PORT", 0),
		ReadinessPath:       r.text("AWS_LWA_READINESS_CHECK_PATH", "/"),
		ReadinessTCP:        r.choice("AWS_LWA_READINESS_CHECK_PROTOCOL", "http", "tcp"),
		AsyncInit:           r.truth("AWS_LWA_ASYNC_INIT"),
		BasePath:            r.text("AWS_LWA_REMOVE_BASE_PATH", ""),
		PassThroughPath:     r.text("AWS_LWA_PASS_THROUGH_PATH", "/events"),
		Stream:              r.choice("AWS_LWA_INVOKE_MODE", "buffered", "response_stream"),
		Compress:            r.truth("AWS_LWA_ENABLE_COMPRESSION"),
		AuthorizationSource: strings.ToLower(r.text("AWS_LWA_AUTHORIZATION_SOURCE", "")),
		Healthy:             func(status int) bool { return status >= 100 && status < 500 },
	}
	if _, ok := variables["AWS_LWA_READINESS_CHECK_HEALTHY_STATUS"]; ok {
		s.Healthy = r.statuses("AWS_LWA_READINESS_CHECK_HEALTHY_STATUS")
	}
	if least, err := strconv.Atoi(variables["AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS"]); err == nil && s.Healthy != nil {
		s.Healthy = func(status int) bool { return status >= 100 && status < least }
		r.say("AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS", "the adapter reads AWS_LWA_READINESS_CHECK_HEALTHY_STATUS instead since version 1.0; Suiro reads both")
	}
	if _, ok := variables["AWS_LWA_ERROR_STATUS_CODES"]; ok {
		s.Failures = r.statuses("AWS_LWA_ERROR_STATUS_CODES")
	}
	if s.ReadinessPort == s.Port {
		s.ReadinessPort = 0
	}
	if s.Host == "0.0.0.0" {
		s.Host = "127.0.0.1" // where a server that listens everywhere is met
	}
	if s.Compress && s.Stream {
		s.Compress = false
		r.say("AWS_LWA_ENABLE_COMPRESSION", "streamed answers are not compressed")
	}
	if variables["AWS_LWA_LAMBDA_RUNTIME_API_PROXY"] != "" {
		r.say("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", "has no effect here: there is no Runtime API between Suiro and the server")
	}
	return s, r.problems
}

type reader struct {
	variables map[string]string
	problems  []Problem
}

func (r *reader) say(variable, text string) {
	r.problems = append(r.problems, Problem{variable, text})
}

// text is a variable by its own name or the one without prefix.
func (r *reader) text(name, otherwise string) string {
	if v, ok := r.variables[name]; ok {
		return v
	}
	if old, ok := deprecated[name]; ok {
		if v, ok := r.variables[old]; ok {
			return v
		}
	}
	return otherwise
}

func (r *reader) port(name string, otherwise int) int {
	v := r.text(name, "")
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 65535 {
		r.say(name, strconv.Quote(v)+" is not a port number from 1 to 65535")
		return otherwise
	}
	return n
}

// choice tells whether a variable has the second of two values, in any case.
func (r *reader) choice(name, first, second string) bool {
	v := strings.ToLower(r.text(name, first))
	if v != first && v != second {
		r.say(name, strconv.Quote(v)+" is neither "+first+" nor "+second+"; the adapter takes "+first)
	}
	return v == second
}

// truth is Rust's reading of a truth value: nothing but true and false.
func (r *reader) truth(name string) bool {
	v := r.text(name, "false")
	if v != "true" && v != "false" {
		r.say(name, strconv.Quote(v)+" is neither true nor false; the adapter takes false")
	}
	return v == "true"
}

// statuses reads "500,502-504".
func (r *reader) statuses(name string) func(int) bool {
	type span struct{ from, to int }
	var spans []span
	for part := range strings.SplitSeq(r.variables[name], ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err != nil || err2 != nil {
			r.say(name, strconv.Quote(part)+" is neither a status nor a range of them; the adapter leaves it out")
			continue
		}
		spans = append(spans, span{from, to})
	}
	return func(status int) bool {
		for _, s := range spans {
			if status >= s.from && status <= s.to {
				return true
			}
		}
		return false
	}
}
