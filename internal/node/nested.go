package node

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/stack"
	"github.com/suiro-dev/suiro/internal/template"
)

// stackType is a stack inside a stack; SAM's AWS::Serverless::Application with
// a local template becomes one.
const stackType = "AWS::CloudFormation::Stack"

// maxNesting bounds how deep stacks may nest: a template can name itself.
const maxNesting = 10

// nested makes AWS::CloudFormation::Stack real: the template it names is
// applied as a stack of its own, whose outputs are the resource's attributes.
type nested struct {
	// make gives an empty stack.
	make func(id resource.Stack, parameters map[string]string) *stack.Stack

	mu     sync.Mutex
	stacks map[string]*nestedStack // by physical id
	depths map[string]int          // by name of the stack
}

type nestedStack struct {
	stack    *stack.Stack
	file     string
	modified time.Time
}

func newNested(makeStack func(resource.Stack, map[string]string) *stack.Stack) *nested {
	return &nested{make: makeStack, stacks: map[string]*nestedStack{}, depths: map[string]int{}}
}

// Schema implements resource.Handler.
func (*nested) Schema() resource.Schema {
	return resource.Schema{
		"TemplateURL": {}, "Parameters": {},
		"Location":         {Support: resource.Missing, Why: "applications of the repository are not fetched"},
		"NotificationARNs": {Support: resource.Accepted, Why: "nobody is notified here"},
		"Tags":             {Support: resource.Accepted, Why: "tags have no effect here"},
		"TimeoutInMinutes": {Support: resource.Accepted, Why: "nothing waits here"},
	}
}

// file is the local template, or "" when the resource names none.
func (*nested) file(spec resource.Spec) string {
	url := spec.Properties.Get("TemplateURL").TextOr("")
	if url == "" || strings.Contains(url, "://") || resource.Unknown(spec.Properties.Get("TemplateURL")) {
		return ""
	}
	path := filepath.FromSlash(url)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(spec.Dir, path)
}

// Check says what the nested template has to say.
func (h *nested) Check(spec resource.Spec) diag.List {
	file := h.file(spec)
	if file == "" {
		if spec.Properties.Get("TemplateURL").IsNull() {
			return nil // the schema told of Location
		}
		return diag.List{diag.Warningf(spec.Pos, spec.LogicalID+".TemplateURL", "the template is not fetched; what the app does with this stack will fail").
			WithHint("name a file beside this template, as sam package and aws cloudformation package expect it")}
	}
	if !resource.Unknown(spec.Properties) {
		if _, err := os.Stat(file); err != nil {
			return diag.List{diag.Errorf(spec.Properties.Get("TemplateURL").Pos, spec.LogicalID+".TemplateURL", "%v", err)}
		}
	}
	t, id, msgs := h.read(spec, file)
	if msgs.HasErrors() {
		return msgs
	}
	msgs.Add(h.make(id, parameters(spec, t)).Check(t)...)
	return msgs
}

// read reads the template and names the stack.
func (h *nested) read(spec resource.Spec, file string) (*template.Template, resource.Stack, diag.List) {
	id := spec.Stack
	sum := sha256.Sum256([]byte(spec.Stack.Name + "/" + spec.LogicalID))
	id.Name = fmt.Sprintf("%s-%s-%s", spec.Stack.Name, spec.LogicalID, base32.StdEncoding.EncodeToString(sum[:])[:12])
	h.mu.Lock()
	depth := h.depths[spec.Stack.Name] + 1
	h.depths[id.Name] = depth
	h.mu.Unlock()
	if depth > maxNesting {
		return nil, id, diag.List{diag.Errorf(spec.Pos, spec.LogicalID, "stacks nest more than %d deep", maxNesting)}
	}
	t, msgs := app.ReadTemplate(file, nil)
	return t, id, msgs
}

// parameters are the given values; lists are joined, as CloudFormation wants
// them.
func parameters(spec resource.Spec, t *template.Template) map[string]string {
	out := map[string]string{}
	given := spec.Properties.Get("Parameters")
	if given.IsNull() {
		return out
	}
	for _, m := range given.Members {
		out[m.Key] = strings.Join(m.Value.Strings(), ",")
	}
	for name := range out { // those that CDK's cleaning took away
		if strings.HasPrefix(name, "AssetParameters") && !has(t, name) {
			delete(out, name)
		}
	}
	return out
}

func has(t *template.Template, parameter string) bool {
	for _, p := range t.Parameters {
		if p.Name == parameter {
			return true
		}
	}
	return false
}

// Create implements resource.Handler.
func (h *nested) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	file := h.file(spec)
	if file == "" {
		return inert{resourceType: spec.Type}.Create(ctx, spec)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, diag.Errorf(spec.Properties.Get("TemplateURL").Pos, spec.LogicalID+".TemplateURL", "%v", err)
	}
	t, id, msgs := h.read(spec, file)
	if msgs.HasErrors() {
		return nil, msgs
	}
	arn := fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/00000000-0000-0000-0000-000000000000", id.Partition, id.Region, id.AccountID, id.Name)
	h.mu.Lock()
	one := h.stacks[arn]
	if one == nil {
		one = &nestedStack{stack: h.make(id, parameters(spec, t))}
		h.stacks[arn] = one
	}
	one.file, one.modified = file, info.ModTime()
	h.mu.Unlock()
	one.stack.SetParameters(parameters(spec, t))
	if _, err := one.stack.Apply(ctx, t); err != nil {
		return nil, err
	}
	attributes := map[string]*document.Node{}
	for _, o := range one.stack.Outputs() {
		attributes["Outputs."+o.Name] = document.Str(o.Value, spec.Pos)
	}
	return &resource.Instance{PhysicalID: arn, Attributes: attributes}, nil
}

// Update applies the template again.
func (h *nested) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Stale implements resource.Staler: the template file changed, or that of a
// stack further in.
func (h *nested) Stale(i *resource.Instance) bool {
	one := h.get(i.PhysicalID)
	if one == nil {
		return false
	}
	if info, err := os.Stat(one.file); err != nil || !info.ModTime().Equal(one.modified) {
		return true
	}
	for _, id := range one.stack.Resources() {
		if _, inner := one.stack.Instance(id); inner != nil && h.get(inner.PhysicalID) != nil && h.Stale(inner) {
			return true
		}
	}
	return false
}

func (h *nested) get(arn string) *nestedStack {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stacks[arn]
}

// Delete deletes everything in the stack.
func (h *nested) Delete(ctx context.Context, _ resource.Spec, old *resource.Instance) error {
	one := h.get(old.PhysicalID)
	if one == nil {
		return nil
	}
	h.mu.Lock()
	delete(h.stacks, old.PhysicalID)
	h.mu.Unlock()
	return one.stack.Delete(ctx)
}

// files are the templates of all nested stacks.
func (h *nested) files() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, one := range h.stacks {
		out = append(out, one.file)
	}
	return out
}

// all lists the nested stacks.
func (h *nested) all() []*stack.Stack {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*stack.Stack
	for _, one := range h.stacks {
		out = append(out, one.stack)
	}
	return out
}
