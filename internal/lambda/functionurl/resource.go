package functionurl

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Type is the resource type of a function URL.
const Type = "AWS::Lambda::Url"

const (
	authNone  = "NONE"
	authIAM   = "AWS_IAM"
	buffered  = "BUFFERED"
	streaming = "RESPONSE_STREAM"
)

// url is one function URL. Its settings change with the template; requests
// under way keep those they began with.
type url struct {
	service   *Service
	logicalID string
	id        string // the host name's first label on AWS
	listener  Listener
	settings  atomic.Pointer[settings]
}

// settings are what the template says of a URL.
type settings struct {
	function  string // ARN, without the qualifier
	qualifier string
	accountID string
	authType  string
	stream    bool
	cors      *cors // nil without
	noted     *atomic.Bool
}

// handler makes AWS::Lambda::Url real.
type handler struct{ service *Service }

func (handler) Schema() resource.Schema {
	return resource.Schema{
		"TargetFunctionArn":     {Required: true},
		"AuthType":              {Required: true},
		"InvokeMode":            {},
		"Qualifier":             {},
		"Cors":                  {},
		"Cors.AllowCredentials": {},
		"Cors.AllowHeaders":     {},
		"Cors.AllowMethods":     {},
		"Cors.AllowOrigins":     {},
		"Cors.ExposeHeaders":    {},
		"Cors.MaxAge":           {},
	}
}

var (
	// qualifierForm is an alias: neither a version's number nor $LATEST passes
	// (Lambda API Reference, CreateFunctionUrlConfig).
	qualifierForm = regexp.MustCompile(`^[0-9a-zA-Z_-]+$`)
	numberForm    = regexp.MustCompile(`^[0-9]+$`)
)

// Check implements resource.Checker.
func (handler) Check(spec resource.Spec) (out diag.List) {
	p := spec.Properties
	oneOf := func(name string, allowed ...string) {
		n := p.Get(name)
		if n.IsNull() || resource.Unknown(n) {
			return
		}
		for _, a := range allowed {
			if n.TextOr("") == a {
				return
			}
		}
		out.Add(diag.Errorf(n.Pos, spec.LogicalID+"."+name, "must be %s, not %q", strings.Join(allowed, " or "), n.TextOr("")))
	}
	oneOf("AuthType", authNone, authIAM)
	oneOf("InvokeMode", buffered, streaming)
	if n := p.Get("Qualifier"); !n.IsNull() && !resource.Unknown(n) {
		if q := n.TextOr(""); !qualifierForm.MatchString(q) || numberForm.MatchString(q) {
			out.Add(diag.Errorf(n.Pos, spec.LogicalID+".Qualifier", "a function URL is for an alias or for the function itself, not for %q", q))
		}
	}
	c := p.Get("Cors")
	if n := c.Get("MaxAge"); !n.IsNull() && !resource.Unknown(n) {
		if age, ok := n.Integer(); !ok || age < 0 || age > 86400 {
			out.Add(diag.Errorf(n.Pos, spec.LogicalID+".Cors.MaxAge", "must be from 0 to 86400 seconds"))
		}
	}
	for _, m := range c.Get("AllowMethods").Strings() {
		if len(m) > 6 && !resource.Unknown(c.Get("AllowMethods")) {
			out.Add(diag.Errorf(c.Get("AllowMethods").Position(), spec.LogicalID+".Cors.AllowMethods", "AWS refuses %q: a method has at most 6 letters", m).
				WithHint("OPTIONS is answered without being listed"))
		}
	}
	return out
}

// read makes settings of properties.
func (h handler) read(spec resource.Spec) (*settings, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	p := spec.Properties
	target, qualifier := p.Get("TargetFunctionArn"), p.Get("Qualifier").TextOr("")
	info, err := h.service.cfg.Functions.Lookup(target.TextOr(""), qualifier)
	if err != nil {
		return nil, diag.Errorf(target.Position(), spec.LogicalID+".TargetFunctionArn", "there is no function %s in this app", target.TextOr("")).
			WithHint("refer to a function of the template with Ref or GetAtt")
	}
	if qualifier == "" { // it may stand in the ARN: that of an alias
		if rest, ok := strings.CutPrefix(target.TextOr(""), info.ARN+":"); ok {
			qualifier = rest
		} else if _, q, ok := strings.Cut(target.TextOr(""), ":"); ok && !strings.HasPrefix(target.TextOr(""), "arn:") {
			qualifier = q
		}
	}
	if h.taken(spec, info.ARN, qualifier) {
		return nil, diag.Errorf(target.Position(), spec.LogicalID+".TargetFunctionArn", "the function has a URL already").
			WithHint("a function, and each of its aliases, has one URL")
	}
	return &settings{
		function: info.ARN, qualifier: qualifier, accountID: info.AccountID, authType: p.Get("AuthType").TextOr(""),
		stream: p.Get("InvokeMode").TextOr("") == streaming, cors: readCORS(p.Get("Cors")), noted: new(atomic.Bool),
	}, nil
}

// taken tells whether another URL is for the same function.
func (h handler) taken(spec resource.Spec, function, qualifier string) bool {
	h.service.mu.Lock()
	defer h.service.mu.Unlock()
	own := urlID(spec)
	for id, u := range h.service.urls {
		if set := u.settings.Load(); id != own && set.function == function && set.qualifier == qualifier {
			return true
		}
	}
	return false
}

// urlID has the form of AWS's ids, 32 lower-case letters and digits, and is
// the same at every start.
func urlID(spec resource.Spec) string {
	sum := sha256.Sum256([]byte(spec.Stack.AccountID + "/" + spec.Stack.Region + "/" + spec.Stack.Name + "/" + spec.LogicalID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
}

// host is the name the URL has on AWS, which whoever shows it replaces by the
// local one.
func (h handler) host(spec resource.Spec, id string) string {
	region := spec.Stack.Region
	if region == "" {
		region = h.service.cfg.Region
	}
	return id + ".lambda-url." + region + ".on.aws"
}

func (h handler) instance(spec resource.Spec, u *url) *resource.Instance {
	set := u.settings.Load()
	arn := set.function
	if set.qualifier != "" {
		arn += ":" + set.qualifier
	}
	return &resource.Instance{PhysicalID: arn,
		Attributes: resource.Texts("FunctionArn", arn, "FunctionUrl", "https://"+h.host(spec, u.id)+"/")}
}

func (h handler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	set, err := h.read(spec)
	if err != nil {
		return nil, err
	}
	u := &url{service: h.service, logicalID: spec.LogicalID, id: urlID(spec)}
	u.settings.Store(set)
	u.listener, err = h.service.cfg.Open(ctx, Endpoint{
		Resource: spec.LogicalID, Kind: Kind, Handler: u, Direct: u.isDirect, Hosts: []string{h.host(spec, u.id)},
	})
	if err != nil {
		return nil, err
	}
	h.service.mu.Lock()
	defer h.service.mu.Unlock()
	h.service.urls[u.id] = u
	return h.instance(spec, u), nil
}

// Update keeps the endpoint. On AWS another target is another URL; here the
// address stays, so that a page that holds it goes on working.
func (h handler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	h.service.mu.Lock()
	u := h.service.urls[urlID(spec)]
	h.service.mu.Unlock()
	if u == nil {
		return h.Create(ctx, spec)
	}
	set, err := h.read(spec)
	if err != nil {
		return nil, err
	}
	u.settings.Store(set)
	return h.instance(spec, u), nil
}

func (h handler) Delete(ctx context.Context, spec resource.Spec, _ *resource.Instance) error {
	h.service.mu.Lock()
	u := h.service.urls[urlID(spec)]
	delete(h.service.urls, urlID(spec))
	h.service.mu.Unlock()
	if u == nil {
		return nil
	}
	return u.listener.Close(ctx)
}
