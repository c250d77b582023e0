package request

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
)

const (
	payPerRequest = "PAY_PER_REQUEST"

	maxLocal    = 5
	maxGlobal   = 20
	maxNonKey   = 20
	maxTags     = 50
	maxCapacity = 1_000_000_000_000
)

// Check makes every check in DynamoDB's order (reference: CreateTable, and the
// messages of real tables).
func (q *CreateTable) Check() error {
	if q.TableName == nil {
		return message.CreateTable.Refuse(message.TableNameMissing)
	}
	return inOrder(
		q.constraints,
		q.checkBilling,
		q.checkKey,
		q.checkDefinitions,
		q.checkLocal,
		q.checkGlobal,
		q.checkIndexNames,
		q.checkStream,
		q.checkTags,
	)
}

func (q *CreateTable) constraints() error {
	c := constraints{layer: attribute.Old}
	c.required("attributeDefinitions", q.hasAttributes)
	c.name("tableName", q.TableName, 3)
	c.required("keySchema", q.hasKey)
	if q.hasKey {
		c.key("keySchema", q.Key, 2)
	}
	c.enum("billingMode", q.Billing, enumBilling)
	c.throughput("provisionedThroughput", q.Throughput)
	c.definitions(q.Attributes)
	c.indexes("globalSecondaryIndexes", q.Global, 8)
	c.indexes("localSecondaryIndexes", q.Local, 2)
	if q.Stream != nil {
		c.required("streamSpecification.streamEnabled", q.Stream.Enabled != nil)
		c.enum("streamSpecification.streamViewType", q.Stream.View, enumView)
	}
	c.enum("tableClass", q.TableClass, enumClass)
	checkTags(&c, q.Tags)
	return c.err()
}

func (c *constraints) definitions(list []AttributeDefinition) {
	for i, d := range list {
		path := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		c.required(path+"attributeName", d.Name != nil)
		c.length(path+"attributeName", d.Name, 1, 255)
		c.required(path+"attributeType", d.Type != nil)
		c.enum(path+"attributeType", d.Type, enumScalar)
	}
}

func (c *constraints) key(path string, elements []KeyElement, most int) {
	c.count(path, "["+sketch(len(elements))+"]", len(elements), 1, most)
	for i, e := range elements {
		path := fmt.Sprintf("%s.%d.member.", path, i+1)
		c.required(path+"attributeName", e.Name != nil)
		c.length(path+"attributeName", e.Name, 1, 255)
		c.required(path+"keyType", e.Type != nil)
		c.enum(path+"keyType", e.Type, enumKey)
	}
}

func (c *constraints) throughput(path string, t *Throughput) {
	if t == nil {
		return
	}
	c.required(path+".writeCapacityUnits", t.Write != nil)
	c.atLeast(path+".writeCapacityUnits", t.Write, 1)
	c.required(path+".readCapacityUnits", t.Read != nil)
	c.atLeast(path+".readCapacityUnits", t.Read, 1)
}

func (c *constraints) indexes(path string, list []Index, keys int) {
	for i := range list {
		c.index(fmt.Sprintf("%s.%d.member.", path, i+1), &list[i], keys)
	}
}

func (c *constraints) index(path string, x *Index, keys int) {
	c.required(path+"indexName", x.Name != nil)
	c.name(path+"indexName", x.Name, 3)
	c.required(path+"keySchema", x.hasKey)
	if x.hasKey {
		c.key(path+"keySchema", x.Key, keys)
	}
	c.required(path+"projection", x.Projection != nil)
	if p := x.Projection; p != nil {
		c.enum(path+"projection.projectionType", p.Type, enumProjection)
		if p.included {
			c.count(path+"projection.nonKeyAttributes", "["+strings.Join(p.NonKey, ", ")+"]", len(p.NonKey), 1, maxNonKey)
			for i := range p.NonKey {
				c.length(fmt.Sprintf("%sprojection.nonKeyAttributes.%d.member", path, i+1), &p.NonKey[i], 1, 255)
			}
		}
	}
	c.throughput(path+"provisionedThroughput", x.Throughput)
}

func (q *CreateTable) onDemand() bool { return value(q.Billing) == payPerRequest }

func (q *CreateTable) checkBilling() error {
	op := message.CreateTable
	switch {
	case q.onDemand() && q.Throughput != nil:
		return op.Refuse(message.OnDemandThroughput)
	case !q.onDemand() && q.Throughput == nil:
		return op.Refuse(message.ProvisionedWithout)
	}
	return q.Throughput.check(op)
}

func (t *Throughput) check(op message.Operation) error {
	switch {
	case t == nil:
		return nil
	case *t.Read > maxCapacity:
		return op.Refuse(message.ThroughputBounds, *t.Read, "ReadCapacityUnits")
	case *t.Write > maxCapacity:
		return op.Refuse(message.ThroughputBounds, *t.Write, "WriteCapacityUnits")
	}
	return nil
}

func (q *CreateTable) checkKey() error {
	if len(q.Key) > len(q.Attributes) {
		return message.CreateTable.Refuse(message.KeysWithoutDefinitions)
	}
	if err := checkDefined(q.Key, q.Attributes); err != nil {
		return err
	}
	if err := checkKeyTypes(q.Key); err != nil {
		return err
	}
	for _, list := range [][]Index{q.Local, q.Global} {
		for _, x := range list {
			if err := checkKeyNames(x.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkKeyNames refuses a key that names an attribute twice.
func checkKeyNames(key []KeyElement) error {
	for i, e := range key {
		if slices.ContainsFunc(key[:i], func(o KeyElement) bool { return *o.Name == *e.Name }) {
			return message.CreateTable.Refuse(message.SameHashAndRange)
		}
	}
	return nil
}

// checkGlobalKey checks the order of a global index's key: up to four HASH
// elements, then up to four RANGE elements. AWS's words are unconfirmed.
func checkGlobalKey(key []KeyElement) error {
	op := message.CreateTable
	if err := checkKeyNames(key); err != nil {
		return err
	}
	if *key[0].Type != "HASH" {
		return op.Refuse(message.FirstNotHash)
	}
	counts := map[string]int{}
	for _, e := range key {
		if *e.Type == "HASH" && counts["RANGE"] > 0 {
			return op.Refuse(message.HashBehindRange)
		}
		if counts[*e.Type]++; counts[*e.Type] > maxKeyParts {
			return op.Refuse(message.TooManyKeyParts, *e.Type, maxKeyParts)
		}
	}
	return nil
}

// maxKeyParts is how many attributes of one kind a global index's key has.
const maxKeyParts = 4

// checkDefined refuses key attributes without a declared type.
func checkDefined(key []KeyElement, definitions []AttributeDefinition) error {
	defined := definedNames(definitions)
	var names []string
	missing := false
	for _, e := range key {
		names = append(names, *e.Name)
		missing = missing || !slices.Contains(defined, *e.Name)
	}
	if missing {
		return message.CreateTable.Refuse(message.KeyNotDefined, strings.Join(names, ", "), strings.Join(defined, ", "))
	}
	return nil
}

func definedNames(definitions []AttributeDefinition) []string {
	names := make([]string, len(definitions))
	for i, d := range definitions {
		names[i] = *d.Name
	}
	return names
}

// checkKeyTypes checks the key of a table or local index: a HASH element, then
// a RANGE element.
func checkKeyTypes(key []KeyElement) error {
	op := message.CreateTable
	if len(key) == 2 && *key[0].Name == *key[1].Name {
		return op.Refuse(message.SameHashAndRange)
	}
	if *key[0].Type != "HASH" {
		return op.Refuse(message.FirstNotHash)
	}
	if len(key) == 2 && *key[1].Type != "RANGE" {
		return op.Refuse(message.SecondNotRange)
	}
	return nil
}

// checkDefinitions refuses types declared twice and those that no key uses.
func (q *CreateTable) checkDefinitions() error {
	op := message.CreateTable
	var used []string
	add := func(key []KeyElement) {
		for _, e := range key {
			if !slices.Contains(used, *e.Name) {
				used = append(used, *e.Name)
			}
		}
	}
	add(q.Key)
	for _, list := range [][]Index{q.Local, q.Global} {
		for _, x := range list {
			add(x.Key)
		}
	}
	defined := definedNames(q.Attributes)
	for i, name := range defined {
		if slices.Contains(defined[:i], name) {
			return op.Refuse(message.DefinitionTwice, name)
		}
	}
	if !slices.ContainsFunc(defined, func(name string) bool { return !slices.Contains(used, name) }) {
		return nil
	}
	if q.Local == nil && q.Global == nil {
		return op.Refuse(message.DefinitionsMismatch)
	}
	slices.Sort(defined)
	slices.Sort(used)
	return op.Refuse(message.DefinitionsUnused, strings.Join(defined, ", "), strings.Join(used, ", "))
}

func (q *CreateTable) checkLocal() error {
	op := message.CreateTable
	if q.Local == nil {
		return nil
	}
	if len(q.Local) == 0 {
		return op.Refuse(message.IndexListEmpty, "LocalSecondaryIndexes")
	}
	if len(q.Key) < 2 {
		return op.Refuse(message.LocalWithoutRange)
	}
	for _, x := range q.Local {
		if err := firstError(checkDefined(x.Key, q.Attributes), checkKeyTypes(x.Key)); err != nil {
			return err
		}
		switch {
		case len(x.Key) < 2:
			return op.Refuse(message.LocalIndexWithoutRange, *x.Name)
		case *x.Key[0].Name != *q.Key[0].Name:
			return op.Refuse(message.LocalIndexHash, *x.Name, *x.Key[0].Name, *q.Key[0].Name)
		}
		if err := x.Projection.check(); err != nil {
			return err
		}
	}
	return nil
}

func (q *CreateTable) checkGlobal() error {
	op := message.CreateTable
	if q.Global == nil {
		return nil
	}
	if len(q.Global) == 0 {
		return op.Refuse(message.IndexListEmpty, "GlobalSecondaryIndexes")
	}
	for _, x := range q.Global {
		err := firstError(
			checkDefined(x.Key, q.Attributes), checkGlobalKey(x.Key), x.Projection.check(),
			x.checkThroughput(op, q.onDemand()), x.Throughput.check(op))
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *Index) checkThroughput(op message.Operation, onDemand bool) error {
	switch {
	case onDemand && x.Throughput != nil:
		return op.Refuse(message.OnDemandIndexThroughput, *x.Name)
	case !onDemand && x.Throughput == nil:
		return op.Refuse(message.ProvisionedIndexWithout, *x.Name)
	}
	return nil
}

func (p *Projection) check() error {
	op := message.CreateTable
	switch {
	case p.Type == nil:
		return op.Refuse(message.ProjectionUnknown, "null")
	case *p.Type != table.ProjectIncluded && p.included:
		return op.Refuse(message.NonKeyNotAllowed, *p.Type)
	case *p.Type == table.ProjectIncluded && !p.included:
		return op.Refuse(message.NonKeyMissing)
	}
	for i, name := range p.NonKey {
		if slices.Contains(p.NonKey[:i], name) {
			return op.Refuse(message.NonKeyTwice, name)
		}
	}
	return nil
}

func (q *CreateTable) checkIndexNames() error {
	op := message.CreateTable
	seen := map[string]bool{}
	for _, list := range [][]Index{q.Local, q.Global} {
		for _, x := range list {
			if seen[*x.Name] {
				return op.Refuse(message.IndexDuplicate, *x.Name)
			}
			seen[*x.Name] = true
		}
	}
	switch {
	case len(q.Local) > maxLocal:
		return op.Refuse(message.TooManyLocal)
	case len(q.Global) > maxGlobal:
		return op.Refuse(message.TooManyGlobal)
	}
	return nil
}

func (q *CreateTable) checkStream() error {
	if s := q.Stream; s != nil {
		switch {
		case !*s.Enabled && s.View != nil:
			return message.CreateTable.Refuse(message.StreamDisabledWithView)
		case *s.Enabled && s.View == nil:
			return message.CreateTable.Refuse(message.StreamWithoutView)
		}
	}
	return nil
}

func (q *CreateTable) checkTags() error {
	if len(q.Tags) > maxTags {
		return message.CreateTable.Refuse(message.TagsTooMany)
	}
	return nil
}

// Definition is the table that is asked for, without what only its making
// decides (id, numbers, time, stream label).
func (q *CreateTable) Definition() table.Definition {
	d := table.Definition{
		Name:               *q.TableName,
		Attributes:         attributeTypes(q.Attributes),
		Key:                keySchema(q.Key),
		OnDemand:           q.onDemand(),
		Throughput:         q.Throughput.value(),
		OnDemandThroughput: q.OnDemand.value(),
		TableClass:         value(q.TableClass),
		DeletionProtection: value(q.DeletionProtection),
		Tags:               map[string]string{},
	}
	for _, x := range q.Local {
		d.Indexes = append(d.Indexes, x.definition(true))
	}
	for _, x := range q.Global {
		d.Indexes = append(d.Indexes, x.definition(false))
	}
	if q.Stream != nil && *q.Stream.Enabled {
		d.StreamViewType = *q.Stream.View
	}
	if e := q.Encryption; e != nil && value(e.Enabled) {
		d.EncryptionKey = value(e.KeyID)
	}
	for _, t := range q.Tags {
		d.Tags[*t.Key] = *t.Value
	}
	return d
}

func attributeTypes(definitions []AttributeDefinition) []table.AttributeType {
	list := make([]table.AttributeType, 0, len(definitions))
	for _, d := range definitions {
		list = append(list, table.AttributeType{Name: *d.Name, Type: *d.Type})
	}
	slices.SortFunc(list, func(a, b table.AttributeType) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(list)
}

func keySchema(elements []KeyElement) (k table.KeySchema) {
	for _, e := range elements {
		if *e.Type == "HASH" {
			k.Hash = append(k.Hash, *e.Name)
		} else {
			k.Range = append(k.Range, *e.Name)
		}
	}
	return k
}

func (x *Index) definition(local bool) table.Index {
	included := slices.Sorted(slices.Values(x.Projection.NonKey))
	return table.Index{
		Name: *x.Name, Local: local, Key: keySchema(x.Key),
		Projection: *x.Projection.Type, Included: slices.Compact(included),
		Throughput: x.Throughput.value(), OnDemandThroughput: x.OnDemand.value(),
	}
}

func (t *Throughput) value() table.Throughput {
	if t == nil {
		return table.Throughput{}
	}
	return table.Throughput{Read: value(t.Read), Write: value(t.Write)}
}

func (t *OnDemand) value() *table.OnDemandThroughput {
	if t == nil {
		return nil
	}
	given := table.OnDemandThroughput{Read: -1, Write: -1}
	if t.Read != nil {
		given.Read = *t.Read
	}
	if t.Write != nil {
		given.Write = *t.Write
	}
	return &given
}

// NewDefinition is the table that a request which was checked asks for, born
// now.
func (q *CreateTable) NewDefinition() *table.Definition {
	d := q.Definition()
	d.ID, d.Created = awsapi.NewRequestID(), time.Now()
	if d.OnDemand {
		d.OnDemandSince = d.Created
	}
	return &d
}
