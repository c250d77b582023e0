package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

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

// eventConfigJSON is a FunctionEventInvokeConfig.
type eventConfigJSON struct {
	LastModified float64 `json:"LastModified"` // s since 1970
	FunctionArn  string  `json:"FunctionArn"`
	async.Settings
}

func describeEventConfig(fn Function, c async.EventConfig) eventConfigJSON {
	if c.DestinationConfig == nil {
		c.DestinationConfig = &async.Destinations{}
	}
	return eventConfigJSON{float64(c.Modified.UnixMilli()) / 1000, qualified(fn, c.Qualifier), c.Settings}
}

// qualified is the ARN of the version that a configuration is for.
func qualified(fn Function, qualifier string) string {
	if qualifier == "" {
		qualifier = latest
	}
	return fn.ARN() + ":" + qualifier
}

// serveEventConfig is Get-, Put-, Update- and DeleteFunctionEventInvokeConfig.
// What they change lasts until the template's resource is made again.
func (s *Handler) serveEventConfig(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEventConfig))
	if err != nil {
		return badContent("Could not read the request body")
	}
	action := eventConfigActions[r.Method]
	if err := s.authorize(r, body, "lambda:"+action+"FunctionEventInvokeConfig", s.target(name, r)); err != nil {
		return err
	}
	fn, qualifier, err := s.cfg.Functions.Function(name, r.URL.Query().Get("Qualifier"))
	if err == nil {
		_, err = fn.Version(qualifier)
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
	key, configs := unqualified(qualifier), fn.EventConfigs()
	var c async.EventConfig
	found := true
	switch action {
	case "Get":
		c, found = configs.Get(key)
	case "Put":
		c = configs.Put(key, next)
	case "Update":
		c, found = configs.Update(key, next)
	case "Delete":
		found = configs.Delete(key)
	}
	if !found {
		return &invoke.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException",
			Message: "The function " + qualified(fn, key) + " doesn't have an EventInvokeConfig"}
	}
	if action == "Delete" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	writeJSON(w, http.StatusOK, describeEventConfig(fn, c))
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
func (s *Handler) serveEventConfigs(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.authorize(r, []byte{}, "lambda:ListFunctionEventInvokeConfigs", s.target(name, r)); err != nil {
		return err
	}
	fn, _, err := s.cfg.Functions.Function(name, "")
	if err != nil {
		return err
	}
	query, limit := r.URL.Query(), pageOfEventConfigs
	if n, err := strconv.Atoi(query.Get("MaxItems")); err == nil && n > 0 {
		limit = min(n, limit)
	}
	list, next := []eventConfigJSON{}, any(nil)
	last := ""
	for _, c := range fn.EventConfigs().All() {
		if marker := query.Get("Marker"); marker != "" && c.Qualifier <= unqualified(marker) {
			continue
		}
		if len(list) == limit {
			next = last
			break
		}
		list = append(list, describeEventConfig(fn, c))
		if last = c.Qualifier; last == "" {
			last = latest
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"FunctionEventInvokeConfigs": list, "NextMarker": next})
	return nil
}

// latest is the qualifier of the unpublished function.
const latest = "$LATEST"

// unqualified takes $LATEST for the unqualified function.
func unqualified(qualifier string) string {
	if qualifier == latest {
		return ""
	}
	return qualifier
}
