// Package resource is the door between a stack and the services: what a
// CloudFormation resource looks like to the service that owns its type.
//
// A service offers one [Handler] for each type it owns. The stack resolves a
// resource's properties, asks the handler to make it real, and hands the
// returned attributes to whatever refers to it with Ref or Fn::GetAtt. The
// stack knows no type by name; the node holds the list of handlers.
package resource

import (
	"context"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Stack is what every resource of one stack shares: the values of the pseudo
// parameters.
type Stack struct {
	Name      string // AWS::StackName
	Region    string // AWS::Region
	AccountID string // AWS::AccountId, 12 digits
	Partition string // AWS::Partition: aws, aws-cn, aws-us-gov
	URLSuffix string // AWS::URLSuffix: amazonaws.com, amazonaws.com.cn
}

// Spec is one resource as the template asks for it, properties resolved.
type Spec struct {
	LogicalID  string
	Type       string // e.g. "AWS::DynamoDB::Table"
	Pos        diag.Position
	Properties *document.Node // never nil; a Map without intrinsics
	Metadata   *document.Node // the resource's Metadata, unresolved; may be nil
	// Dir is the folder that local paths in the properties are relative to.
	Dir   string
	Stack Stack
	// Needs are the logical ids of everything that is made before it: what it
	// refers to or depends on, and what those need.
	Needs []string
}

// Instance is a resource that exists.
type Instance struct {
	// PhysicalID is what Ref gives.
	PhysicalID string
	// Attributes are what Fn::GetAtt gives, by attribute name; names may hold
	// dots. Values are usually strings; lists are allowed.
	Attributes map[string]*document.Node
}

// Attr returns a text attribute of an instance, "" when it has none.
func (i *Instance) Attr(name string) string {
	if i == nil {
		return ""
	}
	return i.Attributes[name].TextOr("")
}

// Texts makes an attribute map from name, value pairs.
func Texts(pairs ...string) map[string]*document.Node {
	m := make(map[string]*document.Node, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = document.Str(pairs[i+1], diag.Position{})
	}
	return m
}

// Handler makes resources of one type real.
//
// Calls for different resources may come at the same time; calls for one
// resource come one after the other. A handler that fails leaves nothing
// half-made behind. Errors that lie in the template are *diag.Message or
// diag.List with the position of the value at fault; other errors are about
// the machine.
type Handler interface {
	// Schema tells which properties the type has and what Suiro does with
	// them. It is constant.
	Schema() Schema
	// Create makes the resource.
	Create(ctx context.Context, spec Spec) (*Instance, error)
	// Update changes an existing resource to spec; old is what Create or
	// Update returned last, before its properties. A new PhysicalID in the
	// result means that it was replaced. What lives on the resource (open
	// connections, rows) stays where AWS would keep it.
	Update(ctx context.Context, spec Spec, old *Instance, before *document.Node) (*Instance, error)
	// Delete removes the resource; one that is gone already is no error.
	Delete(ctx context.Context, spec Spec, old *Instance) error
}

// Checker is what a Handler may add for rules between properties that Schema
// cannot say. It starts nothing and is called by check and before Create.
// Properties may still hold unresolved values of resources that do not exist
// yet (see Unknown); rules must not judge those.
type Checker interface {
	Check(spec Spec) diag.List
}

// Staler is what a Handler may add for resources that are made of files the
// properties only name (a nested stack's template): Stale tells whether an
// instance must be updated although its properties are the same.
type Staler interface {
	Stale(i *Instance) bool
}

// Support says what Suiro does with a property.
type Support int

const (
	// Supported: it has the effect it has on AWS.
	Supported Support = iota
	// Accepted: taken and without effect here, and the app will not miss it.
	// Said as a note.
	Accepted
	// Missing: AWS acts on it, Suiro does not yet. Said as a warning.
	Missing
)

// Property describes one property of a resource type.
type Property struct {
	Support  Support
	Required bool
	// Why says what is different when Support is not Supported, as the user
	// reads it: "tags have no effect here".
	Why string
}

// Schema holds the properties of a type by dotted path from Properties. A
// path names what lies below it too, unless a longer path is listed; list
// positions are left out ("GlobalSecondaryIndexes.IndexName").
type Schema map[string]Property

// Check reports unknown, accepted, missing and absent properties of spec,
// each with its position. Only paths whose parent is listed with children
// are looked into.
//
// A nil Schema says nothing about any property.
func (s Schema) Check(spec Spec) diag.List {
	var out diag.List
	if s == nil {
		return nil
	}
	s.check(&out, spec, spec.Properties, "")
	for path, p := range s {
		if p.Required && !strings.Contains(path, ".") && spec.Properties.Get(path).IsNull() {
			out.Add(diag.Errorf(spec.Pos, spec.LogicalID+"."+path, "%s needs this property", spec.Type))
		}
	}
	return out.Sorted()
}

func (s Schema) check(out *diag.List, spec Spec, n *document.Node, prefix string) {
	if n == nil {
		return
	}
	if n.Kind == document.List {
		for _, it := range n.Items {
			s.check(out, spec, it, prefix)
		}
		return
	}
	for _, m := range n.Members {
		path := prefix + m.Key
		key := spec.LogicalID + "." + path
		p, known := s[path]
		switch {
		case !known && s.closed(prefix) && !s.closed(path+"."):
			out.Add(diag.Warningf(m.KeyPos, key, "%s has no such property that Suiro knows; it has no effect", spec.Type))
			continue
		case known && p.Support == Accepted:
			out.Add(diag.Notef(m.KeyPos, key, "%s", p.Why))
			continue
		case known && p.Support == Missing:
			out.Add(diag.Warningf(m.KeyPos, key, "%s", p.Why))
			continue
		}
		if s.closed(path + ".") {
			s.check(out, spec, m.Value, path+".")
		}
	}
}

// closed tells whether s lists anything below prefix.
func (s Schema) closed(prefix string) bool {
	if prefix == "" {
		return true
	}
	for path := range s {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
