// Package stack turns a template's resources into real ones, in dependency
// order, by asking the service that owns each type, and keeps what they gave
// back for Ref and Fn::GetAtt.
//
// A stack is applied again whenever its template changes: resources whose
// resolved properties are the same are left alone, others are updated,
// new ones created, missing ones deleted. It knows no resource type by name;
// the handlers it is given do.
package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
)

// Config is what a stack needs from the node.
type Config struct {
	Identity resource.Stack
	// Parameters given by the user; defaults are the template's.
	Parameters map[string]string
	// Handler returns what runs a resource type. It never returns nil: types
	// that Suiro does not run have a handler that says so (see Unserved).
	Handler func(resourceType string) resource.Handler
	// Import resolves Fn::ImportValue against other stacks of the app.
	Import func(name string) (*document.Node, bool)
	// Dynamic resolves {{resolve:service:key}}.
	Dynamic func(service, key string) (*document.Node, bool)
	// Localize rewrites AWS host names of local endpoints in outputs.
	Localize func(text string) string
}

// Stack is a set of resources that exist. Apply, Check and Delete must not
// overlap; the readers may be called at any time.
type Stack struct {
	config Config

	mu      sync.Mutex
	made    map[string]*made
	order   []string // logical ids in the order they were made
	outputs []Output
}

// made is a resource that exists, with what it was made from.
type made struct {
	spec     resource.Spec
	instance *resource.Instance
	retain   bool // DeletionPolicy: Retain
}

// Output is a value the template offers to its user.
type Output struct {
	Name        string
	Value       string
	Description string
	Export      string // the name other stacks import it by, or ""
}

// New makes a stack without resources.
func New(c Config) *Stack {
	if c.Import == nil {
		c.Import = func(string) (*document.Node, bool) { return nil, false }
	}
	if c.Dynamic == nil {
		c.Dynamic = func(string, string) (*document.Node, bool) { return nil, false }
	}
	if c.Localize == nil {
		c.Localize = func(s string) string { return s }
	}
	return &Stack{config: c, made: make(map[string]*made)}
}

// Name is the stack's name.
func (s *Stack) Name() string { return s.config.Identity.Name }

// SetParameters changes the parameters of the next Apply.
func (s *Stack) SetParameters(values map[string]string) { s.config.Parameters = values }

// Instance returns a resource that exists, and its type, or nil.
func (s *Stack) Instance(logicalID string) (resourceType string, i *resource.Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.made[logicalID]; m != nil {
		return m.spec.Type, m.instance
	}
	return "", nil
}

// Resources lists the logical ids of what exists, in the order it was made.
func (s *Stack) Resources() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.order...)
}

// Outputs are the template's outputs as of the last Apply.
func (s *Stack) Outputs() []Output {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Output(nil), s.outputs...)
}

// Export returns the value of an exported output.
func (s *Stack) Export(name string) (*document.Node, bool) {
	for _, o := range s.Outputs() {
		if o.Export == name && name != "" {
			return document.Str(o.Value, diag.Position{}), true
		}
	}
	return nil, false
}

// Check says what Apply would have to say about the template, without making
// anything: problems of the template, properties without effect, types that
// are not run. Values that only real resources have are unknown to it.
func (s *Stack) Check(t *template.Template) diag.List {
	e := &env{stack: s, planning: true}
	bound, msgs := t.Bind(s.config.Identity, s.config.Parameters, e)
	if msgs.HasErrors() {
		return msgs
	}
	order, ms := bound.Order()
	msgs.Add(ms...)
	e.declared = declared(bound)
	for _, r := range order {
		props, ms := bound.Resolve(r.Properties)
		msgs.Add(ms...)
		msgs.Add(s.checkSpec(s.spec(t, bound, r, props))...)
	}
	_, ms = s.resolveOutputs(bound)
	msgs.Add(ms...)
	return msgs.Sorted()
}

func declared(b *template.Bound) map[string]bool {
	ids := make(map[string]bool)
	for _, r := range b.Resources() {
		ids[r.LogicalID] = true
	}
	return ids
}

func (s *Stack) spec(t *template.Template, b *template.Bound, r *template.Resource, props *document.Node) resource.Spec {
	if props == nil || props.Kind != document.Map {
		props = document.Object(r.Pos)
	}
	return resource.Spec{
		LogicalID: r.LogicalID, Type: r.Type, Pos: r.Pos, Properties: props, Metadata: r.Metadata,
		Dir: t.Dir, Stack: s.config.Identity, Needs: needs(b, r, nil),
	}
}

// needs adds to a list of logical ids what a resource needs, and what that
// needs, each once.
func needs(b *template.Bound, r *template.Resource, list []string) []string {
	for _, id := range b.Dependencies(r) {
		if !slices.Contains(list, id) {
			list = needs(b, &template.Resource{LogicalID: id}, append(list, id))
		}
	}
	return list
}

func (s *Stack) checkSpec(spec resource.Spec) diag.List {
	h := s.config.Handler(spec.Type)
	msgs := h.Schema().Check(spec)
	if c, ok := h.(resource.Checker); ok {
		msgs.Add(c.Check(spec)...)
	}
	return msgs
}

// Apply makes the stack what the template says. Everything that can be made
// is made, in parallel as far as dependencies allow; a resource that fails
// takes along only those that need it. The messages tell about the template
// (as Check does, now with real values); the error joins what failed.
func (s *Stack) Apply(ctx context.Context, t *template.Template) (diag.List, error) {
	e := &env{stack: s}
	bound, msgs := t.Bind(s.config.Identity, s.config.Parameters, e)
	if msgs.HasErrors() {
		return msgs, msgs.Err()
	}
	order, ms := bound.Order()
	if msgs.Add(ms...); msgs.HasErrors() {
		return msgs, msgs.Err()
	}
	e.declared = declared(bound)
	a := &apply{stack: s, template: t, bound: bound, results: make(map[string]*result, len(order))}
	a.run(ctx, order)
	msgs.Add(a.messages...)

	removed := s.removeAbsent(ctx, e.declared)
	outputs, ms := s.resolveOutputs(bound)
	failed := errors.Join(a.failures(order), removed)
	if failed == nil {
		// Outputs may name resources that failed; then that is said already.
		msgs.Add(ms...)
		failed = ms.Err()
	}
	s.mu.Lock()
	s.order = s.order[:0]
	for _, r := range order {
		if s.made[r.LogicalID] != nil {
			s.order = append(s.order, r.LogicalID)
		}
	}
	s.outputs = outputs
	s.mu.Unlock()
	return msgs.Sorted(), failed
}

// Delete deletes everything, last made first, but for what is to be retained.
func (s *Stack) Delete(ctx context.Context) error { return s.removeAbsent(ctx, nil) }

// removeAbsent deletes what is no longer declared, last made first.
func (s *Stack) removeAbsent(ctx context.Context, declared map[string]bool) error {
	var errs []error
	ids := s.Resources()
	for i := len(ids) - 1; i >= 0; i-- {
		if declared[ids[i]] {
			continue
		}
		s.mu.Lock()
		m := s.made[ids[i]]
		s.mu.Unlock()
		if m == nil {
			continue
		}
		if !m.retain {
			if err := s.config.Handler(m.spec.Type).Delete(ctx, m.spec, m.instance); err != nil {
				errs = append(errs, fmt.Errorf("deleting %s (%s): %w", ids[i], m.spec.Type, err))
				continue
			}
		}
		s.mu.Lock()
		delete(s.made, ids[i])
		s.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (s *Stack) resolveOutputs(b *template.Bound) ([]Output, diag.List) {
	var out []Output
	var msgs diag.List
	for _, o := range b.Outputs() {
		value, ms := b.Resolve(o.Value)
		msgs.Add(ms...)
		export, ms := b.Resolve(o.ExportName)
		msgs.Add(ms...)
		text, ok := value.Scalar()
		if !ok && value != nil {
			text = value.JSON()
		}
		out = append(out, Output{Name: o.Name, Value: s.config.Localize(text), Description: o.Description, Export: export.TextOr("")})
	}
	return out, msgs
}

// env answers the template's questions about resources.
type env struct {
	stack    *Stack
	declared map[string]bool
	planning bool // nothing exists: declared resources give unknown values
}

func (e *env) Ref(logicalID string) (*document.Node, bool) {
	if _, i := e.stack.Instance(logicalID); i != nil {
		return document.Str(i.PhysicalID, diag.Position{}), true
	}
	return e.unknown(logicalID, logicalID)
}

func (e *env) GetAtt(logicalID, attribute string) (*document.Node, bool) {
	if _, i := e.stack.Instance(logicalID); i != nil {
		n, ok := i.Attributes[attribute]
		if !ok {
			// What is not run has every attribute, each a plain name, so that
			// the parts of the app that do run can start.
			n, ok = i.Attributes["*"]
		}
		return n, ok
	}
	return e.unknown(logicalID, logicalID+"."+attribute)
}

func (e *env) unknown(logicalID, what string) (*document.Node, bool) {
	if e.planning && (e.declared == nil || e.declared[logicalID]) {
		return document.Str(resource.UnknownText(what), diag.Position{}), true
	}
	return nil, false
}

func (e *env) Import(name string) (*document.Node, bool) {
	if n, ok := e.stack.config.Import(name); ok || !e.planning {
		return n, ok
	}
	return document.Str(resource.UnknownText(name), diag.Position{}), true
}

func (e *env) Dynamic(service, key string) (*document.Node, bool) {
	if n, ok := e.stack.config.Dynamic(service, key); ok || !e.planning {
		return n, ok
	}
	// Nothing was put or made yet; starting the app tells.
	return document.Str(resource.UnknownText(service+":"+key), diag.Position{}), true
}
