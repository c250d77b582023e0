package trigger

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/api"
)

// Path is where the API of event source mappings begins.
const Path = "/2015-03-31/event-source-mappings"

// maxBody bounds a request; the largest is one with ten filters of 4 KB.
const maxBody = 1 << 20

// ServeHTTP is the part of Lambda's API that is about mappings.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", awsapi.NewRequestID())
	uuid := strings.Trim(strings.TrimPrefix(r.URL.Path, Path), "/")
	status, answer, err := s.answer(r, uuid)
	if err != nil {
		api.WriteError(w, err)
		return
	}
	data, err := json.Marshal(answer)
	if err != nil {
		api.WriteError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (s *Service) answer(r *http.Request, uuid string) (int, any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return 0, nil, err
	}
	var q request
	call := map[string]func(*http.Request, string, request) (int, any, error){
		"POST": s.create, "GET": s.get, "PUT": s.update, "DELETE": s.delete,
	}[r.Method]
	switch {
	case uuid == "" && r.Method == http.MethodGet:
		call = s.describe
	case call == nil || (uuid == "") != (r.Method == http.MethodPost):
		return 0, nil, refuse(http.StatusNotFound, "UnknownOperationException", "Suiro does not serve "+r.Method+" "+r.URL.Path+" of the Lambda API")
	}
	if err := s.authorize(r, body, uuid); err != nil {
		return 0, nil, err
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &q); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: "+err.Error())
		}
	}
	return call(r, uuid, q)
}

func refuse(status int, code, text string) *invoke.Error {
	return &invoke.Error{Status: status, Code: code, Message: text}
}

func (s *Service) authorize(r *http.Request, body []byte, uuid string) error {
	if s.cfg.Authenticator == nil {
		return nil
	}
	caller, err := s.cfg.Authenticator.Authenticate(r, "lambda", body)
	if err != nil || s.cfg.Authorizer == nil {
		return err
	}
	action, on := map[string]string{"POST": "Create", "GET": "Get", "PUT": "Update", "DELETE": "Delete"}[r.Method]+"EventSourceMapping", "*"
	if uuid != "" {
		on = s.arn(settings{UUID: uuid})
	} else if r.Method == http.MethodGet {
		action = "ListEventSourceMappings"
	}
	return s.cfg.Authorizer.Authorize(caller, "lambda:"+action, on)
}

// request is the input of CreateEventSourceMapping and Update…; what is nil
// was not given.
type request struct {
	EventSourceArn                 *string
	FunctionName                   *string
	Enabled                        *bool
	StartingPosition               *string
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	ParallelizationFactor          *int
	MaximumRetryAttempts           *int
	MaximumRecordAgeInSeconds      *int
	BisectBatchOnFunctionError     *bool
	TumblingWindowInSeconds        *int
	FunctionResponseTypes          *[]string
	FilterCriteria                 *filterCriteria
	DestinationConfig              *destinationConfig
}

type filterCriteria struct {
	Filters []filter `json:"Filters"`
}

type filter struct {
	Pattern string `json:"Pattern"`
}

type destinationConfig struct {
	OnFailure destination `json:"OnFailure"`
}

type destination struct {
	Destination string `json:"Destination,omitempty"`
}

// apply gives settings what a request asks for.
func (q request) apply(set *settings) {
	give(&set.Source, q.EventSourceArn)
	give(&set.Function, q.FunctionName)
	give(&set.Enabled, q.Enabled)
	give(&set.StartingPosition, q.StartingPosition)
	give(&set.BatchSize, q.BatchSize)
	give(&set.Window, q.MaximumBatchingWindowInSeconds)
	give(&set.ParallelizationFactor, q.ParallelizationFactor)
	give(&set.Retries, q.MaximumRetryAttempts)
	give(&set.MaxAge, q.MaximumRecordAgeInSeconds)
	give(&set.Bisect, q.BisectBatchOnFunctionError)
	give(&set.Tumbling, q.TumblingWindowInSeconds)
	if q.FunctionResponseTypes != nil {
		set.PartialFailures = false
		for _, t := range *q.FunctionResponseTypes {
			set.PartialFailures = set.PartialFailures || t == reportFailures
		}
	}
	if q.FilterCriteria != nil {
		set.Filters = nil
		for _, f := range q.FilterCriteria.Filters {
			set.Filters = append(set.Filters, f.Pattern)
		}
	}
	if q.DestinationConfig != nil {
		set.OnFailure = q.DestinationConfig.OnFailure.Destination
	}
}

func give[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

func (s *Service) create(r *http.Request, _ string, q request) (int, any, error) {
	set := defaults()
	q.apply(&set)
	set.UUID, set.Modified = awsapi.NewRequestID(), time.Now()
	switch {
	case set.Source == "":
		return 0, nil, refuse(http.StatusBadRequest, wrongValue, "Unrecognized event source.")
	case set.Function == "":
		return 0, nil, refuse(http.StatusBadRequest, validation, detected+"Value null at 'functionName'"+unsatisfied+"Member must not be null")
	}
	set, err := s.accept(set)
	if err != nil {
		return 0, nil, err
	}
	if err := s.keep(r.Context(), set); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, s.configuration(s.add(set), "Creating"), nil
}

// accept makes the checks of settings that the API got.
func (s *Service) accept(set settings) (settings, error) {
	if problem := set.check(); problem != nil {
		return set, refuse(http.StatusBadRequest, problem.code, problem.text)
	}
	if !set.runs() {
		return set, refuse(http.StatusNotImplemented, "ServiceException", "Suiro does not run "+set.service()+"; only DynamoDB streams are event sources here")
	}
	set, refused := s.settle(set)
	if refused != nil {
		return set, refused
	}
	if _, err := s.cfg.Stream(set.Source); err != nil {
		return set, refuse(http.StatusBadRequest, wrongValue, "Stream not found: "+set.Source)
	}
	return set, nil
}

var errNoMapping = &invoke.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "The resource you requested does not exist."}

func (s *Service) get(_ *http.Request, uuid string, _ request) (int, any, error) {
	m := s.find(uuid)
	if m == nil {
		return 0, nil, errNoMapping
	}
	return http.StatusOK, s.configuration(m, ""), nil
}

func (s *Service) update(r *http.Request, uuid string, q request) (int, any, error) {
	m := s.find(uuid)
	if m == nil {
		return 0, nil, errNoMapping
	}
	set := m.settings()
	// The source and its starting position are for good.
	q.EventSourceArn, q.StartingPosition = nil, nil
	q.apply(&set)
	set.Modified = time.Now()
	set, err := s.accept(set)
	if err != nil {
		return 0, nil, err
	}
	if set.Resource == "" {
		if err := s.keep(r.Context(), set); err != nil {
			return 0, nil, err
		}
	}
	m.replace(set)
	return http.StatusAccepted, s.configuration(m, "Updating"), nil
}

func (s *Service) delete(r *http.Request, uuid string, _ request) (int, any, error) {
	m := s.find(uuid)
	if m == nil {
		return 0, nil, errNoMapping
	}
	return http.StatusAccepted, s.configuration(m, "Deleting"), s.remove(r.Context(), m)
}

const maxItems = 100

func (s *Service) describe(r *http.Request, _ string, _ request) (int, any, error) {
	query := r.URL.Query()
	limit := maxItems
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return 0, nil, refuse(http.StatusBadRequest, validation, detected+"Value '"+text+"' at 'maxItems'"+unsatisfied+"Member must have value greater than or equal to 1")
		}
		limit = min(n, maxItems)
	}
	function := query.Get("FunctionName")
	if function != "" {
		fn, err := s.cfg.Functions.Lookup(function, "")
		var refused *invoke.Error
		if errors.As(err, &refused) {
			return 0, nil, refused
		}
		function = fn.ARN
	}
	page := struct {
		EventSourceMappings []configuration
		NextMarker          *string `json:",omitempty"`
	}{EventSourceMappings: []configuration{}}
	s.mu.Lock()
	all := s.list()
	s.mu.Unlock()
	for _, m := range all {
		set := m.settings()
		switch {
		case set.UUID <= query.Get("Marker"),
			query.Get("EventSourceArn") != "" && query.Get("EventSourceArn") != set.Source,
			function != "" && function != set.Function && !strings.HasPrefix(set.Function, function+":"):
			continue
		case len(page.EventSourceMappings) == limit:
			marker := page.EventSourceMappings[limit-1].UUID
			page.NextMarker = &marker
			return http.StatusOK, page, nil
		}
		page.EventSourceMappings = append(page.EventSourceMappings, s.configuration(m, ""))
	}
	return http.StatusOK, page, nil
}

// configuration is an EventSourceMappingConfiguration.
type configuration struct {
	BatchSize                      int
	BisectBatchOnFunctionError     bool
	DestinationConfig              destinationConfig
	EventSourceArn                 string
	EventSourceMappingArn          string
	FilterCriteria                 *filterCriteria `json:",omitempty"`
	FunctionArn                    string
	FunctionResponseTypes          []string
	LastModified                   float64
	LastProcessingResult           string
	MaximumBatchingWindowInSeconds int
	MaximumRecordAgeInSeconds      int
	MaximumRetryAttempts           int
	ParallelizationFactor          int
	StartingPosition               string
	State                          string
	StateTransitionReason          string
	TumblingWindowInSeconds        int
	UUID                           string
}

// configuration describes a mapping; passing is the state it is about to
// leave, "" when it has left it.
func (s *Service) configuration(m *mapping, passing string) configuration {
	m.mu.Lock()
	set, last := m.set, m.lastResult
	m.mu.Unlock()
	c := configuration{
		BatchSize: set.BatchSize, BisectBatchOnFunctionError: set.Bisect,
		DestinationConfig: destinationConfig{destination{set.OnFailure}},
		EventSourceArn:    set.Source, EventSourceMappingArn: s.arn(set), FunctionArn: set.Function,
		FunctionResponseTypes: []string{}, LastModified: float64(set.Modified.UnixMilli()) / 1000, LastProcessingResult: last,
		MaximumBatchingWindowInSeconds: set.Window, MaximumRecordAgeInSeconds: set.MaxAge, MaximumRetryAttempts: set.Retries,
		ParallelizationFactor: set.ParallelizationFactor, StartingPosition: set.StartingPosition,
		State: passing, StateTransitionReason: "User action", TumblingWindowInSeconds: set.Tumbling, UUID: set.UUID,
	}
	if set.PartialFailures {
		c.FunctionResponseTypes = []string{reportFailures}
	}
	if len(set.Filters) > 0 {
		c.FilterCriteria = new(filterCriteria)
		for _, text := range set.Filters {
			c.FilterCriteria.Filters = append(c.FilterCriteria.Filters, filter{text})
		}
	}
	if c.State == "" {
		if c.State = "Disabled"; set.Enabled {
			c.State = "Enabled"
		}
	}
	return c
}
