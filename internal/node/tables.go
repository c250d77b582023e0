package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/dynamodb/outside"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

// ErrNoTables says that an app has stored no tables: it has not run yet.
var ErrNoTables = errors.New("no tables are stored")

// Tables are an app's tables, to look into: those of the app that runs, or
// those it left when it stopped. They are reached by the DynamoDB API.
type Tables struct {
	// Resources gives the table of each logical id; nil when the app does not
	// run.
	Resources map[string]string

	send  func(*http.Request) (*http.Response, error)
	aws   AWS
	close func() error
}

// OpenTables opens the tables of an app. Those of an app that has stopped are
// held until Close: the app cannot start meanwhile.
func OpenTables(o app.Options) (*Tables, error) {
	dir, err := app.FindState(o)
	if err != nil {
		return nil, err
	}
	if r, ok := Running(dir); ok {
		t := TablesAt(r.AWS)
		t.Resources = r.Resources
		return t, nil
	}
	settings, msgs := app.FindSettings(o)
	switch {
	case msgs.HasErrors():
		return nil, msgs
	case settings.Tables != "":
		key := outsideCredentials()
		region := o.Region
		if region == "" {
			region = app.DefaultRegion
		}
		return TablesAt(AWS{Endpoint: strings.TrimSuffix(settings.Tables, "/"), Region: region, AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}), nil
	}
	if _, err := os.Stat(filepath.Join(dir, dynamodb.StoreFile)); err != nil {
		return nil, fmt.Errorf("%w in %s", ErrNoTables, dir)
	}
	state, err := app.OpenState(dir)
	if err != nil {
		return nil, err
	}
	service, err := dynamodb.New(dynamodb.Config{Dir: dir})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the tables: %w", err), state.Close())
	}
	return &Tables{
		send:  direct{service}.send,
		aws:   AWS{Endpoint: "http://localhost", Region: app.DefaultRegion, AccessKeyID: "suiro", SecretAccessKey: "suiro"},
		close: func() error { return errors.Join(service.Close(), state.Close()) },
	}, nil
}

// openOutside makes the outside DynamoDB that the command line or the settings
// name; nil when neither does.
func openOutside(n *Node, s *services) (*outside.Service, error) {
	url := n.config.Tables
	if url == "" {
		url = n.app.Settings.Tables
	}
	if url == "" {
		return nil, nil
	}
	n.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Text: "tables are those at " + url})
	return outside.New(outside.Config{URL: url, Credentials: outsideCredentials(), Region: s.region, Local: s.dynamodb, Journal: n.config.Journal})
}

// tables is who answers for the app's tables.
func (s *services) tables() http.Handler {
	if s.outside != nil {
		return s.outside
	}
	return s.dynamodb
}

func (s *services) tableHandlers() map[string]resource.Handler {
	if s.outside != nil {
		return s.outside.Handlers()
	}
	return s.dynamodb.Handlers()
}

// outsideCredentials are those of the environment. Endpoints on this machine
// take any, so there need not be some.
func outsideCredentials() sigv4.Credentials {
	c := sigv4.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return sigv4.Credentials{AccessKeyID: "suiro", SecretAccessKey: "suiro"}
	}
	return c
}

// TablesAt are the tables that an endpoint offers.
func TablesAt(aws AWS) *Tables {
	return &Tables{send: http.DefaultClient.Do, aws: aws, close: func() error { return nil }}
}

// Close lets go of the tables.
func (t *Tables) Close() error { return t.close() }

// APIError is a refusal by the DynamoDB API.
type APIError struct {
	Name    string // such as ResourceNotFoundException
	Message string
}

func (e *APIError) Error() string { return e.Name + ": " + e.Message }

// Call calls an operation. The error is an *APIError when it is refused.
func (t *Tables) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.aws.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: t.aws.AccessKeyID, SecretAccessKey: t.aws.SecretAccessKey}, t.aws.Region, "dynamodb", body, time.Now())
	res, err := t.send(r)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return refusal(operation, res)
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s: the answer is no JSON: %w", operation, err)
	}
	return nil
}

func refusal(operation string, res *http.Response) error {
	var e struct {
		Type    string `json:"__type"`
		Message string // also "message"
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &e) != nil || e.Type == "" {
		return fmt.Errorf("%s: the endpoint answers %s", operation, res.Status)
	}
	name := e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	return &APIError{name, e.Message}
}

// direct calls a handler without a network.
type direct struct{ http.Handler }

func (d direct) send(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	d.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: io.NopCloser(&w.body),
	}, nil
}
