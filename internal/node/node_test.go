package node

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/process"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	process.Main() // functions' watchdog is this binary, started again
	goleak.VerifyTestMain(m)
}

const tableOnly = `
Resources:
  Rows:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
  Queue: {Type: AWS::SQS::Queue}
Outputs:
  Name: {Value: !Ref Rows}
`

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, dir string) (*Node, diag.List, *journal.Subscription) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	t.Setenv("SUIRO_CACHE", filepath.Join(home, "cache"))
	j := new(journal.Journal)
	entries := j.Subscribe(1000)
	t.Cleanup(entries.Close)
	n, msgs, err := Start(context.Background(), Config{App: app.Options{Path: dir}, FirstPort: 39000, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return n, msgs, entries
}

func TestATableAloneStarts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "template.yaml", tableOnly)
	n, msgs, _ := begin(t, dir)
	r := n.Ready()
	if r.Outputs["Name"] == "" || r.Outputs["Name"] != r.Resources["Rows"] || len(r.Endpoints) != 0 || !strings.HasPrefix(r.AWS.Endpoint, "http://localhost:") {
		t.Errorf("ready %+v", r)
	}
	if len(msgs) != 1 || msgs[0].Key != "Queue" || msgs[0].Severity != diag.Warning {
		t.Errorf("messages %v", msgs)
	}
	res, err := http.Get(r.AWS.Endpoint + "/2015-03-31/functions") // unsigned
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned call gives %d", res.StatusCode)
	}
	var taken *diag.Message
	if _, _, err := Start(context.Background(), Config{App: app.Options{Path: dir}, Journal: new(journal.Journal)}); err == nil || errors.As(err, &taken) || !strings.Contains(err.Error(), "another suiro") {
		t.Errorf("a second node: %v", err)
	}
}

func TestAChangedTemplateIsAppliedAndABrokenOneIsNot(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "template.yaml", tableOnly)
	n, _, entries := begin(t, dir)
	reloaded := func() journal.Entry {
		t.Helper()
		for {
			select {
			case e := <-entries.Entries():
				if e.Kind == journal.Changed {
					return e
				}
			case <-time.After(20 * time.Second):
				t.Fatal("no reload")
			}
		}
	}
	write(t, dir, "template.yaml", strings.Replace(tableOnly, "Outputs:", "Outputs:\n  More: {Value: new}", 1))
	if e := reloaded(); e.Err != "" || n.Ready().Outputs["More"] != "new" {
		t.Errorf("%+v %v", e, n.Ready().Outputs)
	}
	write(t, dir, "template.yaml", "Resources: [")
	if e := reloaded(); !strings.Contains(e.Err, "template.yaml:2:1: not valid YAML") {
		t.Errorf("%+v", e)
	}
	if n.Ready().Outputs["More"] != "new" {
		t.Error("the old version is gone")
	}
}

func TestCheckStartsNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "template.yaml", tableOnly)
	plan, msgs := Check(context.Background(), app.Options{Path: dir})
	if msgs.HasErrors() || plan.Count("run") != 1 || plan.Count("missing") != 1 {
		t.Errorf("%+v %v", plan, msgs)
	}
	if _, err := os.Stat(filepath.Join(dir, ".suiro")); err == nil {
		t.Error("a state folder was made")
	}
}

// An HTTP API has records and no endpoint: check does not count it as run.
func TestCheckCountsHTTPAPIsAsMissing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "template.yaml", `
Resources:
  Http: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Http, StageName: $default, AutoDeploy: true}}
  Socket: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: b, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  SocketStage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Socket, StageName: dev, AutoDeploy: true}}
`)
	plan, msgs := Check(context.Background(), app.Options{Path: dir})
	if msgs.HasErrors() || plan.Count("run") != 2 || plan.Count("missing") != 2 {
		t.Errorf("%+v %v", plan, msgs)
	}
	for _, r := range plan.Resources {
		if want := map[bool]string{true: "run", false: "missing"}[strings.HasPrefix(r.LogicalID, "Socket")]; r.State != want {
			t.Errorf("%s is %q, want %q", r.LogicalID, r.State, want)
		}
	}
}
