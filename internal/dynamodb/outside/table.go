package outside

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Handlers are the CloudFormation types this service owns.
func (o *Service) Handlers() map[string]resource.Handler {
	handlers := o.config.Local.Handlers()
	for typ, local := range handlers {
		handlers[typ] = &handler{local, o}
	}
	return handlers
}

// handler makes a stack's tables in the outside DynamoDB. It creates what is
// absent and takes what is there as it is; it never deletes a table, whose
// data may be other people's too.
type handler struct {
	resource.Handler // of local tables: which properties there are
	outside          *Service
}

// description is what a description of a table says of its shape.
type description struct {
	TableStatus          string
	TableID              string `json:"TableId"`
	LatestStreamArn      string
	AttributeDefinitions []struct{ AttributeName, AttributeType string }
	KeySchema            []struct{ AttributeName, KeyType string }

	GlobalSecondaryIndexes, LocalSecondaryIndexes []struct{ IndexName string }
}

// Create makes the table if it is absent.
func (h *handler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	input, want, err := h.outside.config.Local.Wanted(spec)
	if err != nil {
		return nil, err
	}
	found, err := h.describe(ctx, want.Name)
	if isRefused(err, message.ResourceNotFound) {
		var ignored struct{}
		if err = h.outside.call(ctx, targetPrefix+"CreateTable", json.RawMessage(input), &ignored); isRefused(err, message.ResourceInUse) {
			err = nil // another Suiro was faster
		}
		if err == nil {
			found, err = h.settled(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID, "table %s: %v", want.Name, err)
	}
	if err := h.compare(spec, want, found); err != nil {
		return nil, err
	}
	h.expire(ctx, want)
	attributes := resource.Texts("Arn", h.outside.config.Local.TableARN(want.Name))
	if spec.Type == "AWS::DynamoDB::GlobalTable" {
		attributes["TableId"] = document.Str(found.TableID, diag.Position{})
	}
	if found.LatestStreamArn != "" {
		attributes["StreamArn"] = document.Str(found.LatestStreamArn, diag.Position{})
	}
	return &resource.Instance{PhysicalID: want.Name, Attributes: attributes}, nil
}

// Update makes the table that is wanted now; what it was before stays.
func (h *handler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete leaves the table where it is.
func (h *handler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.outside.notice(old.PhysicalID, "the template has it no more; it stays there with its items", nil)
	return nil
}

func (h *handler) describe(ctx context.Context, name string) (*description, error) {
	var out struct{ Table description }
	err := h.outside.call(ctx, targetPrefix+"DescribeTable", map[string]string{"TableName": name}, &out)
	return &out.Table, err
}

// settleTime is how long an outside table may take to become ACTIVE.
const settleTime = time.Minute

// settled waits for a table that is being made.
func (h *handler) settled(ctx context.Context, name string) (*description, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		found, err := h.describe(ctx, name)
		if err == nil && found.TableStatus == table.StatusActive || err != nil && !isRefused(err, message.ResourceNotFound) {
			return found, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("table %s at %s is still %s: %w", name, h.outside.url, found.TableStatus, ctx.Err())
		}
	}
}

// compare refuses a table with another key and tells which indexes it lacks.
func (h *handler) compare(spec resource.Spec, want *table.Definition, found *description) error {
	types := map[string]string{}
	for _, a := range found.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	var key []string
	for _, kind := range []string{"HASH", "RANGE"} {
		for _, k := range found.KeySchema {
			if k.KeyType == kind {
				key = append(key, k.AttributeName+" "+types[k.AttributeName])
			}
		}
	}
	var wanted []string
	for _, name := range want.Key.Names() {
		wanted = append(wanted, name+" "+want.TypeOf(name).String())
	}
	if !slices.Equal(key, wanted) {
		return diag.Errorf(spec.Pos, spec.LogicalID, "table %s at %s has the key %v, not %v", want.Name, h.outside.url, key, wanted).
			WithHint("give the table another TableName, or delete the one that is there")
	}
	there := map[string]bool{}
	for _, x := range append(found.GlobalSecondaryIndexes, found.LocalSecondaryIndexes...) {
		there[x.IndexName] = true
	}
	for _, x := range want.Indexes {
		if !there[x.Name] {
			h.outside.notice(want.Name, "it has no index "+x.Name+", which the template has; it is used as it is", nil)
		}
	}
	return nil
}

// expire switches the table's time to live on if the template asks for it.
// Not every endpoint can.
func (h *handler) expire(ctx context.Context, want *table.Definition) {
	if want.Expiry.Attribute == "" {
		return
	}
	var out struct {
		TimeToLiveDescription struct{ TimeToLiveStatus string }
	}
	err := h.outside.call(ctx, targetPrefix+"DescribeTimeToLive", map[string]string{"TableName": want.Name}, &out)
	if err == nil && out.TimeToLiveDescription.TimeToLiveStatus == "DISABLED" {
		input := map[string]any{"TableName": want.Name, "TimeToLiveSpecification": map[string]any{"Enabled": true, "AttributeName": want.Expiry.Attribute}}
		var ignored struct{}
		err = h.outside.call(ctx, targetPrefix+"UpdateTimeToLive", input, &ignored)
	}
	if err != nil {
		h.outside.notice(want.Name, "its time to live cannot be switched on there", err)
	}
}
