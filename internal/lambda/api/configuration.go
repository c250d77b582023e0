package api

import (
	"net/http"
	"strconv"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// Configuration is a FunctionConfiguration.
type Configuration struct {
	FunctionName  string     `json:"FunctionName"`
	FunctionArn   string     `json:"FunctionArn"`
	Runtime       string     `json:"Runtime"`
	Role          string     `json:"Role"`
	Handler       string     `json:"Handler"`
	Description   string     `json:"Description"`
	Timeout       int        `json:"Timeout"`
	MemorySize    int        `json:"MemorySize"`
	LastModified  string     `json:"LastModified"`
	CodeSha256    string     `json:"CodeSha256"`
	Version       string     `json:"Version"`
	Environment   *Variables `json:"Environment,omitempty"`
	PackageType   string     `json:"PackageType"`
	Architectures []string   `json:"Architectures"`
	State         string     `json:"State"`
	LastUpdate    string     `json:"LastUpdateStatus"`
}

// Variables are those of the function itself.
type Variables struct {
	Variables map[string]string `json:"Variables"`
}

// lookUp finds a function for one of the reading calls.
func (s *Handler) lookUp(r *http.Request, name, action string) (Configuration, error) {
	if err := s.authorize(r, []byte{}, action, s.target(name, r)); err != nil {
		return Configuration{}, err
	}
	fn, qualifier, err := s.cfg.Functions.Function(name, r.URL.Query().Get("Qualifier"))
	if err != nil {
		return Configuration{}, err
	}
	version, err := fn.Version(qualifier)
	if err != nil {
		return Configuration{}, err
	}
	return fn.Configuration(qualifier, version), nil
}

func (s *Handler) serveConfiguration(w http.ResponseWriter, r *http.Request, name string) error {
	c, err := s.lookUp(r, name, "lambda:GetFunctionConfiguration")
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, c)
	return nil
}

func (s *Handler) serveGet(w http.ResponseWriter, r *http.Request, name string) error {
	c, err := s.lookUp(r, name, "lambda:GetFunction")
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"Configuration": c, "Code": map[string]string{}, "Tags": map[string]string{}})
	return nil
}

func (s *Handler) serveList(w http.ResponseWriter, r *http.Request, _ string) error {
	if err := s.authorize(r, []byte{}, "lambda:ListFunctions", "*"); err != nil {
		return err
	}
	query := r.URL.Query()
	limit := pageOfFunctions
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return &invoke.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: "1 validation error detected: Value '" + text +
				"' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}
		}
		limit = min(n, limit)
	}
	list, next := []Configuration{}, any(nil)
	for _, fn := range s.cfg.Functions.All() {
		c := fn.Configuration("", latest)
		if c.FunctionName <= query.Get("Marker") {
			continue
		}
		if len(list) == limit {
			next = list[limit-1].FunctionName
			break
		}
		list = append(list, c)
	}
	writeJSON(w, http.StatusOK, map[string]any{"Functions": list, "NextMarker": next})
	return nil
}

// pageOfFunctions is the most functions of one answer (API reference,
// ListFunctions: 50, whatever MaxItems says).
const pageOfFunctions = 50
