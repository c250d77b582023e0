package dynamodb

import (
	"errors"
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// operations by their name in X-Amz-Target. Each reads its input from the
// call's body and appends its answer.
var operations = map[string]func(*call) error{
	"PutItem":            (*call).putItem,
	"UpdateItem":         (*call).updateItem,
	"DeleteItem":         (*call).deleteItem,
	"GetItem":            (*call).getItem,
	"Query":              (*call).query,
	"Scan":               (*call).scan,
	"BatchGetItem":       (*call).batchGet,
	"BatchWriteItem":     (*call).batchWrite,
	"TransactGetItems":   (*call).transactGet,
	"TransactWriteItems": (*call).transactWrite,

	"ExecuteStatement":      (*call).executeStatement,
	"BatchExecuteStatement": (*call).batchExecute,
	"ExecuteTransaction":    (*call).executeTransaction,

	"CreateTable":   (*call).createTable,
	"DescribeTable": (*call).describeTable,
	"UpdateTable":   (*call).updateTable,
	"DeleteTable":   (*call).deleteTable,
	"ListTables":    (*call).listTables,

	"UpdateTimeToLive":          (*call).updateTimeToLive,
	"DescribeTimeToLive":        (*call).describeTimeToLive,
	"TagResource":               (*call).tagResource,
	"UntagResource":             (*call).untagResource,
	"ListTagsOfResource":        (*call).listTags,
	"DescribeLimits":            (*call).describeLimits,
	"DescribeEndpoints":         (*call).describeEndpoints,
	"DescribeContinuousBackups": (*call).describeBackups,
	"UpdateContinuousBackups":   (*call).updateBackups,
}

var (
	errNotJSON          = &attribute.Error{Code: message.SerializationFailure}
	errUnknownOperation = &attribute.Error{Code: message.UnknownOperation}
)

// run finds the operation and the caller, then runs it.
func (c *call) run(body []byte) error {
	operation, err := c.target()
	if err == nil {
		err = c.authenticate(body)
	}
	if c.http.Header["Content-Encoding"] != nil {
		var unreadable error
		if body, unreadable = decompress(c.http.Header.Get("Content-Encoding"), body); unreadable != nil && err == nil {
			err = unreadable
		}
	}
	c.body = attribute.NewReader(body)
	if err != nil {
		// What is not JSON is said before what is wrong with the call.
		if c.body.Skip(); len(body) > 0 && c.body.End() != nil {
			return errNotJSON
		}
		return err
	}
	if len(body) == 0 {
		return errNotJSON
	}
	return operation(c)
}

func (c *call) target() (func(*call) error, error) {
	target := c.http.Header.Get("X-Amz-Target")
	known := operations
	name, ok := strings.CutPrefix(target, targetPrefix)
	if !ok {
		name, ok = strings.CutPrefix(target, streamsTargetPrefix)
		known = streamOperations
	}
	c.operation = name
	if operation := known[name]; operation != nil && ok {
		return operation, nil
	}
	if name != "" {
		c.service.config.Journal.Publish(journal.Entry{
			Kind: journal.Noticed, Method: "dynamodb:" + name,
			Text: "DynamoDB's " + name + " is not one of the operations Suiro has; it was answered with UnknownOperationException",
		})
	}
	return nil, errUnknownOperation
}

// end checks that the whole input was read without a mistake in the JSON.
func (c *call) end() error { return c.body.End() }

func (c *call) authenticate(body []byte) error {
	a := c.service.config.Authenticator
	if a == nil {
		c.caller = awsapi.Caller{AccountID: c.service.config.AccountID, ARN: "arn:aws:iam::" + c.service.config.AccountID + ":root", Owner: true}
		return nil
	}
	caller, err := a.Authenticate(c.http, "dynamodb", body)
	if err != nil {
		return authError(err)
	}
	c.caller = caller
	return nil
}

// authCodes translates the refusals of other protocols into DynamoDB's, whose
// status is always 400.
var authCodes = map[string]attribute.Error{
	"MissingAuthenticationToken": {Code: "MissingAuthenticationTokenException", Message: "Request is missing Authentication Token"},
	"UnrecognizedClient":         {Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
	"InvalidClientTokenId":       {Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
	"IncompleteSignature":        {Code: "IncompleteSignatureException"},
	"InvalidSignature":           {Code: "InvalidSignatureException"},
	"SignatureDoesNotMatch":      {Code: "InvalidSignatureException"},
	"RequestExpired":             {Code: "InvalidSignatureException"},
	"ExpiredToken":               {Code: "ExpiredTokenException"},
	"AccessDenied":               {Code: message.AccessDenied},
}

func authError(err error) error {
	var refusal *awsapi.Error
	if !errors.As(err, &refusal) {
		return err
	}
	e, ok := authCodes[strings.TrimSuffix(refusal.Code, "Exception")]
	if !ok {
		e.Code = refusal.Code
	}
	if e.Message == "" {
		e.Message = refusal.Message
	}
	return &e
}

// allow asks whether the caller may do an action on a table or index ("*" for
// none in particular).
func (c *call) allow(operation, resourceARN string) error {
	a := c.service.config.Authorizer
	if a == nil {
		return nil
	}
	if err := a.Authorize(c.caller, "dynamodb:"+operation, resourceARN); err != nil {
		return authError(err)
	}
	return nil
}

// allowTable asks for an action on a table by name.
func (c *call) allowTable(operation, table string) error {
	return c.allow(operation, c.service.account.Table(table))
}

// prefixes of the error names on the wire.
const (
	servicePrefix    = "com.amazon.coral.service#"
	validationPrefix = "com.amazon.coral.validate#"
	dynamodbPrefix   = "com.amazonaws.dynamodb.v20120810#"
)

// appendError appends the answer to a call that failed and returns its status.
func (c *call) appendError(dst []byte, err error) ([]byte, int) {
	refusal, status := (*attribute.Error)(nil), http.StatusBadRequest
	var failed *conditionFailed
	var canceled *transactionCanceled
	switch {
	case errors.As(err, &failed):
		refusal = message.PutItem.Refuse(message.ConditionFalse)
	case errors.As(err, &canceled):
		refusal = canceled.refusal()
	case errors.As(err, &refusal):
		if refusal.Code == message.InternalServerError {
			status = http.StatusInternalServerError
		}
	default:
		c.service.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Method: "dynamodb:" + c.operation, Text: "a call failed inside Suiro", Err: err.Error()})
		refusal, status = &attribute.Error{Code: message.InternalServerError, Message: err.Error()}, http.StatusInternalServerError
	}
	prefix, key := dynamodbPrefix, "message"
	switch code := refusal.Code; {
	case code == message.Validation:
		prefix = validationPrefix
	case code == message.SerializationFailure || code == message.AccessDenied:
		prefix, key = servicePrefix, "Message"
	case code == message.TransactionCanceled:
		key = "Message"
	case code == message.UnknownOperation || isAuthCode(code):
		prefix = servicePrefix
	}
	dst = append(dst, '{')
	dst = jsonwrite.Text(dst, "__type", prefix+refusal.Code)
	if refusal.Message != "" {
		dst = jsonwrite.Text(dst, key, refusal.Message)
	}
	if failed != nil && failed.item != nil {
		dst = failed.item.AppendJSON(jsonwrite.Member(dst, "Item"))
	}
	if canceled != nil {
		dst = canceled.append(dst)
	}
	return append(dst, '}'), status
}

func isAuthCode(code string) bool {
	for _, e := range authCodes {
		if e.Code == code {
			return true
		}
	}
	return false
}
