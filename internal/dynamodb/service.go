// Package dynamodb is Amazon DynamoDB as a program sees it: the API over HTTP.
// The CloudFormation types AWS::DynamoDB::Table and ::GlobalTable are in
// internal/dynamodb/cloudformation.
//
// Requests are read and checked in internal/dynamodb/request, refused in the
// words of internal/dynamodb/message, answered with internal/dynamodb/answer;
// items live in internal/dynamodb/table, their
// changes in internal/dynamodb/stream, expressions in
// internal/dynamodb/expression, statements in internal/dynamodb/partiql,
// values in internal/dynamodb/attribute. This package brings them together: one
// file for each family of operations.
package dynamodb

import (
	"errors"
	"path/filepath"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/cloudformation"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

const (
	// StoreFile is the name of the store in Config.Dir.
	StoreFile = "tables.db"
	// expressionCache is how many parsed expressions are remembered: programs
	// send the same few over and over.
	expressionCache = 4096
)

// Config is what a Service needs.
type Config struct {
	// Store holds the tables. When it is nil the Service opens one in Dir and
	// closes it with itself.
	Store *store.Store
	Dir   string

	Region    string // "us-east-1" when empty
	AccountID string // "000000000000" when empty
	Partition string // "aws" when empty
	Journal   *journal.Journal
	// Authenticator verifies callers; nil takes every call as the owner's.
	Authenticator awsapi.Authenticator
	// Authorizer decides what callers may do; nil allows everything.
	Authorizer awsapi.Authorizer
}

// Service is one account's DynamoDB in one region. It is an http.Handler for
// both of its APIs, DynamoDB and DynamoDB Streams.
type Service struct {
	config      Config
	account     answer.Account
	store       *store.Store
	ownStore    bool
	tables      *table.Tables
	expressions *expression.Compiler
}

// New starts the service: work in the background (the sweep of expired items,
// the filling of new indexes) goes on until Close.
func New(c Config) (*Service, error) {
	for value, otherwise := range map[*string]string{&c.Region: "us-east-1", &c.AccountID: "000000000000", &c.Partition: "aws"} {
		if *value == "" {
			*value = otherwise
		}
	}
	s := &Service{config: c, account: answer.Account{Partition: c.Partition, Region: c.Region, ID: c.AccountID}, store: c.Store, expressions: expression.NewCompiler(expressionCache)}
	if s.store == nil {
		if c.Dir == "" {
			return nil, errors.New("dynamodb needs a store or a folder")
		}
		opened, err := store.Open(filepath.Join(c.Dir, StoreFile))
		if err != nil {
			return nil, err
		}
		s.store, s.ownStore = opened, true
	}
	tables, err := table.Open(s.store, table.Options{Failed: s.workFailed})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.tables = tables
	return s, nil
}

// Close ends the work in the background and, when the Service opened it, the
// store.
func (s *Service) Close() error {
	if s.tables != nil {
		s.tables.Close()
	}
	if s.ownStore {
		return s.store.Close()
	}
	return nil
}

func (s *Service) workFailed(err error) {
	s.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Text: "table work in the background failed and will be tried again", Err: err.Error()})
}

// Handlers are the CloudFormation types this service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{
		cloudformation.TableType:       s.handler(false),
		cloudformation.GlobalTableType: s.handler(true),
	}
}

func (s *Service) handler(global bool) *cloudformation.Handler {
	return &cloudformation.Handler{Tables: s.tables, Account: s.account, Global: global}
}
