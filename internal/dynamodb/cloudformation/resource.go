// Package cloudformation makes AWS::DynamoDB::Table and ::GlobalTable real.
package cloudformation

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
	"github.com/suiro-dev/suiro/internal/resource"
)

// The types.
const (
	TableType       = "AWS::DynamoDB::Table"
	GlobalTableType = "AWS::DynamoDB::GlobalTable"
)

// Handler makes tables for a stack. A table lives in the data folder
// under its name: a restart finds it again with its items. Removing the
// resource from the template removes the table, as CloudFormation does, unless
// DeletionPolicy keeps it, in which case the stack does not ask.
type Handler struct {
	Tables  *table.Tables
	Account answer.Account
	Global  bool
}

// Schema tells which properties there are.
func (h *Handler) Schema() resource.Schema {
	if h.Global {
		return globalTableSchema
	}
	return tableSchema
}

// Check finds what CreateTable would refuse.
func (h *Handler) Check(spec resource.Spec) diag.List {
	if resource.Unknown(spec.Properties) {
		return nil
	}
	var out diag.List
	if _, err := h.definition(spec); err != nil {
		out.Add(asMessage(spec, err))
	}
	return out
}

func asMessage(spec resource.Spec, err error) *diag.Message {
	var refusal *attribute.Error
	if errors.As(err, &refusal) {
		return diag.Errorf(spec.Pos, spec.LogicalID, "DynamoDB refuses this table: %s", refusal.Message)
	}
	return diag.Errorf(spec.Pos, spec.LogicalID, "%v", err)
}

// Create makes the table, or takes over the one of that name that is there
// from an earlier run and changes it to what the template asks for.
func (h *Handler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	want, err := h.definition(spec)
	if err != nil {
		return nil, asMessage(spec, err)
	}
	if h.Tables.Find(want.Name) == nil {
		fresh := *want
		fresh.Expiry = table.Expiry{}
		if _, err := h.Tables.Create(ctx, fresh); err != nil && !errors.Is(err, table.ErrExists) {
			return nil, err
		}
	}
	return h.bring(ctx, spec, want)
}

// Update changes the table in place, or replaces it when its key or its local
// indexes differ.
func (h *Handler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	made, err := h.Create(ctx, spec)
	if err != nil || made.PhysicalID == old.PhysicalID {
		return made, err
	}
	return made, h.drop(ctx, spec, old.PhysicalID)
}

// Delete removes the table and its items.
func (h *Handler) Delete(ctx context.Context, spec resource.Spec, old *resource.Instance) error {
	return h.drop(ctx, spec, old.PhysicalID)
}

func (h *Handler) drop(ctx context.Context, spec resource.Spec, name string) error {
	t := h.Tables.Find(name)
	if t == nil {
		return nil
	}
	if t.Definition().DeletionProtection {
		return diag.Errorf(spec.Pos, spec.LogicalID, "table %s is protected against deletion", name).
			WithHint("set DeletionProtectionEnabled to false first, or give the resource a DeletionPolicy of Retain")
	}
	if _, err := h.Tables.Drop(ctx, name); err != nil && !errors.Is(err, table.ErrNoTable) {
		return err
	}
	return nil
}

// bring changes an existing table to what is wanted and waits until its
// indexes are filled.
func (h *Handler) bring(ctx context.Context, spec resource.Spec, want *table.Definition) (*resource.Instance, error) {
	t := h.Tables.Find(want.Name)
	if t == nil {
		return nil, table.ErrNoTable
	}
	if !sameKey(t.Definition(), want) {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID, "table %s exists in the data folder with another key or other local indexes, which cannot change", want.Name).
			WithHint("give the table another TableName, or start with --fresh to begin without data")
	}
	// An index with another key or projection is a new one: the old goes
	// first, because they share the name.
	if _, err := h.Tables.Change(ctx, want.Name, func(d *table.Definition) error {
		removeIndexes(d, want)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := t.Settled(ctx); err != nil {
		return nil, err
	}
	d, err := h.Tables.Change(ctx, want.Name, func(d *table.Definition) error {
		applyWanted(d, want)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := t.Settled(ctx); err != nil {
		return nil, err
	}
	return h.instance(d), nil
}

func (h *Handler) instance(d *table.Definition) *resource.Instance {
	attributes := resource.Texts("Arn", h.Account.Table(d.Name))
	if h.Global {
		attributes["TableId"] = document.Str(d.ID, diag.Position{})
	}
	if d.StreamViewType != "" {
		attributes["StreamArn"] = document.Str(h.Account.Stream(d.Name, d.StreamLabel), diag.Position{})
	}
	return &resource.Instance{PhysicalID: d.Name, Attributes: attributes}
}

// sameKey tells whether two tables agree in what a table keeps for life.
func sameKey(a, b *table.Definition) bool {
	if !reflect.DeepEqual(a.Key, b.Key) {
		return false
	}
	for _, name := range a.Key.Names() {
		if a.TypeOf(name) != b.TypeOf(name) {
			return false
		}
	}
	local := func(d, other *table.Definition) bool {
		for i := range d.Indexes {
			if x := &d.Indexes[i]; x.Local && !sameIndex(d, x, other) {
				return false
			}
		}
		return true
	}
	return local(a, b) && local(b, a)
}

// sameIndex tells whether another table has the same index.
func sameIndex(d *table.Definition, x *table.Index, other *table.Definition) bool {
	y := other.Index(x.Name)
	if y == nil || x.Local != y.Local || x.Projection != y.Projection ||
		!reflect.DeepEqual(x.Key, y.Key) || !slices.Equal(x.Included, y.Included) {
		return false
	}
	for _, name := range x.Key.Names() {
		if d.TypeOf(name) != other.TypeOf(name) {
			return false
		}
	}
	return true
}

func removeIndexes(d, want *table.Definition) {
	for i := range d.Indexes {
		if x := &d.Indexes[i]; !x.Local && !sameIndex(d, x, want) {
			x.Status = table.StatusDeleting
		}
	}
}

// applyWanted gives d everything a template can change in place.
func applyWanted(d, want *table.Definition) {
	d.Attributes = want.Attributes
	for _, x := range want.Indexes {
		if known := d.Index(x.Name); known != nil {
			known.Throughput, known.OnDemandThroughput = x.Throughput, x.OnDemandThroughput
		} else {
			d.Indexes = append(d.Indexes, x)
		}
	}
	if want.OnDemand && !d.OnDemand {
		d.OnDemandSince = time.Now()
	}
	d.OnDemand, d.Throughput, d.OnDemandThroughput = want.OnDemand, want.Throughput, want.OnDemandThroughput
	d.StreamViewType, d.TableClass, d.EncryptionKey = want.StreamViewType, want.TableClass, want.EncryptionKey
	d.DeletionProtection, d.Recovery, d.Tags = want.DeletionProtection, want.Recovery, want.Tags
	if d.Expiry.Attribute != want.Expiry.Attribute {
		d.SetExpiry(want.Expiry.Attribute)
	}
}

// definition is the table that a resource asks for, checked as CreateTable
// checks it.
func (h *Handler) definition(spec resource.Spec) (*table.Definition, error) {
	input, properties := h.input(spec)
	q := request.ReadCreateTable(attribute.NewReader(input))
	if err := q.Check(); err != nil {
		return nil, err
	}
	d := q.NewDefinition()
	ttl := properties.Get("TimeToLiveSpecification")
	if ttl.Get("Enabled").TruthOr(true) {
		d.Expiry.Attribute = ttl.Get("AttributeName").TextOr("")
	}
	d.Recovery = properties.Get("PointInTimeRecoverySpecification").Get("PointInTimeRecoveryEnabled").TruthOr(false)
	return d, nil
}

// Wanted is the table that a resource asks for, and the input of CreateTable
// that makes it. The error is about the template.
func (h *Handler) Wanted(spec resource.Spec) (input []byte, d *table.Definition, err error) {
	if d, err = h.definition(spec); err != nil {
		return nil, nil, asMessage(spec, err)
	}
	input, _ = h.input(spec)
	return input, d, nil
}

// input is the input of CreateTable that a resource amounts to, and the
// properties it comes from.
func (h *Handler) input(spec resource.Spec) ([]byte, *document.Node) {
	properties := spec.Properties
	if h.Global {
		properties = h.ownReplica(spec)
	}
	name := properties.Get("TableName").TextOr("")
	if name == "" {
		name = generatedName(spec)
	}
	return append(appendProperties(jsonwrite.Text([]byte{'{'}, "TableName", name), properties), '}'), properties
}

// suffixLength is how many letters follow the logical id in generated names.
const suffixLength = 12

// generatedName is the name of a table that the template does not name:
// {stack}-{LogicalId}-{suffix}. The suffix stands for what a table keeps for
// life, so the name is the same after a restart and another one after a change
// that makes CloudFormation replace the table.
func generatedName(spec resource.Spec) string {
	p := spec.Properties
	key := append([]string{spec.Stack.Name, spec.LogicalID, p.Get("LocalSecondaryIndexes").JSON()}, keyElements(p)...)
	sum := sha256.Sum256([]byte(strings.Join(key, "\x00")))
	suffix := base32.StdEncoding.EncodeToString(sum[:])[:suffixLength]
	const longest = 255
	head := spec.Stack.Name + "-" + spec.LogicalID
	if len(head) > longest-1-suffixLength {
		head = head[:longest-1-suffixLength]
	}
	return head + "-" + suffix
}

// keyElements are the table's key attributes with their types.
func keyElements(p *document.Node) (list []string) {
	for _, element := range items(p.Get("KeySchema")) {
		name := element.Get("AttributeName").TextOr("")
		for _, d := range items(p.Get("AttributeDefinitions")) {
			if d.Get("AttributeName").TextOr("") == name {
				list = append(list, name+" "+d.Get("AttributeType").TextOr(""))
			}
		}
	}
	return list
}

func items(n *document.Node) []*document.Node {
	if n == nil {
		return nil
	}
	return n.Items
}
