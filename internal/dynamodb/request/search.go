package request

import (
	"regexp"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// Values of Select.
const (
	SelectAll       = "ALL_ATTRIBUTES"
	SelectProjected = "ALL_PROJECTED_ATTRIBUTES"
	SelectSpecific  = "SPECIFIC_ATTRIBUTES"
	SelectCount     = "COUNT"
)

// maxSegments is the largest TotalSegments.
const maxSegments = 1000000

// Search is the input of Query and Scan.
type Search struct {
	Operation            message.Operation
	TableName, IndexName *string
	Start                attribute.Item // ExclusiveStartKey; nil: not given
	Limit                *int64
	Segment, Total       *int64
	Select               *string
	Consumed             *string
	ConsistentRead       bool
	Backward             bool // ScanIndexForward is false
	Expressions

	refused *attribute.Error // the first bad value in Start
	older   older
}

// ReadSearch reads the input of Query or Scan.
func ReadSearch(body *attribute.Reader, op message.Operation) *Search {
	r, q := reader{body}, &Search{Operation: op}
	layer := op.Layer()
	for name := range r.Struct(string(op) + "Input") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "IndexName":
			q.IndexName = r.text()
		case "ExclusiveStartKey":
			q.Start, q.refused = r.Item(layer)
		case "Limit":
			q.Limit = r.integer("Integer")
		case "Segment":
			q.Segment = r.integer("Integer")
		case "TotalSegments":
			q.Total = r.integer("Integer")
		case "Select":
			q.Select = r.text()
		case "ReturnConsumedCapacity":
			q.Consumed = r.text()
		case "ConsistentRead":
			q.ConsistentRead = r.Truth()
		case "ScanIndexForward":
			q.Backward = !r.Truth()
		default:
			if !q.older.read(r, layer, name) {
				q.Expressions.read(r, layer, name)
			}
		}
	}
	return q
}

// Check makes every check that needs no table and returns the expressions.
func (q *Search) Check(c *expression.Compiler) (*expression.Compiled, error) {
	layer := q.Operation.Layer()
	offered := []expression.Parameter{expression.FilterExpression}
	if q.Operation == message.Query {
		offered = append(offered, expression.KeyConditionExpression)
	}
	err := firstError(
		q.constraints(),
		expression.CheckStyles(q.olderStyle(), q.given()),
		q.checkPresence(layer, offered),
		asError(q.older.refusal),
		asError(q.checkStart()),
		q.checkValues(layer),
		attribute.CheckNesting(q.Values),
		q.checkSelect(),
		q.checkSegments(),
	)
	if err != nil {
		return nil, err
	}
	compiled, err := q.compile(c, offered)
	if err == nil && q.Operation == message.Query && compiled.KeyCondition == nil {
		err = q.Operation.Refuse(message.NoKeyCondition)
	}
	return compiled, err
}

// olderStyle lists the older parameters that do not go with expressions:
// KeyConditions goes with all of them but KeyConditionExpression.
func (q *Search) olderStyle() []string {
	names := q.older.given()
	if q.KeyCondition == nil {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "KeyConditions" })
	}
	return names
}

// compile returns what the parameters of both styles say.
func (q *Search) compile(c *expression.Compiler, offered []expression.Parameter) (*expression.Compiled, error) {
	older, err := q.older.compile()
	if err != nil || older != nil && q.given() == nil {
		return older, err
	}
	compiled, err := c.Compile(q.request(q.Operation.Layer(), offered))
	if err == nil && older != nil {
		compiled.KeyCondition = older.KeyCondition
	}
	return compiled, err
}

func (q *Search) constraints() error {
	c := constraints{layer: q.Operation.Layer()}
	c.enum("returnConsumedCapacity", q.Consumed, enumConsumed)
	c.required("tableName", q.TableName != nil)
	c.name("tableName", q.TableName, 1)
	c.name("indexName", q.IndexName, 3)
	c.enum("select", q.Select, enumSelect)
	c.atLeast("limit", q.Limit, 1)
	c.atLeast("totalSegments", q.Total, 1)
	c.atMost("totalSegments", q.Total, maxSegments)
	c.atLeast("segment", q.Segment, 0)
	c.atMost("segment", q.Segment, maxSegments-1)
	q.older.constrain(&c)
	return c.err()
}

// checkStart refuses values in ExclusiveStartKey. Most refusals say where the
// value stands, but not those of numbers and of sets of numbers.
func (q *Search) checkStart() *attribute.Error {
	if q.refused == nil || q.refused.Code != attribute.ValidationException || unplaced.MatchString(q.refused.Message) {
		return q.refused
	}
	return attribute.Invalid("The provided starting key is invalid: " + q.refused.Message)
}

var unplaced = regexp.MustCompile("contains duplicates|number set|numeric value|significant digits|number with magnitude")

func (q *Search) checkSelect() error {
	what := value(q.Select)
	projected, attributes := q.Projection != nil, q.older.has("AttributesToGet")
	switch {
	case what == SelectSpecific && !projected && !attributes:
		return q.Operation.Refuse(message.SpecificWithoutProjection)
	case what != "" && what != SelectSpecific && projected:
		return q.Operation.Refuse(message.ProjectionWithSelect, what)
	case what != "" && what != SelectSpecific && attributes:
		return q.Operation.Refuse(message.AttributesWithSelect, what)
	case what == SelectProjected && q.IndexName == nil:
		return q.Operation.Refuse(message.ProjectedWithoutIndex)
	}
	return nil
}

func (q *Search) checkSegments() error {
	switch {
	case q.Segment != nil && q.Total == nil:
		return q.Operation.Refuse(message.SegmentWithoutTotal)
	case q.Segment == nil && q.Total != nil:
		return q.Operation.Refuse(message.TotalWithoutSegment)
	case q.Segment != nil && *q.Segment >= *q.Total:
		return q.Operation.Refuse(message.SegmentTooLarge, *q.Segment, *q.Total)
	}
	return nil
}

// Table is the table's name.
func (q *Search) Table() string { return value(q.TableName) }

// Index is the index's name, empty for the table itself.
func (q *Search) Index() string { return value(q.IndexName) }

// Counts tells whether only the number of items is asked for.
func (q *Search) Counts() bool { return value(q.Select) == SelectCount }

// Page is the most items to look at, 0 when there is no limit.
func (q *Search) Page() int { return int(value(q.Limit)) }
