// Package message is what DynamoDB says when it refuses something: one table
// of texts by operation and check. AWS changes these texts region by region,
// so a drift should be a change of data and not of code. The texts of values
// and of expressions belong to the packages attribute and expression.
//
// DynamoDB has two generations of request validation (since June 2026 region
// by region). Which one an operation answers with is said here too.
package message

import (
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// Operation is an operation's name on the wire, such as "PutItem".
type Operation string

// The operations whose texts differ from those of others.
const (
	PutItem            Operation = "PutItem"
	UpdateItem         Operation = "UpdateItem"
	DeleteItem         Operation = "DeleteItem"
	GetItem            Operation = "GetItem"
	Query              Operation = "Query"
	Scan               Operation = "Scan"
	BatchGetItem       Operation = "BatchGetItem"
	BatchWriteItem     Operation = "BatchWriteItem"
	TransactWriteItems Operation = "TransactWriteItems"
	TransactGetItems   Operation = "TransactGetItems"
	CreateTable        Operation = "CreateTable"
	UpdateTable        Operation = "UpdateTable"
	// Streams are all operations of DynamoDB Streams.
	Streams Operation = "Streams"

	ExecuteStatement      Operation = "ExecuteStatement"
	BatchExecuteStatement Operation = "BatchExecuteStatement"
	ExecuteTransaction    Operation = "ExecuteTransaction"
)

// Layer is the generation of validation that answers an operation.
func (o Operation) Layer() attribute.Layer {
	switch o {
	case PutItem, UpdateItem, DeleteItem, GetItem, BatchGetItem, Query:
		return attribute.New
	}
	return attribute.Old
}

// Wraps tells whether an operation's refusals that need nothing but the
// request carry [OneError] in front.
func (o Operation) Wraps() bool { return o == PutItem || o == UpdateItem || o == DeleteItem }

// OneError begins the refusal of a request by one constraint of a member.
const OneError = "1 validation error detected: "

// The codes of refusals other than ValidationException.
const (
	ResourceNotFound     = "ResourceNotFoundException"
	ResourceInUse        = "ResourceInUseException"
	LimitExceeded        = "LimitExceededException"
	ConditionFailed      = "ConditionalCheckFailedException"
	TransactionCanceled  = "TransactionCanceledException"
	IdempotentMismatch   = "IdempotentParameterMismatchException"
	TableNotFound        = "TableNotFoundException"
	TrimmedDataAccess    = "TrimmedDataAccessException"
	ExpiredIterator      = "ExpiredIteratorException"
	AccessDenied         = "AccessDeniedException"
	UnknownOperation     = "UnknownOperationException"
	DuplicateItem        = "DuplicateItemException"
	InternalServerError  = "InternalServerError"
	SerializationFailure = attribute.SerializationException
	Validation           = attribute.ValidationException
)

// Check is something that DynamoDB checks.
type Check int

// entry is the refusal of one check.
type entry struct {
	code string // ValidationException when empty
	text string // a format
	// by holds the texts of operations that word it in their own way.
	by map[Operation]string
}

// Refuse makes the refusal of a check for an operation.
func (o Operation) Refuse(c Check, args ...any) *attribute.Error {
	e := &table[c]
	text := e.text
	if own, ok := e.by[o]; ok {
		text = own
	}
	if len(args) > 0 && strings.Contains(text, "%") {
		text = fmt.Sprintf(text, args...)
	}
	code := e.code
	if code == "" {
		code = Validation
	}
	return &attribute.Error{Code: code, Message: text}
}
