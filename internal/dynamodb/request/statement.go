package request

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
)

// Limits of PartiQL (API reference: ExecuteStatement, BatchExecuteStatement,
// ExecuteTransaction).
const (
	maxStatement       = 8192
	maxStatements      = 25
	maxTransactionSize = 100
	maxNextToken       = 32768
)

// Statements is the input of ExecuteStatement, BatchExecuteStatement and
// ExecuteTransaction; the first has one statement.
type Statements struct {
	Operation message.Operation
	List      []*Statement
	Limit     *int64
	NextToken *string
	Token     *string // ClientRequestToken
	Consumed  *string

	given bool
}

// Statement is one PartiQL statement with its parameters.
type Statement struct {
	Text           *string
	Parameters     []attribute.Value
	OnFailure      *string // ReturnValuesOnConditionCheckFailure
	ConsistentRead bool

	given   bool // Parameters
	refused *attribute.Error
}

// lists are the members that hold the statements.
var lists = map[message.Operation]string{
	message.BatchExecuteStatement: "Statements", message.ExecuteTransaction: "TransactStatements",
}

// ReadStatements reads the input of one of the three operations.
func ReadStatements(body *attribute.Reader, op message.Operation) *Statements {
	r, q := reader{body}, &Statements{Operation: op}
	only := new(Statement)
	if op == message.ExecuteStatement {
		q.List = []*Statement{only}
	}
	for name := range r.Struct(string(op) + "Input") {
		switch {
		case name == "ReturnConsumedCapacity":
			q.Consumed = r.text()
		case name == "ClientRequestToken":
			q.Token = r.text()
		case name == "Limit":
			q.Limit = r.integer("Integer")
		case name == "NextToken":
			q.NextToken = r.text()
		case name == lists[op]:
			q.given = true
			for range r.List() {
				s := new(Statement)
				for member := range r.Entry("ParameterizedStatement") {
					s.read(r, member)
				}
				q.List = append(q.List, s)
			}
		case op == message.ExecuteStatement:
			only.read(r, name)
		}
	}
	return q
}

func (s *Statement) read(r reader, name string) {
	switch name {
	case "Statement":
		s.Text = r.text()
	case "Parameters":
		s.given = true
		for range r.List() {
			v, refused := r.Value(attribute.Old)
			if s.refused == nil {
				s.refused = refused
			}
			s.Parameters = append(s.Parameters, v)
		}
	case "ConsistentRead":
		s.ConsistentRead = r.Truth()
	case "ReturnValuesOnConditionCheckFailure":
		s.OnFailure = r.text()
	}
}

// Check checks the members of the request, not the statements.
func (q *Statements) Check() error {
	c := constraints{layer: attribute.Old}
	c.enum("returnConsumedCapacity", q.Consumed, enumConsumed)
	prefix, most := "", maxStatements
	if list := lists[q.Operation]; list != "" {
		prefix = string(list[0]|0x20) + list[1:]
		if q.Operation == message.ExecuteTransaction {
			most = maxTransactionSize
		}
		c.required(prefix, q.given)
		if q.given {
			c.count(prefix, "["+sketch(len(q.List))+"]", len(q.List), 1, most)
		}
	}
	if q.Token != nil {
		c.count("clientRequestToken", *q.Token, utf8.RuneCountInString(*q.Token), 1, maxTokenLength)
	}
	c.atLeast("limit", q.Limit, 1)
	c.length("nextToken", q.NextToken, 1, maxNextToken)
	for i, s := range q.List {
		path := ""
		if prefix != "" {
			path = fmt.Sprintf("%s.%d.member.", prefix, i+1)
		}
		s.constrain(&c, path)
	}
	return c.err()
}

func (s *Statement) constrain(c *constraints, path string) {
	c.required(path+"statement", s.Text != nil)
	c.length(path+"statement", s.Text, 1, maxStatement)
	if s.given && len(s.Parameters) == 0 {
		c.count(path+"parameters", "[]", 0, 1, 0)
	}
	c.enum(path+"returnValuesOnConditionCheckFailure", s.OnFailure, enumOnFailure)
}

// Bind parses the statement and gives it its parameters.
func (s *Statement) Bind() (*partiql.Bound, error) {
	parsed, err := partiql.Parse(*s.Text)
	if err != nil {
		return nil, err
	}
	if s.refused != nil {
		return nil, s.refused
	}
	bound, err := parsed.Bind(s.Parameters)
	if err != nil {
		return nil, err
	}
	if attribute.Size(bound.Item) > attribute.MaxItemSize {
		return nil, message.PutItem.Refuse(message.ItemTooLarge)
	}
	return bound, nil
}

// ReturnsOnFailure tells whether a failed condition shows the item.
func (s *Statement) ReturnsOnFailure() bool { return value(s.OnFailure) == "ALL_OLD" }

// Page is the most items to look at, 0 when there is no limit.
func (q *Statements) Page() int { return int(value(q.Limit)) }

// Within is what stands in front of a refusal of a statement of a transaction.
func Within(i int) string {
	return "Validation failed in TransactStatements[" + strconv.Itoa(i) + "]: "
}
