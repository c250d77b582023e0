package request

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// older are the parameters from before expressions: AttributesToGet,
// AttributeUpdates, Expected, KeyConditions, QueryFilter, ScanFilter and
// ConditionalOperator.
type older struct {
	names []string // of those given, in the order of the request
}

// read reads a member if it is one of them.
func (o *older) read(r reader, op message.Operation, layer attribute.Layer, name string) bool {
	return false
}

func (o *older) given() []string { return o.names }

// refused is the refusal of the first bad value.
func (o *older) refused(attribute.Layer) error { return nil }

// compile makes what expressions make; nil when none of the parameters is
// given.
func (o *older) compile() (*expression.Compiled, error) { return nil, nil }

func (o *older) has(name string) bool { return slices.Contains(o.names, name) }
