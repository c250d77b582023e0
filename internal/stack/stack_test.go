package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
)

// things is a service of one type whose resources have a name and an ARN; it
// remembers what it was asked.
type things struct {
	mu   sync.Mutex
	told []string
	fail map[string]error
}

func (s *things) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

func (s *things) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.told, "; ")
	s.told = nil
	return out
}

func (s *things) Schema() resource.Schema {
	return resource.Schema{"Name": {}, "Needs": {}, "Tags": {Support: resource.Accepted, Why: "no effect"}}
}

func (s *things) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	if err := s.fail[spec.LogicalID]; err != nil {
		return nil, err
	}
	s.say("create %s %s", spec.LogicalID, spec.Properties.JSON())
	name := spec.Properties.Get("Name").TextOr(strings.ToLower(spec.LogicalID))
	return &resource.Instance{PhysicalID: name, Attributes: resource.Texts("Arn", "arn:"+name)}, nil
}

func (s *things) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, before *document.Node) (*resource.Instance, error) {
	if err := s.fail[spec.LogicalID]; err != nil {
		return nil, err
	}
	s.say("update %s from %s", spec.LogicalID, before.JSON())
	return &resource.Instance{PhysicalID: old.PhysicalID, Attributes: old.Attributes}, nil
}

func (s *things) Delete(_ context.Context, spec resource.Spec, _ *resource.Instance) error {
	s.say("delete %s", spec.LogicalID)
	return nil
}

func parse(t *testing.T, text string) *template.Template {
	t.Helper()
	root, msgs := document.Parse("t.yml", []byte(text))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	tpl, msgs := template.New(root, ".")
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return tpl
}

func newStack(s *things) *Stack {
	return New(Config{
		Identity: resource.Stack{Name: "app", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws", URLSuffix: "amazonaws.com"},
		Handler:  func(string) resource.Handler { return s },
		Localize: func(s string) string { return strings.ReplaceAll(s, "arn:", "local:") },
	})
}

func TestApplyMakesResourcesInOrderOfTheirNeeds(t *testing.T) {
	s := &things{}
	st := newStack(s)
	msgs, err := st.Apply(context.Background(), parse(t, `
Resources:
  C: {Type: X, DependsOn: B}
  B: {Type: X, Properties: {Needs: !GetAtt A.Arn, Tags: []}}
  A: {Type: X, Properties: {Name: first}}
Outputs:
  Url: {Value: !Sub "https://${A.Arn}/x", Export: {Name: url}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.heard(), `create A {"Name":"first"}; create B {"Needs":"arn:first","Tags":[]}; create C {}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(msgs) != 1 || msgs[0].Key != "B.Tags" {
		t.Errorf("messages %v", msgs)
	}
	if got := st.made["C"].spec.Needs; !slices.Equal(got, []string{"B", "A"}) {
		t.Errorf("C needs %v", got)
	}
	if o := st.Outputs(); len(o) != 1 || o[0].Value != "https://local:first/x" {
		t.Errorf("outputs %v", o)
	}
	if v, ok := st.Export("url"); !ok || v.Text != "https://local:first/x" {
		t.Errorf("export %v", v)
	}
}

func TestApplyAgainTouchesOnlyWhatChanged(t *testing.T) {
	s := &things{}
	st := newStack(s)
	ctx := context.Background()
	if _, err := st.Apply(ctx, parse(t, `Resources: {A: {Type: X}, B: {Type: X, Properties: {Name: b}}, Kept: {Type: X, DeletionPolicy: Retain}, Gone: {Type: X}}`)); err != nil {
		t.Fatal(err)
	}
	s.heard()
	if _, err := st.Apply(ctx, parse(t, `Resources: {A: {Type: X}, B: {Type: X, Properties: {Name: c}}, New: {Type: X}}`)); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(s.heard(), "; ")
	slices.Sort(got)
	want := []string{`create New {}`, `delete Gone`, `update B from {"Name":"b"}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if ids := st.Resources(); !slices.Equal(ids, []string{"A", "B", "New"}) {
		t.Errorf("resources %v", ids)
	}
}

func TestAFailureTakesAlongOnlyWhatNeedsIt(t *testing.T) {
	s := &things{fail: map[string]error{"A": errors.New("no room")}}
	st := newStack(s)
	_, err := st.Apply(context.Background(), parse(t, `
Resources:
  A: {Type: X}
  NeedsA: {Type: X, Properties: {Needs: !Ref A}}
  Free: {Type: X}
`))
	var m *diag.Message
	if !errors.As(err, &m) || m.String() != "t.yml:3:6: A: no room" && !strings.HasSuffix(m.String(), "A: no room") {
		t.Errorf("error %v", err)
	}
	if got := s.heard(); got != "create Free {}" {
		t.Errorf("asked %q", got)
	}
	// The next apply, with the cause gone, makes the rest.
	s.fail = nil
	if _, err := st.Apply(context.Background(), parse(t, `Resources: {A: {Type: X}, NeedsA: {Type: X, Properties: {Needs: !Ref A}}, Free: {Type: X}}`)); err != nil {
		t.Fatal(err)
	}
	if got := s.heard(); got != `create A {}; create NeedsA {"Needs":"a"}` {
		t.Errorf("asked %q", got)
	}
}

func TestAFailedUpdateKeepsTheOldResource(t *testing.T) {
	s := &things{}
	st := newStack(s)
	if _, err := st.Apply(context.Background(), parse(t, `Resources: {A: {Type: X, Properties: {Name: old}}}`)); err != nil {
		t.Fatal(err)
	}
	s.fail = map[string]error{"A": errors.New("does not build")}
	if _, err := st.Apply(context.Background(), parse(t, `Resources: {A: {Type: X, Properties: {Name: new}}}`)); err == nil {
		t.Fatal("no error")
	}
	if _, i := st.Instance("A"); i == nil || i.PhysicalID != "old" {
		t.Errorf("instance %v", i)
	}
}

func TestCheckStartsNothingAndKnowsNoValues(t *testing.T) {
	s := &things{}
	msgs := newStack(s).Check(parse(t, `
Resources:
  B: {Type: X, Properties: {Needs: !GetAtt A.Arn, Typo: 1}}
  A: {Type: X}
Outputs:
  O: {Value: !Ref A}
`))
	if s.heard() != "" {
		t.Error("something was made")
	}
	if len(msgs) != 1 || msgs[0].Key != "B.Typo" {
		t.Errorf("messages %v", msgs)
	}
}
