package cloudformation

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// function answers requests as the function of a custom resource does.
type function struct {
	answer func(event map[string]any) (body string, fails bool) // "" puts nothing
	events []map[string]any
}

func (f *function) Invoke(_ context.Context, r *invoke.Request) (*invoke.Result, error) {
	var event map[string]any
	if err := json.Unmarshal(r.Payload, &event); err != nil {
		return nil, err
	}
	f.events = append(f.events, event)
	body, fails := f.answer(event)
	if body != "" {
		req, _ := http.NewRequest(http.MethodPut, event["ResponseURL"].(string), strings.NewReader(body))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		_ = res.Body.Close()
	}
	end := invoke.End{}
	if fails {
		end = invoke.End{Outcome: invoke.FunctionError, ErrorType: "Error"}
	}
	return &invoke.Result{Body: http.NoBody, End: func() invoke.End { return end }}, nil
}

func start(t *testing.T, file string, f *function) *Service {
	t.Helper()
	var s *Service
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); server.Close() })
	s, err := New(Config{File: file, Invoker: f, Grace: time.Millisecond, URL: func(_, path string) string { return server.URL + path }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func spec(t *testing.T, properties string) resource.Spec {
	t.Helper()
	n, msgs := document.Parse("t", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return resource.Spec{LogicalID: "Thing", Type: "Custom::Thing", Properties: n, Stack: resource.Stack{Name: "app", Partition: "aws", Region: "us-east-1", AccountID: "123456789012"}}
}

func TestACustomResourceLivesAsLongAsItsStack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "custom.json")
	f := &function{answer: func(e map[string]any) (string, bool) {
		name := e["ResourceProperties"].(map[string]any)["Name"].(string)
		return `{"Status":"SUCCESS","PhysicalResourceId":"id-` + name + `","Data":{"Said":"` + name + `","Deep":{"Er":1}}}`, false
	}}
	h := start(t, file, f).Handler()
	i, err := h.Create(t.Context(), spec(t, `{"ServiceToken":"arn:fn","Name":"a","Count":3,"Flag":true}`))
	if err != nil || i.PhysicalID != "id-a" || i.Attr("Said") != "a" || i.Attr("Deep.Er") != "1" {
		t.Fatal(i, err)
	}
	e := f.events[0]
	props := e["ResourceProperties"].(map[string]any)
	if e["RequestType"] != "Create" || e["LogicalResourceId"] != "Thing" || e["ResourceType"] != "Custom::Thing" || props["Count"] != "3" || props["Flag"] != "true" {
		t.Errorf("the event is %v", e)
	}

	// The next run finds it made.
	h = start(t, file, f).Handler()
	if i, err = h.Create(t.Context(), spec(t, `{"ServiceToken":"arn:fn","Name":"a","Count":3,"Flag":true}`)); err != nil || i.PhysicalID != "id-a" || len(f.events) != 1 {
		t.Fatal(i, err, f.events)
	}
	// A change that gives another physical id deletes the old resource.
	if i, err = h.Update(t.Context(), spec(t, `{"ServiceToken":"arn:fn","Name":"b"}`), i, nil); err != nil || i.PhysicalID != "id-b" {
		t.Fatal(i, err)
	}
	if len(f.events) != 3 || f.events[1]["RequestType"] != "Update" || f.events[1]["PhysicalResourceId"] != "id-a" ||
		f.events[1]["OldResourceProperties"].(map[string]any)["Name"] != "a" || f.events[2]["RequestType"] != "Delete" || f.events[2]["PhysicalResourceId"] != "id-a" {
		t.Errorf("events %v", f.events)
	}
	if err := h.Delete(t.Context(), spec(t, `{"ServiceToken":"arn:fn","Name":"b"}`), i); err != nil || f.events[3]["RequestType"] != "Delete" || f.events[3]["PhysicalResourceId"] != "id-b" {
		t.Errorf("%v %v", err, f.events)
	}
}

func TestFailuresOfCustomResourcesAreTold(t *testing.T) {
	for _, test := range []struct {
		body  string
		fails bool
		want  string
	}{
		{`{"Status":"FAILED","Reason":"no luck"}`, false, "Received response status [FAILED] from custom resource. Message returned: no luck"},
		{`{"Status":"SUCCESS"}`, false, "Invalid PhysicalResourceId"},
		{`{"Status":"SUCCESS","Data":"` + strings.Repeat("x", 4096) + `"}`, false, "larger than 4096 bytes"},
		{"", false, "put no answer to its ResponseURL"},
		{"", true, "the function failed and gave no answer"},
	} {
		f := &function{answer: func(map[string]any) (string, bool) { return test.body, test.fails }}
		_, err := start(t, "", f).Handler().Create(t.Context(), spec(t, `{"ServiceToken":"arn:fn"}`))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.40s: %v, want %s", test.body, err, test.want)
		}
	}
}
