package ssm

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// ServeHTTP answers the API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

func (s *Service) operations() map[string]func(awsapi.Caller, []byte) (any, error) {
	return map[string]func(awsapi.Caller, []byte) (any, error){
		"GetParameter":        s.getParameter,
		"GetParameters":       s.getParameters,
		"GetParametersByPath": s.getParametersByPath,
		"PutParameter":        s.putParameter,
		"DeleteParameter":     s.deleteParameter,
		"DeleteParameters":    s.deleteParameters,
	}
}

func refusal(code, message string) error {
	return &awsapi.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// authorize checks the caller's right to a parameter or a path.
func (s *Service) authorize(c awsapi.Caller, action, name string) error {
	if s.config.Authorizer == nil {
		return nil
	}
	resource := s.arn(beforeSelector(name))
	if strings.HasPrefix(name, "arn:") {
		resource = name
	}
	return s.config.Authorizer.Authorize(c, "ssm:"+action, resource)
}

// shape is a parameter in an answer. Dates are seconds since 1970.
type shape struct {
	Name             string
	Type             string
	Value            string
	Version          int
	Selector         string `json:",omitempty"`
	LastModifiedDate float64
	ARN              string
	DataType         string
}

func (s *Service) shape(asked, name string, p *parameter, v value, decrypt bool) shape {
	out := shape{Name: name, Type: p.Type, Value: p.shown(v, decrypt), Version: v.Version,
		LastModifiedDate: float64(v.Modified.UnixMilli()) / 1000, ARN: s.arn(name), DataType: p.DataType}
	if out.DataType == "" {
		out.DataType = "text"
	}
	if i := strings.LastIndexByte(asked, ':'); i > 0 && !strings.HasPrefix(asked, "arn:") {
		out.Selector = asked[i:]
	}
	return out
}

func (s *Service) getParameter(c awsapi.Caller, body []byte) (any, error) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if err := s.authorize(c, "GetParameter", in.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, p, v, ok := s.find(in.Name)
	if !ok {
		if s.parameters[name] != nil {
			return nil, refusal("ParameterVersionNotFound", "Systems Manager could not find version "+strings.TrimPrefix(in.Name, name+":")+" of "+name+". Verify the version and try again.")
		}
		return nil, refusal("ParameterNotFound", "")
	}
	return map[string]any{"Parameter": s.shape(in.Name, name, p, v, in.WithDecryption)}, nil
}

func (s *Service) getParameters(c awsapi.Caller, body []byte) (any, error) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if len(in.Names) == 0 || len(in.Names) > 10 {
		return nil, refusal("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	for _, n := range in.Names {
		if err := s.authorize(c, "GetParameters", n); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, invalid := []shape{}, []string{}
	for _, asked := range in.Names {
		if name, p, v, ok := s.find(asked); ok {
			found = append(found, s.shape(asked, name, p, v, in.WithDecryption))
		} else {
			invalid = append(invalid, asked)
		}
	}
	return map[string]any{"Parameters": found, "InvalidParameters": invalid}, nil
}

// getParametersByPath lists what lies below a path, in pages of at most ten.
// The token is the position in the list of names.
func (s *Service) getParametersByPath(c awsapi.Caller, body []byte) (any, error) {
	var in struct {
		Path             string
		Recursive        bool
		WithDecryption   bool
		MaxResults       int
		NextToken        string
		ParameterFilters []any
	}
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	switch {
	case !strings.HasPrefix(in.Path, "/"):
		return nil, refusal("ValidationException", "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.")
	case len(in.ParameterFilters) > 0:
		return nil, refusal("InvalidFilterKey", "Suiro does not filter parameters")
	case in.MaxResults < 0 || in.MaxResults > 10:
		return nil, refusal("ValidationException", "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 10")
	case in.MaxResults == 0:
		in.MaxResults = 10
	}
	if err := s.authorize(c, "GetParametersByPath", in.Path); err != nil {
		return nil, err
	}
	after := 0
	if in.NextToken != "" {
		var err error
		if after, err = strconv.Atoi(in.NextToken); err != nil || after < 0 {
			return nil, refusal("InvalidNextToken", "The specified token isn't valid.")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	below := strings.TrimSuffix(in.Path, "/") + "/"
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.parameters)), func(name string) bool {
		rest, ok := strings.CutPrefix(name, below)
		return !ok || !in.Recursive && strings.Contains(rest, "/")
	})
	out := map[string]any{}
	page := []shape{}
	for i := after; i < len(names); i++ {
		if len(page) == in.MaxResults {
			out["NextToken"] = strconv.Itoa(i)
			break
		}
		p := s.parameters[names[i]]
		page = append(page, s.shape("", names[i], p, p.last(), in.WithDecryption))
	}
	out["Parameters"] = page
	return out, nil
}

func (s *Service) putParameter(c awsapi.Caller, body []byte) (any, error) {
	var in struct {
		Name, Value, Type, Description, DataType, Tier string
		Overwrite                                      bool
	}
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if err := s.authorize(c, "PutParameter", in.Name); err != nil {
		return nil, err
	}
	if problem := badName(in.Name); problem != "" {
		return nil, refusal("ValidationException", problem)
	}
	if in.Value == "" {
		return nil, refusal("ValidationException", "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if len(in.Value) > maxStandard && in.Tier != "Advanced" && in.Tier != "Intelligent-Tiering" {
		return nil, refusal("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[in.Name]
	switch {
	case p != nil && !in.Overwrite:
		return nil, refusal("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case p == nil && in.Type == "":
		return nil, refusal("ValidationException", "A parameter type is required when you create a parameter.")
	case in.Type != "" && in.Type != typeString && in.Type != typeList && in.Type != typeSecure:
		return nil, refusal("ValidationException", "1 validation error detected: Value '"+in.Type+"' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]")
	case p == nil:
		p = &parameter{Type: in.Type}
	case in.Type != "":
		p.Type = in.Type
	}
	p.Description, p.DataType = in.Description, in.DataType
	if err := s.put(in.Name, p, in.Value); err != nil {
		return nil, err
	}
	return map[string]any{"Version": p.last().Version, "Tier": "Standard"}, nil
}

// maxStandard is the longest value of the standard tier.
const maxStandard = 4096

// badName says what is wrong with a new parameter's name, or "".
func badName(name string) string {
	const symbols = "Parameter name must not be empty and may only contain letters, numbers and the symbols . - _ /"
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/") != "" {
		return symbols
	}
	if first := strings.ToLower(strings.TrimPrefix(name, "/")); strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm") {
		return "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"
	}
	if strings.Contains(strings.TrimPrefix(name, "/"), "/") && !strings.HasPrefix(name, "/") {
		return "Parameter name must be a fully qualified name."
	}
	return ""
}

func (s *Service) deleteParameter(c awsapi.Caller, body []byte) (any, error) {
	var in struct{ Name string }
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if err := s.authorize(c, "DeleteParameter", in.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parameters[in.Name] == nil {
		return nil, refusal("ParameterNotFound", "")
	}
	delete(s.parameters, in.Name)
	return struct{}{}, s.save()
}

func (s *Service) deleteParameters(c awsapi.Caller, body []byte) (any, error) {
	var in struct{ Names []string }
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	for _, n := range in.Names {
		if err := s.authorize(c, "DeleteParameters", n); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	deleted, invalid := []string{}, []string{}
	for _, n := range in.Names {
		if s.parameters[n] == nil {
			invalid = append(invalid, n)
			continue
		}
		delete(s.parameters, n)
		deleted = append(deleted, n)
	}
	return map[string]any{"DeletedParameters": deleted, "InvalidParameters": invalid}, s.save()
}
