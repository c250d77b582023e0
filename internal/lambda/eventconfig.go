package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/async"
)

const (
	eventConfigPath = "/2019-09-25/functions/"
	// maxEventConfig bounds a request: two ARNs of 350 bytes and two numbers.
	maxEventConfig = 16 << 10
	// pageOfEventConfigs is the most that one answer lists.
	pageOfEventConfigs = 50
)

var eventConfigActions = map[string]string{
	http.MethodGet: "Get", http.MethodPut: "Put", http.MethodPost: "Update", http.MethodDelete: "Delete",
}

// eventConfig is an EventInvokeConfig that exists.
type eventConfig struct {
	async.Settings
	modified time.Time
}

// eventConfigJSON is a FunctionEventInvokeConfig.
type eventConfigJSON struct {
	LastModified float64 `json:"LastModified"` // s since 1970
	FunctionArn  string  `json:"FunctionArn"`
	async.Settings
}

func (fn *function) eventConfigJSON(qualifier string, c eventConfig) eventConfigJSON {
	if c.DestinationConfig == nil {
		c.DestinationConfig = &async.Destinations{}
	}
	if qualifier == "" {
		qualifier = latest
	}
	return eventConfigJSON{float64(c.modified.UnixMilli()) / 1000, fn.arn + ":" + qualifier, c.Settings}
}

// serveEventConfig is Get-, Put-, Update- and DeleteFunctionEventInvokeConfig.
// What they change lasts until the template's resource is made again.
func (s *Service) serveEventConfig(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEventConfig))
	if err != nil {
		return badContent("Could not read the request body")
	}
	action := eventConfigActions[r.Method]
	if err := s.authorize(r, body, "lambda:"+action+"FunctionEventInvokeConfig", s.target(name, r)); err != nil {
		return err
	}
	fn, qualifier, err := s.resolve(name, r.URL.Query().Get("Qualifier"))
	if err == nil {
		_, err = fn.version(qualifier)
	}
	var refused *invoke.Error
	if errors.As(err, &refused) && refused.Code == "ResourceNotFoundException" && action == "Put" {
		return &invoke.Error{Status: refused.Status, Code: refused.Code, Message: "The function doesn't exist."}
	}
	if err != nil {
		return err
	}
	var next async.Settings
	if action == "Put" || action == "Update" {
		if next, err = readEventConfig(body); err != nil {
			return err
		}
	}
	fn.mu.Lock()
	defer fn.mu.Unlock()
	key := unqualified(qualifier)
	c, ok := fn.async[key]
	if !ok && action != "Put" {
		return &invoke.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException",
			Message: "The function " + fn.eventConfigJSON(key, c).FunctionArn + " doesn't have an EventInvokeConfig"}
	}
	switch action {
	case "Delete":
		delete(fn.async, key)
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Put":
		c = eventConfig{next, time.Now()}
	case "Update":
		c = eventConfig{c.With(next), time.Now()}
	}
	fn.async[key] = c
	writeJSON(w, http.StatusOK, fn.eventConfigJSON(key, c))
	return nil
}

func readEventConfig(body []byte) (next async.Settings, err error) {
	if err := json.Unmarshal(body, &next); err != nil {
		return next, badContent("Could not parse request body into json: " + err.Error())
	}
	if text := next.Fault(); text != "" {
		return next, &invoke.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: text}
	}
	if next == (async.Settings{}) {
		return next, &invoke.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException",
			Message: "You must specify at least one of error handling or destination setting."}
	}
	return next, nil
}

// serveEventConfigs is ListFunctionEventInvokeConfigs.
func (s *Service) serveEventConfigs(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.authorize(r, []byte{}, "lambda:ListFunctionEventInvokeConfigs", s.target(name, r)); err != nil {
		return err
	}
	fn, _, err := s.resolve(name, "")
	if err != nil {
		return err
	}
	query, limit := r.URL.Query(), pageOfEventConfigs
	if n, err := strconv.Atoi(query.Get("MaxItems")); err == nil && n > 0 {
		limit = min(n, limit)
	}
	fn.mu.Lock()
	defer fn.mu.Unlock()
	list, next := []eventConfigJSON{}, any(nil)
	for _, q := range slices.Sorted(maps.Keys(fn.async)) {
		if marker := query.Get("Marker"); marker != "" && q <= unqualified(marker) {
			continue
		}
		if len(list) == limit {
			ref, _ := parseReference(list[limit-1].FunctionArn)
			next = ref.qualifier
			break
		}
		list = append(list, fn.eventConfigJSON(q, fn.async[q]))
	}
	writeJSON(w, http.StatusOK, map[string]any{"FunctionEventInvokeConfigs": list, "NextMarker": next})
	return nil
}
