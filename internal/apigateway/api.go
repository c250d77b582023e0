package apigateway

import (
	"context"
	"errors"
	"slices"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

const (
	kindWebSocket     = "websocket"
	protocolWebSocket = "WEBSOCKET"
	protocolHTTP      = "HTTP"
)

// api is one AWS::ApiGatewayV2::Api and what belongs to it. Its fields are
// guarded by Service.mu, except data and listener, which never change.
type api struct {
	id      string
	spec    resource.Spec
	records map[string]map[string]resource.Spec // by type and id
	serial  map[string]int                      // of a record's id, in order of creation
	next    int

	// deployments are what was deployed, by id. What has changed since then is
	// told apart: anything, and what only a deployment brings to a stage.
	deployments     map[string]*websocketapi.Deployment
	changed, edited bool

	data     *websocketapi.API // nil for HTTP APIs
	listener Listener
}

func (a *api) websocket() bool { return a.data != nil }

func (a *api) put(recordType, id string, spec resource.Spec) {
	if a.records[recordType] == nil {
		a.records[recordType] = map[string]resource.Spec{}
	}
	a.records[recordType][id] = spec
	a.next++
	a.serial[recordType+id] = a.next
	a.touch(recordType)
}

func (a *api) drop(recordType, id string) {
	delete(a.records[recordType], id)
	delete(a.serial, recordType+id)
	a.touch(recordType)
}

// close ends the sockets while the endpoint still answers: a function that
// runs for $disconnect may push to others.
func (a *api) close(ctx context.Context) error {
	if a.data == nil {
		return nil
	}
	return errors.Join(a.data.Close(ctx), a.listener.Close(ctx))
}

// apiHandler makes AWS::ApiGatewayV2::Api.
type apiHandler struct{ service *Service }

func (h *apiHandler) Schema() resource.Schema { return apiSchema }

// Check implements resource.Checker.
func (h *apiHandler) Check(spec resource.Spec) diag.List {
	var msgs diag.List
	p := spec.Properties
	protocol := p.Get("ProtocolType")
	if resource.Unknown(protocol) {
		return nil
	}
	at := func(name string) (diag.Position, string) {
		pos := spec.Pos
		if n := p.Get(name); n != nil {
			pos = n.Pos
		}
		return pos, spec.LogicalID + "." + name
	}
	switch protocol.TextOr(protocolHTTP) {
	case protocolHTTP:
		pos, key := at("ProtocolType")
		msgs.Add(diag.Warningf(pos, key, "HTTP APIs are not served yet; the API has no endpoint here"))
	case protocolWebSocket:
		chosen := p.Get("RouteSelectionExpression")
		pos, key := at("RouteSelectionExpression")
		if chosen.IsNull() {
			msgs.Add(diag.Errorf(pos, key, "a WebSocket API needs this property").WithHint("usually $request.body.action"))
		} else if !resource.Unknown(chosen) {
			if _, err := selection.Parse(chosen.TextOr("")); err != nil {
				msgs.Add(diag.Errorf(pos, key, "%v", err))
			}
		}
	default:
		pos, key := at("ProtocolType")
		msgs.Add(diag.Errorf(pos, key, "an API's protocol is WEBSOCKET or HTTP, not %q", protocol.Text))
	}
	return msgs
}

func (h *apiHandler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	s := h.service
	a := &api{
		id: stableID(apiIDLength, spec.Stack.Name, spec.LogicalID), spec: spec,
		records: map[string]map[string]resource.Spec{}, serial: map[string]int{},
		deployments: map[string]*websocketapi.Deployment{}, changed: true,
	}
	if spec.Properties.Get("ProtocolType").TextOr("") == protocolWebSocket {
		if err := s.openWebSocket(ctx, a); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apis[a.id] = a
	return s.instance(a), nil
}

// openWebSocket gives an API its data plane and its endpoint.
func (s *Service) openWebSocket(ctx context.Context, a *api) error {
	stack := a.spec.Stack
	a.data = websocketapi.New(websocketapi.Config{
		ID: a.id, Resource: a.spec.LogicalID,
		Region: s.region(stack), AccountID: s.accountID(stack), Partition: stack.Partition,
		Invoker: s.config.Invoker, Action: s.config.Action, Connections: s.config.Connections, Journal: s.config.Journal,
		Authenticator: s.config.Authenticator, Authorizer: s.config.Authorizer, Evaluate: s.config.Evaluate,
		IdleTimeout: s.config.IdleTimeout, MaxAge: s.config.MaxAge, PingsKeepAlive: s.config.PingsKeepAlive,
		RawHeader: s.config.RawHeader,
	})
	listener, err := s.config.Open(ctx, Endpoint{
		Resource: a.spec.LogicalID, Kind: kindWebSocket, Handler: a.data, Direct: websocketapi.IsManagement, Hosts: []string{s.host(a)},
	})
	if err != nil {
		return errors.Join(err, a.data.Close(ctx))
	}
	a.listener = listener
	return nil
}

func (s *Service) region(stack resource.Stack) string {
	if stack.Region != "" {
		return stack.Region
	}
	return s.config.Region
}

func (s *Service) accountID(stack resource.Stack) string {
	if stack.AccountID != "" {
		return stack.AccountID
	}
	return s.config.AccountID
}

// host is the name the API has on AWS, which templates build URLs from.
func (s *Service) host(a *api) string {
	suffix := a.spec.Stack.URLSuffix
	if suffix == "" {
		suffix = "amazonaws.com"
	}
	return a.id + ".execute-api." + s.region(a.spec.Stack) + "." + suffix
}

// instance is what Ref and GetAtt give. ApiEndpoint is the AWS name: whoever
// hands it to the user makes a local one of it, as of names that templates
// build by hand.
func (s *Service) instance(a *api) *resource.Instance {
	scheme := "https://"
	if a.websocket() {
		scheme = "wss://"
	}
	return &resource.Instance{
		PhysicalID: a.id,
		Attributes: resource.Texts("ApiId", a.id, "ApiEndpoint", scheme+s.host(a)),
	}
}

// Update keeps the endpoint and the sockets, unless the protocol changes.
func (h *apiHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	s := h.service
	s.mu.Lock()
	a := s.apis[old.PhysicalID]
	if a != nil && a.websocket() == (spec.Properties.Get("ProtocolType").TextOr("") == protocolWebSocket) {
		a.edited = a.edited || slices.ContainsFunc(deployedProperties, func(name string) bool {
			return !a.spec.Properties.Get(name).Equal(spec.Properties.Get(name))
		})
		a.spec, a.changed = spec, true
		s.mu.Unlock()
		return s.instance(a), nil
	}
	s.mu.Unlock()
	if err := h.Delete(ctx, spec, old); err != nil {
		return nil, err
	}
	return h.Create(ctx, spec)
}

func (h *apiHandler) Delete(ctx context.Context, _ resource.Spec, old *resource.Instance) error {
	s := h.service
	s.mu.Lock()
	a := s.apis[old.PhysicalID]
	delete(s.apis, old.PhysicalID)
	s.mu.Unlock()
	if a == nil {
		return nil
	}
	return a.close(ctx)
}
