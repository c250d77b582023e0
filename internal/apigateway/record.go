package apigateway

import (
	"context"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
)

// kind is a resource type whose resources belong to an API and are no more
// than records of it.
type kind struct {
	schema resource.Schema
	// attribute is the GetAtt name of the id; "" when there is none.
	attribute string
	// named is the property that is the physical id; "" when ids are made.
	named string
	// check holds rules between properties; values may be unknown still.
	check func(spec resource.Spec) diag.List
	// admit holds rules between records; s.mu is held, values are known.
	admit func(s *Service, a *api, spec resource.Spec) diag.List
}

var kinds = map[string]*kind{
	typeRoute:               {schema: routeSchema, check: checkRoute, admit: admitRoute},
	typeIntegration:         {schema: integrationSchema, check: checkIntegration, admit: admitIntegration},
	typeIntegrationResponse: {schema: integrationResponseSchema, attribute: "IntegrationResponseId", check: checkIntegrationResponse, admit: refers("IntegrationId", typeIntegration)},
	typeRouteResponse:       {schema: routeResponseSchema, check: checkRouteResponse, admit: refers("RouteId", typeRoute)},
	typeStage:               {schema: stageSchema, named: "StageName", check: checkStage, admit: admitStage},
	typeDeployment:          {schema: deploymentSchema, attribute: "DeploymentId"},
	typeAuthorizer:          {schema: authorizerSchema, attribute: "AuthorizerId", admit: admitAuthorizer},
	typeModel:               {schema: modelSchema, attribute: "ModelId", check: checkModel},
	typeAPIMapping:          {schema: apiMappingSchema, attribute: "ApiMappingId", check: checkAPIMapping, admit: admitAPIMapping},
	typeOverrides:           {schema: overridesSchema},
}

// recordHandler makes the resources of one kind.
type recordHandler struct {
	service *Service
	kind    *kind
}

func (h *recordHandler) Schema() resource.Schema { return h.kind.schema }

// Check implements resource.Checker.
func (h *recordHandler) Check(spec resource.Spec) diag.List {
	if h.kind.check == nil {
		return nil
	}
	return h.kind.check(spec)
}

func (h *recordHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	return h.put(spec, nil, nil)
}

func (h *recordHandler) Update(_ context.Context, spec resource.Spec, old *resource.Instance, before *document.Node) (*resource.Instance, error) {
	return h.put(spec, old, before)
}

// put writes a record, in the place of an older one of the same resource.
func (h *recordHandler) put(spec resource.Spec, old *resource.Instance, before *document.Node) (*resource.Instance, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := spec.Properties.Get("ApiId")
	a := s.apis[owner.TextOr("")]
	if a == nil {
		return nil, diag.Errorf(position(spec, "ApiId"), spec.LogicalID+".ApiId", "the app has no API with the id %q", owner.TextOr("")).
			WithHint("refer to the API with Ref")
	}
	if h.kind.admit != nil {
		if err := h.kind.admit(s, a, spec).Err(); err != nil {
			return nil, err
		}
	}
	id := spec.Properties.Get(h.kind.named).TextOr("")
	if h.kind.named == "" {
		id = stableID(recordIDLength, spec.Stack.Name, a.id, spec.LogicalID)
	}
	if old != nil {
		if b := s.apis[before.Get("ApiId").TextOr("")]; b != nil && (b != a || old.PhysicalID != id) {
			b.drop(spec.Type, old.PhysicalID)
		}
	}
	a.put(spec.Type, id, spec)
	instance := &resource.Instance{PhysicalID: id}
	if h.kind.attribute != "" {
		instance.Attributes = resource.Texts(h.kind.attribute, id)
	}
	return instance, nil
}

func (h *recordHandler) Delete(_ context.Context, spec resource.Spec, old *resource.Instance) error {
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apis[spec.Properties.Get("ApiId").TextOr("")]
	// A record that another resource has taken over (a stage of the same
	// name under a new logical id) is not ours to delete.
	if a == nil || a.records[spec.Type][old.PhysicalID].LogicalID != spec.LogicalID {
		return nil
	}
	a.drop(spec.Type, old.PhysicalID)
	return nil
}

func (s *Service) notice(resource, format string) {
	s.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: resource, Text: format})
}

// position is where a property is written, else where the resource is.
func position(spec resource.Spec, property string) diag.Position {
	if n := spec.Properties.Get(property); n != nil {
		return n.Pos
	}
	return spec.Pos
}

// fault is an error about a property.
func fault(spec resource.Spec, property, format string, args ...any) *diag.Message {
	return diag.Errorf(position(spec, property), spec.LogicalID+"."+property, format, args...)
}

// lacking is a warning about a property that AWS acts on and Suiro does not.
func lacking(spec resource.Spec, property, format string, args ...any) *diag.Message {
	return diag.Warningf(position(spec, property), spec.LogicalID+"."+property, format, args...)
}

// text returns a property's text, and false while it is absent or unknown.
func text(spec resource.Spec, property string) (string, bool) {
	n := spec.Properties.Get(property)
	if n.IsNull() || resource.Unknown(n) {
		return "", false
	}
	return n.Scalar()
}

// domainHandler makes AWS::ApiGatewayV2::DomainName.
type domainHandler struct{ service *Service }

func (h *domainHandler) Schema() resource.Schema { return domainNameSchema }

func (h *domainHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	name := spec.Properties.Get("DomainName").TextOr("")
	h.service.setDomain(name, true)
	region := h.service.region(spec.Stack)
	partition := spec.Stack.Partition
	if partition == "" {
		partition = "aws"
	}
	return &resource.Instance{PhysicalID: name, Attributes: resource.Texts(
		"RegionalDomainName", "d-"+stableID(apiIDLength, name)+".execute-api."+region+".amazonaws.com",
		"RegionalHostedZoneId", "Z0"+stableID(apiIDLength, region),
		"DomainNameArn", "arn:"+partition+":apigateway:"+region+"::/domainnames/"+name,
	)}, nil
}

func (h *domainHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	if old.PhysicalID != spec.Properties.Get("DomainName").TextOr("") {
		h.service.setDomain(old.PhysicalID, false)
	}
	return h.Create(ctx, spec)
}

func (h *domainHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.service.setDomain(old.PhysicalID, false)
	return nil
}

// linkHandler accepts AWS::ApiGatewayV2::VpcLink: private backends are called
// directly here.
type linkHandler struct{}

func (*linkHandler) Schema() resource.Schema { return vpcLinkSchema }

func (*linkHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	id := stableID(recordIDLength, spec.Stack.Name, spec.LogicalID)
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("VpcLinkId", id)}, nil
}

func (h *linkHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

func (*linkHandler) Delete(context.Context, resource.Spec, *resource.Instance) error { return nil }
