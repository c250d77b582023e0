package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Handlers are the resource types that the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	h := map[string]resource.Handler{
		"AWS::IAM::Role":          &roleHandler{s},
		"AWS::IAM::Policy":        &policyHandler{s, policySchema},
		"AWS::IAM::RolePolicy":    &policyHandler{s, rolePolicySchema},
		"AWS::IAM::ManagedPolicy": &managedHandler{s},
	}
	for typ, a := range acceptedTypes {
		a.service = s
		h[typ] = &a
	}
	return h
}

// without is why a property does nothing here.
func without(why string) resource.Property {
	return resource.Property{Support: resource.Accepted, Why: why}
}

var (
	supported = resource.Property{}
	required  = resource.Property{Required: true}

	descriptive = without("it describes the resource and has no effect")
	onUsers     = without("Suiro has no users or groups; the policy counts for roles only")
)

// physicalName is the name that a resource gets when the template gives it
// none: stack, logical id and a suffix that stays the same, at most most
// characters.
func physicalName(spec resource.Spec, most int) string {
	suffix := "-" + stableID("", spec.Stack.Name+"/"+spec.LogicalID)[:12]
	name := spec.Stack.Name + "-" + spec.LogicalID
	return name[:min(len(name), most-len(suffix))] + suffix
}

// stableID makes an id as IAM writes them: a prefix and 17 capital letters and
// digits, the same for the same thing.
func stableID(prefix, of string) string {
	sum := sha256.Sum256([]byte(of))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// iamARN names something of the account: kind is "role", "policy", "user".
func (s *Service) iamARN(spec resource.Spec, kind, path, name string) string {
	if path == "" {
		path = "/"
	}
	account := spec.Stack.AccountID
	if account == "" {
		account = s.config.AccountID
	}
	partition := spec.Stack.Partition
	if partition == "" {
		partition = s.config.Partition
	}
	return "arn:" + partition + ":iam::" + account + ":" + kind + path + name
}

// checkPath says what is wrong with a Path property.
func checkPath(spec resource.Spec) *diag.Message {
	n := spec.Properties.Get("Path")
	p := n.TextOr("/")
	if resource.Unknown(n) || strings.HasPrefix(p, "/") && strings.HasSuffix(p, "/") {
		return nil
	}
	return diag.Errorf(n.Position(), spec.LogicalID+".Path", "a path begins and ends with a slash, as in /%s/", strings.Trim(p, "/"))
}

// readPolicy reads a policy document of a resource; one that depends on
// resources that do not exist yet is left for later.
func readPolicy(spec resource.Spec, name, key string, doc *document.Node) (Policy, diag.List) {
	if doc.IsScalar() && resource.Unknown(doc) {
		return Policy{}, nil
	}
	return ParsePolicy(name, spec.LogicalID+"."+key, doc)
}

func stackKey(spec resource.Spec) string { return spec.Stack.Name + "/" + spec.LogicalID }

// accepted handles types that exist so that templates deploy: they get names
// and ARNs, and nothing else comes of them.
type accepted struct {
	service  *Service
	kind     string // in ARNs; empty for types without one
	nameKey  string // the property that names it
	schema   resource.Schema
	refIsARN bool
}

var acceptedTypes = map[string]accepted{
	"AWS::IAM::InstanceProfile": {kind: "instance-profile", nameKey: "InstanceProfileName", schema: resource.Schema{
		"InstanceProfileName": supported, "Path": supported, "Roles": without("Suiro starts no EC2 instances"),
	}},
	"AWS::IAM::User": {kind: "user", nameKey: "UserName", schema: resource.Schema{
		"UserName": supported, "Path": supported, "Groups": onUsers, "LoginProfile": onUsers, "ManagedPolicyArns": onUsers,
		"PermissionsBoundary": onUsers, "Policies": onUsers, "Tags": descriptive,
	}},
	"AWS::IAM::Group": {kind: "group", nameKey: "GroupName", schema: resource.Schema{
		"GroupName": supported, "Path": supported, "ManagedPolicyArns": onUsers, "Policies": onUsers,
	}},
	"AWS::IAM::UserPolicy": {nameKey: "PolicyName", schema: resource.Schema{
		"PolicyName": supported, "PolicyDocument": onUsers, "UserName": onUsers,
	}},
	"AWS::IAM::GroupPolicy": {nameKey: "PolicyName", schema: resource.Schema{
		"PolicyName": supported, "PolicyDocument": onUsers, "GroupName": onUsers,
	}},
	"AWS::IAM::UserToGroupAddition": {nameKey: "GroupName", schema: resource.Schema{"GroupName": supported, "Users": onUsers}},
	"AWS::IAM::ServiceLinkedRole": {kind: "role", nameKey: "AWSServiceName", schema: resource.Schema{
		"AWSServiceName": without("Suiro's services need no role of their own"), "CustomSuffix": descriptive, "Description": descriptive,
	}},
	"AWS::IAM::OIDCProvider": {kind: "oidc-provider", nameKey: "Url", refIsARN: true, schema: resource.Schema{
		"Url": without("nobody signs in to Suiro's account"), "ClientIdList": descriptive, "ThumbprintList": descriptive, "Tags": descriptive,
	}},
}

// Schema implements resource.Handler.
func (a *accepted) Schema() resource.Schema { return a.schema }

// Create implements resource.Handler.
func (a *accepted) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	name := spec.Properties.Get(a.nameKey).TextOr("")
	if name == "" {
		name = physicalName(spec, 64)
	}
	inst := &resource.Instance{PhysicalID: name}
	if a.kind == "" {
		return inst, nil
	}
	arn := a.service.iamARN(spec, a.kind, spec.Properties.Get("Path").TextOr("/"), strings.TrimPrefix(name, "https://"))
	if a.refIsARN {
		inst.PhysicalID = arn
	}
	inst.Attributes = resource.Texts("Arn", arn, "RoleName", name)
	return inst, nil
}

// Update implements resource.Handler.
func (a *accepted) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return a.Create(ctx, spec)
}

// Delete implements resource.Handler.
func (a *accepted) Delete(context.Context, resource.Spec, *resource.Instance) error { return nil }
