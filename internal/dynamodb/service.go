// Package dynamodb is Amazon DynamoDB as a program sees it: the API over HTTP
// and the CloudFormation types AWS::DynamoDB::Table and ::GlobalTable. Items
// live in internal/dynamodb/table, expressions in internal/dynamodb/expression,
// values in internal/dynamodb/attribute.
package dynamodb

import (
	"errors"
	"net/http"
	"path/filepath"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

// storeFile is the name of the store in Config.Dir.
const storeFile = "tables.db"

// Config is what a Service needs.
type Config struct {
	// Store holds the tables. When it is nil the Service opens one in Dir and
	// closes it with itself.
	Store *store.Store
	Dir   string

	Region    string // "us-east-1" when empty
	AccountID string // "000000000000" when empty
	Journal   *journal.Journal
	// Authenticator verifies callers; nil takes every call as the owner's.
	Authenticator awsapi.Authenticator
	// Authorizer decides what callers may do; nil allows everything.
	Authorizer awsapi.Authorizer
}

// Service is one account's DynamoDB in one region. It is an http.Handler for
// both of its APIs, DynamoDB and DynamoDB Streams.
type Service struct {
	config   Config
	store    *store.Store
	ownStore bool
}

// New starts the service: the sweeper of expired items runs until Close.
func New(c Config) (*Service, error) {
	s := &Service{config: c, store: c.Store}
	if s.store == nil {
		if c.Dir == "" {
			return nil, errors.New("dynamodb needs a store or a folder")
		}
		opened, err := store.Open(filepath.Join(c.Dir, storeFile))
		if err != nil {
			return nil, err
		}
		s.store, s.ownStore = opened, true
	}
	return s, nil
}

// Close ends the service after the calls that run.
func (s *Service) Close() error {
	if s.ownStore {
		return s.store.Close()
	}
	return nil
}

// ServeHTTP answers one API call.
func (s *Service) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotImplemented)
}

// Handlers are the CloudFormation types this service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{}
}
