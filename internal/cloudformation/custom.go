// Package cloudformation runs custom resources: a function of the app is
// called when such a resource is created, changed or deleted, and answers at a
// URL (CloudFormation User Guide, "Custom resources").
//
// What a function answered is kept: the next run of the app does not create
// the resource again, as a stack on AWS would not.
package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

// ResponsePath begins the paths at which functions answer.
const ResponsePath = "/suiro/cloudformation/"

// Config is what a Service needs.
type Config struct {
	File    string // where answers are kept; "" keeps nothing
	Invoker invoke.Invoker
	// URL is where the function with this ARN reaches a path of this service.
	URL func(functionARN, path string) string
	// Grace is how long a function that has ended may leave its answer to
	// others; 0 is 10 seconds. AWS waits an hour (ServiceTimeout).
	Grace time.Duration
}

// Service runs custom resources. It is safe for concurrent use.
type Service struct {
	config Config

	mu      sync.Mutex
	kept    map[string]*answered     // by stack and logical id
	waiting map[string]chan response // by request id
}

// answered is a custom resource that exists.
type answered struct {
	PhysicalID string          `json:"physicalId"`
	Properties json.RawMessage `json:"properties"`
	Data       json.RawMessage `json:"data,omitempty"`
	NoEcho     bool            `json:"noEcho,omitempty"`
}

// response is what a function puts to the ResponseURL.
type response struct {
	Status             string
	Reason             string
	PhysicalResourceId string //nolint:revive // AWS's spelling
	Data               json.RawMessage
	NoEcho             bool
}

// New reads the answers that were kept.
func New(c Config) (*Service, error) {
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	s := &Service{config: c, kept: map[string]*answered{}, waiting: map[string]chan response{}}
	if err := store.File(c.File).Load(&s.kept); err != nil {
		return nil, fmt.Errorf("reading the custom resources that are kept: %w", err)
	}
	return s, nil
}

// save replaces the file. The caller holds mu.
func (s *Service) save() error { return store.File(s.config.File).Save(s.kept) }

// ServeHTTP takes a function's answer. AWS's URL is a presigned one of S3:
// nothing is signed, the path is the secret.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, ResponsePath)
	var answer response
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is larger than 4096 bytes") // User Guide, response objects
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	s.mu.Lock()
	waiting := s.waiting[id]
	s.mu.Unlock()
	switch {
	case r.Method != http.MethodPut || waiting == nil:
		w.WriteHeader(http.StatusForbidden)
		return
	case err != nil:
		answer = response{Status: "FAILED", Reason: "Invalid response object: " + err.Error()}
	}
	select {
	case waiting <- answer:
	default: // the first answer counts
	}
	w.WriteHeader(http.StatusOK)
}

// maxAnswer is the largest response object.
const maxAnswer = 4096

// Handler makes custom resources real: types that begin with Custom:: and
// AWS::CloudFormation::CustomResource.
func (s *Service) Handler() resource.Handler { return handler{s} }

type handler struct{ s *Service }

// Schema implements resource.Handler: the properties are the function's.
func (handler) Schema() resource.Schema { return nil }

// Check implements resource.Checker.
func (handler) Check(spec resource.Spec) diag.List {
	if spec.Properties.Get("ServiceToken").IsNull() {
		return diag.List{diag.Errorf(spec.Pos, spec.LogicalID+".ServiceToken", "a custom resource needs the ARN of the function that runs it")}
	}
	return nil
}

func key(spec resource.Spec) string { return spec.Stack.Name + "/" + spec.LogicalID }

// Create calls the function, unless an earlier run did and nothing changed.
func (h handler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	h.s.mu.Lock()
	before := h.s.kept[key(spec)]
	h.s.mu.Unlock()
	if before == nil {
		return h.s.request(ctx, spec, "Create", nil)
	}
	if string(before.Properties) == string(properties(spec.Properties)) {
		return before.instance(spec)
	}
	return h.s.request(ctx, spec, "Update", before)
}

// Update calls the function; a new physical id means that the old resource is
// deleted after it, as in the clean-up of a stack update.
func (h handler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete calls the function with Delete.
func (h handler) Delete(ctx context.Context, spec resource.Spec, _ *resource.Instance) error {
	h.s.mu.Lock()
	before := h.s.kept[key(spec)]
	h.s.mu.Unlock()
	if before == nil {
		return nil
	}
	_, err := h.s.call(ctx, spec, "Delete", before.PhysicalID, before.Properties, nil)
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	delete(h.s.kept, key(spec))
	return errors.Join(err, h.s.save())
}

func (s *Service) request(ctx context.Context, spec resource.Spec, kind string, before *answered) (*resource.Instance, error) {
	now := properties(spec.Properties)
	physical, old := "", json.RawMessage(nil)
	if before != nil {
		physical, old = before.PhysicalID, before.Properties
	}
	answer, err := s.call(ctx, spec, kind, physical, now, old)
	if err != nil {
		return nil, err
	}
	made := &answered{PhysicalID: answer.PhysicalResourceId, Properties: now, Data: answer.Data, NoEcho: answer.NoEcho}
	instance, err := made.instance(spec)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.kept[key(spec)] = made
	err = s.save()
	s.mu.Unlock()
	if err == nil && before != nil && before.PhysicalID != made.PhysicalID {
		_, err = s.call(ctx, spec, "Delete", before.PhysicalID, before.Properties, nil)
	}
	return instance, err
}

// instance gives the members of Data as attributes.
func (a *answered) instance(spec resource.Spec) (*resource.Instance, error) {
	i := &resource.Instance{PhysicalID: a.PhysicalID, Attributes: map[string]*document.Node{}}
	if len(a.Data) == 0 || string(a.Data) == "null" {
		return i, nil
	}
	data, msgs := document.Parse("", a.Data)
	if msgs.HasErrors() || data == nil || data.Kind != document.Map {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID, "the function's Data is no object of names and values: %s", a.Data)
	}
	flatten(i.Attributes, "", data)
	return i, nil
}

// flatten gives nested members too, by dotted names.
func flatten(into map[string]*document.Node, prefix string, n *document.Node) {
	for _, m := range n.Members {
		into[prefix+m.Key] = m.Value
		if m.Value != nil && m.Value.Kind == document.Map {
			flatten(into, prefix+m.Key+".", m.Value)
		}
	}
}

// call invokes the function with a request and waits for its answer.
func (s *Service) call(ctx context.Context, spec resource.Spec, kind, physical string, now, old json.RawMessage) (*response, error) {
	function := spec.Properties.Get("ServiceToken").TextOr("")
	id := awsapi.NewRequestID()
	event := map[string]any{
		"RequestType": kind, "RequestId": id, "ServiceToken": function, "ResourceType": spec.Type, "LogicalResourceId": spec.LogicalID,
		"ResponseURL": s.config.URL(function, ResponsePath+id), "ResourceProperties": now, "StackId": stackID(spec.Stack),
	}
	if physical != "" {
		event["PhysicalResourceId"] = physical
	}
	if old != nil {
		event["OldResourceProperties"] = old
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	arrived := make(chan response, 1)
	s.mu.Lock()
	s.waiting[id] = arrived
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}()
	failed, err := s.invoke(ctx, function, payload)
	if err != nil {
		return nil, fmt.Errorf("%s of the custom resource: calling %s: %w", kind, function, err)
	}
	return s.await(ctx, arrived, kind, failed, spec)
}

// invoke calls the function to its end. failed says how the function itself
// failed, or is empty.
func (s *Service) invoke(ctx context.Context, function string, payload []byte) (failed string, err error) {
	res, err := s.config.Invoker.Invoke(ctx, &invoke.Request{Function: function, Payload: payload})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if end := res.End(); end.Outcome != invoke.Complete {
		return fmt.Sprintf("%s: %s", end.ErrorType, body), nil
	}
	return "", nil
}

func (s *Service) await(ctx context.Context, arrived chan response, kind, failed string, spec resource.Spec) (*response, error) {
	grace := s.config.Grace
	if failed != "" {
		grace = 0
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	var answer response
	select {
	case answer = <-arrived:
	default:
		select {
		case answer = <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			if failed != "" {
				return nil, fmt.Errorf("%s of the custom resource: the function failed and gave no answer (AWS would wait an hour for one): %s", kind, failed)
			}
			return nil, fmt.Errorf("%s of the custom resource: the function ended and put no answer to its ResponseURL (AWS would wait an hour for one)", kind)
		}
	}
	if answer.Status != "SUCCESS" {
		// CloudFormation's own sentence.
		return nil, fmt.Errorf("Received response status [%s] from custom resource. Message returned: %s", answer.Status, answer.Reason) //nolint:staticcheck,revive
	}
	if answer.PhysicalResourceId == "" && kind != "Delete" {
		return nil, errors.New("Invalid PhysicalResourceId") //nolint:staticcheck,revive // CloudFormation's words
	}
	return &answer, nil
}

func stackID(s resource.Stack) string {
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/00000000-0000-0000-0000-000000000000", s.Partition, s.Region, s.AccountID, s.Name)
}

// properties are the resource's as a function gets them: CloudFormation turns
// every number and truth value into text.
func properties(n *document.Node) json.RawMessage {
	b, _ := json.Marshal(texts(n)) // texts, lists and maps of them
	return b
}

func texts(n *document.Node) any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case document.Map:
		out := make(map[string]any, len(n.Members))
		for _, m := range n.Members {
			out[m.Key] = texts(m.Value)
		}
		return out
	case document.List:
		out := make([]any, len(n.Items))
		for i, it := range n.Items {
			out[i] = texts(it)
		}
		return out
	}
	return n.TextOr("")
}
