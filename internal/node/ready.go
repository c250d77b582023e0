package node

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/functionurl"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/stack"
)

// Ready is what a running app offers: the first line of --output json.
type Ready struct {
	Type      string            `json:"type"` // "ready"
	App       string            `json:"app"`
	Template  string            `json:"template"`
	Endpoints []Endpoint        `json:"endpoints"`
	Outputs   map[string]string `json:"outputs"`
	// Resources gives the physical id of each logical id.
	Resources map[string]string `json:"resources"`
	AWS       AWS               `json:"aws"`

	OutputNames []string `json:"-"` // in the template's order
	Functions   int      `json:"-"`
}

// Endpoint is where a client reaches a resource.
type Endpoint struct {
	Resource string `json:"resource"`
	Kind     string `json:"kind"` // websocket, …
	URL      string `json:"url"`
}

// AWS is how an AWS SDK or the AWS CLI reaches the AWS API of the app.
type AWS struct {
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	AccountID       string `json:"accountId"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// Ready describes the app as it runs now.
func (n *Node) Ready() Ready {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready()
}

// readyFile tells other programs of this user how to reach the running app: it
// is in the state folder while the app runs.
const readyFile = "ready.json"

// remember writes readyFile. n.mu is held.
func (n *Node) remember() {
	path := filepath.Join(n.state.Dir, readyFile)
	data, err := json.MarshalIndent(n.ready(), "", " ")
	if err == nil {
		err = os.WriteFile(path, data, 0o600) // it holds the owner's key
	}
	if err != nil { // only suiro invoke and suiro tables miss it
		n.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Text: "telling other programs how to reach the app", Err: err.Error()})
	}
}

// Running reads how to reach the app that runs on a state folder; false when
// none does, or is not ready.
func Running(stateDir string) (Ready, bool) {
	var r Ready
	if !app.InUse(stateDir) {
		return r, false
	}
	data, err := os.ReadFile(filepath.Join(stateDir, readyFile))
	return r, err == nil && json.Unmarshal(data, &r) == nil
}

// ready is Ready while n.mu is held.
func (n *Node) ready() Ready {
	r := Ready{
		Type: "ready", App: n.app.Name, Template: filepath.Base(n.app.Template),
		Outputs: map[string]string{}, Resources: map[string]string{}, Endpoints: n.services.endpoints(),
		AWS: n.services.aws(), Functions: len(n.services.lambda.FunctionNames()),
	}
	for _, s := range n.stacks {
		r.name(s)
		for _, o := range s.Outputs() {
			if _, seen := r.Outputs[o.Name]; !seen {
				r.OutputNames = append(r.OutputNames, o.Name)
			}
			r.Outputs[o.Name] = o.Value
		}
	}
	for _, s := range n.services.nested.all() {
		r.name(s)
	}
	return r
}

// name adds a stack's resources; of two with one logical id the first counts.
func (r *Ready) name(s *stack.Stack) {
	for _, id := range s.Resources() {
		if _, i := s.Instance(id); i != nil && r.Resources[id] == "" {
			r.Resources[id] = i.PhysicalID
		}
	}
}

// Plan is what check says of an app.
type Plan struct {
	Name      string
	Resources []Planned
}

// Planned is one resource of a Plan. State is "run", "accepted" (without
// effect, not missed) or "missing".
type Planned struct {
	LogicalID, Type, State string
}

// Count counts resources in a state.
func (p *Plan) Count(state string) int {
	n := 0
	for _, r := range p.Resources {
		if r.State == state {
			n++
		}
	}
	return n
}

// Check reads an app and says what starting it would say; it starts nothing
// and changes nothing. The plan is nil when the app cannot be read.
func Check(ctx context.Context, o app.Options) (*Plan, diag.List) {
	o.Bundler = newBundler(nil)
	a, msgs := app.Load(ctx, o)
	if msgs.HasErrors() {
		return nil, msgs
	}
	served := servedTypes(a)
	handler := func(t string) resource.Handler { return handlerOf(served, t) }
	served[stackType] = newNested(func(id resource.Stack, parameters map[string]string) *stack.Stack {
		return stack.New(stack.Config{Identity: id, Parameters: parameters, Handler: handler})
	})
	plan := &Plan{Name: a.Name}
	for _, as := range a.Stacks {
		s := stack.New(stack.Config{Identity: as.Identity, Parameters: as.Parameters, Handler: handler})
		msgs.Add(s.Check(as.Template)...)
		httpAPIs := unserved(as.Template)
		for _, r := range as.Template.Resources {
			p := Planned{LogicalID: r.LogicalID, Type: r.Type, State: "run"}
			if h, ok := handler(r.Type).(inert); ok {
				p.State = h.state()
			} else if httpAPIs[r.LogicalID] || httpAPIs[r.Properties.Get("ApiId").Get("Ref").TextOr("")] {
				p.State = "missing"
			}
			plan.Resources = append(plan.Resources, p)
			if r.Type == functionurl.Type && !a.Settings.StreamLimits && r.Properties.Get("InvokeMode").TextOr("") == "RESPONSE_STREAM" {
				msgs.Add(diag.Notef(r.Pos, r.LogicalID, "AWS streams 6 MiB at full speed, then 2 MiB a second, and 200 MiB in all; here nothing is held back unless suiro.yaml says streamLimits: true"))
			}
		}
	}
	slices.SortStableFunc(plan.Resources, func(a, b Planned) int { return stateOrder[a.State] - stateOrder[b.State] })
	return plan, msgs.Sorted()
}

var stateOrder = map[string]int{"run": 0, "accepted": 1, "missing": 2}
