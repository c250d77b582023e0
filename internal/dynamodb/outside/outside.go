// Package outside puts an app's tables into a DynamoDB that runs elsewhere, or
// what speaks its API: ScyllaDB Alternator, DynamoDB Local. Calls are verified
// and allowed here as ever, then signed anew and passed on; answers are passed
// back as they come.
package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

// Config is what a Service needs.
type Config struct {
	URL         string // of the endpoint, http or https
	Credentials sigv4.Credentials
	Region      string // that calls are signed for
	// Local verifies callers and reads templates; it has no tables.
	Local   *dynamodb.Service
	Journal *journal.Journal
}

const (
	// maxBody is the largest request (API reference: 16 MB).
	maxBody = 16 << 20

	targetPrefix        = "DynamoDB_20120810."
	streamsTargetPrefix = "DynamoDBStreams_20120810."
	jsonType            = "application/x-amz-json-1.0"
)

// ParseEndpoint reads the URL of an endpoint.
func ParseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the URL of a DynamoDB endpoint, such as http://localhost:8000", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}, nil
}

// Service is an outside DynamoDB in use. It is an http.Handler for both APIs,
// DynamoDB and DynamoDB Streams.
type Service struct {
	config Config
	url    *url.URL
	client *http.Client
}

// New makes the service; it calls nobody yet.
func New(c Config) (*Service, error) {
	u, err := ParseEndpoint(c.URL)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // answers are passed on as they come
	transport.MaxIdleConnsPerHost = 64
	return &Service{c, u, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes the connections that nothing uses.
func (o *Service) Close() { o.client.CloseIdleConnections() }

// send makes a call. On AWS the Streams API has a host of its own.
func (o *Service) send(ctx context.Context, method string, header http.Header, body []byte) (*http.Response, error) {
	target := *o.url
	if strings.HasPrefix(header.Get("X-Amz-Target"), streamsTargetPrefix) && strings.HasPrefix(target.Host, "dynamodb.") && strings.Contains(target.Host, ".amazonaws.com") {
		target.Host = "streams." + target.Host
	}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target", "Accept-Encoding"} {
		if v := header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	sigv4.Sign(r, o.config.Credentials, o.config.Region, "dynamodb", body, time.Now())
	res, err := o.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the tables at %s do not answer: %w", o.url, errors.Unwrap(err))
	}
	return res, nil
}

// call calls an operation for Suiro itself; target is X-Amz-Target. A refusal is an *attribute.Error.
func (o *Service) call(ctx context.Context, target string, input, out any) error {
	encoded, err := json.Marshal(input)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {jsonType}, "X-Amz-Target": {target}}
	res, err := o.send(ctx, http.MethodPost, header, encoded)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return fmt.Errorf("%s at %s: %w", target, o.url, err)
	}
	if res.StatusCode == http.StatusOK {
		return json.Unmarshal(body, out)
	}
	var e struct {
		Type    string `json:"__type"`
		Message string // also "message"
	}
	if json.Unmarshal(body, &e) != nil || e.Type == "" {
		return fmt.Errorf("%s at %s answers %s", target, o.url, res.Status)
	}
	return &attribute.Error{Code: e.Type[strings.LastIndexByte(e.Type, '#')+1:], Message: e.Message}
}

// ServeHTTP passes a call on and its answer back, as it comes. Requests are
// signed with a hash of their body, so they are read whole first.
func (o *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	operation := r.Header.Get("X-Amz-Target")
	operation = operation[strings.LastIndexByte(operation, '.')+1:]
	table, needed := o.permissions(operation, body)
	var res *http.Response
	if err = nil; r.Method == http.MethodPost {
		err = o.config.Local.Admit(r, body, needed)
	}
	if err == nil {
		res, err = o.send(r.Context(), r.Method, r.Header, body)
	}
	status, written := 0, 0
	if err != nil {
		status, written = o.config.Local.Refuse(w, operation, err)
	} else {
		status = res.StatusCode
		written = copyAnswer(w, res)
	}
	if o.config.Journal.Active() {
		o.config.Journal.Publish(journal.Entry{
			Kind: journal.Requested, Method: "dynamodb:" + operation, Path: table, Status: status,
			Duration: time.Since(start), Bytes: written, RequestID: w.Header().Get("X-Amzn-Requestid"),
		})
	}
}

// copyAnswer passes an answer on while it comes in.
func copyAnswer(w http.ResponseWriter, res *http.Response) int {
	defer func() { _ = res.Body.Close() }()
	for name, values := range res.Header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade":
		default:
			w.Header()[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	n, err := io.Copy(w, res.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
	return int(n)
}

// named is what a request names that permissions are about.
type named struct {
	TableName, IndexName, StreamArn, ResourceArn string
	RequestItems                                 map[string]json.RawMessage
	TransactItems                                []map[string]named
	Statement                                    string
	Statements, TransactStatements               []named
}

// permissions are the actions that a call needs, and the table it is about. A
// request that cannot be read needs its operation on everything: the other
// side will refuse it.
func (o *Service) permissions(operation string, body []byte) (table string, list []dynamodb.Permission) {
	var q named
	need := func(action, name, index string) {
		table = request.TableName(name)
		arn := o.config.Local.TableARN(table)
		if index != "" {
			arn += "/index/" + index
		}
		list = append(list, dynamodb.Permission{Action: action, Resource: arn})
	}
	if json.Unmarshal(body, &q) != nil {
		return "", []dynamodb.Permission{{Action: operation, Resource: "*"}}
	}
	for name := range q.RequestItems {
		need(operation, name, "")
	}
	for _, item := range q.TransactItems {
		for action, one := range item {
			if action == "ConditionCheck" {
				action = "ConditionCheckItem"
			} else {
				action += "Item"
			}
			need(action, one.TableName, "")
		}
	}
	for _, one := range append(append([]named{q}, q.Statements...), q.TransactStatements...) {
		if statement, err := partiql.Parse(one.Statement); err == nil {
			table = request.TableName(statement.Table)
			list = append(list, o.config.Local.StatementPermission(statement))
		}
	}
	switch {
	case q.TableName != "":
		need(operation, q.TableName, q.IndexName)
	case q.StreamArn+q.ResourceArn != "":
		list = append(list, dynamodb.Permission{Action: operation, Resource: q.StreamArn + q.ResourceArn})
	case len(list) == 0:
		list = append(list, dynamodb.Permission{Action: operation, Resource: "*"})
	}
	return table, list
}

// isRefused tells whether an error is a refusal with a code.
func isRefused(err error, code string) bool {
	var refusal *attribute.Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// notice tells the user about an outside table.
func (o *Service) notice(table, text string, err error) {
	e := journal.Entry{Kind: journal.Noticed, Text: "table " + table + " at " + o.url.String() + ": " + text}
	if err != nil {
		e.Err = err.Error()
	}
	o.config.Journal.Publish(e)
}
