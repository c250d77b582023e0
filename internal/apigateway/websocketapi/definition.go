package websocketapi

import (
	"net"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
)

// Route keys with a meaning of their own.
const (
	routeConnect    = "$connect"
	routeDisconnect = "$disconnect"
	routeDefault    = "$default"
)

// Definition is everything an API was told to be. It never changes; a change
// makes a new one.
type Definition struct {
	// Authority is what clients reach the API at, "localhost:3001".
	Authority string
	// Deployment is the API as it is now, which stages with AutoDeploy serve.
	Deployment
	Stages map[string]*Stage // by name
	// Domains map custom domain names (lower case) to stages by mapping key;
	// the empty key is the domain's root.
	Domains map[string]map[string]string
	// Keys are the API keys of usage plans for this API, by value.
	Keys map[string]*Key
}

// Deployment is what a stage serves: the API as it was at some time.
type Deployment struct {
	// Selection picks the route of a message.
	Selection *selection.Expression
	Routes    map[string]*Route // by route key
	// Closed: the API is not served under its execute-api name
	// (DisableExecuteApiEndpoint). Under localhost it is, since that is how a
	// client here reaches the custom domain too.
	Closed bool
	// KeyFromAuthorizer: the key is not in the x-api-key header, the
	// authorizer gives it (ApiKeySelectionExpression).
	KeyFromAuthorizer bool
}

// Stage is a deployed stage.
type Stage struct {
	Name       string
	Deployment *Deployment // nil: what the API is now
	Variables  []Variable
	AccessLog  *LogFormat // nil: none is written
	Default    Settings
	Routes     map[string]*Settings // by route key
}

// deployment is what a stage serves.
func (d *Definition) deployment(s *Stage) *Deployment {
	if s != nil && s.Deployment != nil {
		return s.Deployment
	}
	return &d.Deployment
}

// Variable is a stage variable.
type Variable struct{ Name, Value string }

// Authorization is what guards $connect.
type Authorization int

// The AuthorizationType of a route.
const (
	AuthorizeNone Authorization = iota
	AuthorizeIAM
	AuthorizeCustom
)

// Route is where messages of one key go.
type Route struct {
	Key string
	// Integration is nil when the route has no target.
	Integration *Integration
	// Replies: the route has a route response, so what the integration gives
	// back goes to the client. Without one only failures are told.
	Replies       bool
	Authorization Authorization
	Authorizer    *Authorizer // with AuthorizeCustom
	// Required are the inputs without which a handshake is refused:
	// "querystring.auth", "header.X".
	Required []string
	Models   *Models // nil: messages are not validated
	// KeyRequired: the handshake needs an API key; only on $connect.
	KeyRequired bool
}

// IntegrationType is how a route's backend is called.
type IntegrationType int

// The IntegrationType values. AWS is two of them.
const (
	Lambda        IntegrationType = iota // AWS_PROXY
	HTTPProxy                            // HTTP_PROXY
	HTTP                                 // HTTP
	Mock                                 // MOCK
	Function                             // AWS with a Lambda function
	ServiceAction                        // AWS with an action of a service
)

// Integration is a route's backend.
type Integration struct {
	Type IntegrationType
	// Function is a function's ARN or name; "${stageVariables.x}" in it is
	// filled in when it is called.
	Function string
	// ByRole: a role calls the function, so its resource policy does not
	// count for API Gateway.
	ByRole bool

	URI        string // HTTP: may hold {path} parameters and stage variables
	Method     string // HTTP
	Parameters []Parameter
	Action     Action // ServiceAction: without a body

	// Timeout is at most and by default 29 seconds.
	Timeout time.Duration

	// What only integrations that are no proxies have.
	Request     Templates
	Passthrough Passthrough
	ToBinary    bool        // CONVERT_TO_BINARY: base64 becomes bytes
	Responses   []*Response // in the order in which they are tried
}

// proxy tells whether messages and answers pass as they are.
func (i *Integration) proxy() bool { return i.Type == Lambda || i.Type == HTTPProxy }

// function is the name of the function that is called, "" for other backends.
func (i *Integration) function(s *Stage) string {
	if i.Type != Lambda && i.Type != Function {
		return ""
	}
	return functionName(s.expand(i.Function))
}

// Parameter fills one part of an HTTP integration's request, such as
// "integration.request.header.X" from "context.connectionId".
type Parameter struct {
	In     string // "header", "querystring" or "path"
	Name   string
	Source string
}

// Authorizer is a Lambda authorizer of type REQUEST.
type Authorizer struct {
	ID       string
	Function string
	ByRole   bool
	// Sources are identity sources, all of which must be there:
	// "route.request.header.Auth", "stageVariables.x", "context.routeKey".
	Sources []string
}

func (i *Integration) timeout() time.Duration {
	if i.Timeout <= 0 || i.Timeout > maxTimeout {
		return maxTimeout
	}
	return i.Timeout
}

// variable returns a stage variable; s may be nil.
func (s *Stage) variable(name string) (string, bool) {
	if s == nil {
		return "", false
	}
	for _, v := range s.Variables {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

// expand fills "${stageVariables.name}" in; what is not set becomes empty.
func (s *Stage) expand(text string) string {
	const open = "${stageVariables."
	if !strings.Contains(text, open) {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, open)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString(open + rest)
			return b.String()
		}
		v, _ := s.variable(name)
		b.WriteString(v)
		text = after
	}
}

// stageName finds the stage that a request is for: by the first path segment,
// or by the mapping of a custom domain. "" is none.
func (d *Definition) stageName(host string, path []string) string {
	first := ""
	if len(path) > 0 {
		first = unescape(path[0])
	}
	if mappings := d.domain(host); mappings != nil {
		return mappings[first]
	}
	if d.deployment(d.Stages[first]).Closed && strings.Contains(strings.ToLower(host), ".execute-api.") {
		return ""
	}
	return first
}

// domain returns the mappings of a custom domain name, nil for other hosts.
func (d *Definition) domain(host string) map[string]string {
	if len(d.Domains) == 0 {
		return nil
	}
	name := strings.ToLower(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	return d.Domains[name]
}

// domainName is requestContext.domainName: a name under which the client and
// the function can really reach this listener. Code builds its @connections
// endpoint from it.
func (d *Definition) domainName(host string) string {
	_, port, _ := net.SplitHostPort(d.Authority)
	switch name := strings.ToLower(host); {
	case name == d.Authority:
		return d.Authority // one string for all connections
	case name == "localhost:"+port, name == "127.0.0.1:"+port, name == "[::1]:"+port:
		return name
	case d.domain(host) != nil:
		return host
	}
	return d.Authority
}

// route picks a message's route: the key that the selection expression gives,
// else $default, else none. A client cannot name $connect or $disconnect.
func (d *Deployment) route(body []byte) *Route {
	if d.Selection != nil {
		var room [64]byte
		if key := d.Selection.Key(room[:0], body); len(key) > 0 {
			r := d.Routes[string(key)]
			if r != nil && r.Key != routeConnect && r.Key != routeDisconnect {
				return r
			}
		}
	}
	return d.Routes[routeDefault]
}
