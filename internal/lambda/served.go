package lambda

import (
	"net/http"

	"github.com/suiro-dev/suiro/internal/lambda/api"
	"github.com/suiro-dev/suiro/internal/lambda/async"
)

// ServeHTTP is Lambda's own API (package api).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

// served is the service as its API sees it.
type served struct{ *Service }

func (s served) Function(name, qualifier string) (api.Function, string, error) {
	fn, qualifier, err := s.resolve(name, qualifier)
	if err != nil {
		return nil, "", err
	}
	return servedFunction{fn}, qualifier, nil
}

func (s served) All() []api.Function {
	var out []api.Function
	for _, fn := range s.all() {
		out = append(out, servedFunction{fn})
	}
	return out
}

func (s served) Target(name, qualifier string) string {
	ref, _ := parseReference(name)
	resource := "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.AccountID + ":function:" + ref.name
	if fn := s.function(ref.name); fn != nil {
		resource = fn.arn
	}
	if ref.qualifier == "" {
		ref.qualifier = qualifier
	}
	if ref.qualifier != "" {
		resource += ":" + ref.qualifier
	}
	return resource
}

// servedFunction is one function as the API sees it.
type servedFunction struct{ fn *function }

func (f servedFunction) ARN() string                              { return f.fn.arn }
func (f servedFunction) Version(qualifier string) (string, error) { return f.fn.version(qualifier) }
func (f servedFunction) EventConfigs() *async.EventConfigs        { return f.fn.async }

func (f servedFunction) Configuration(qualifier, version string) api.Configuration {
	fn, rev := f.fn, f.fn.current()
	c := api.Configuration{
		FunctionName: fn.name, FunctionArn: fn.arn, Runtime: rev.runtime, Role: rev.role, Handler: rev.handler,
		Description: rev.description, Timeout: int(rev.timeout.Seconds()), MemorySize: rev.memorySize,
		LastModified: rev.modified.UTC().Format("2006-01-02T15:04:05.000+0000"), CodeSha256: rev.runnable.Hash,
		Version: version, PackageType: "Zip", Architectures: []string{rev.code.Architecture},
		State: "Active", LastUpdate: "Successful",
	}
	if qualifier != "" {
		c.FunctionArn += ":" + qualifier
	}
	if len(rev.variables) > 0 {
		c.Environment = &api.Variables{Variables: rev.variables}
	}
	return c
}
