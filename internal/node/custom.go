package node

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/cloudformation"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/lambda/api"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template/cdk"
)

// customType is a custom resource without a name of its own; the others begin
// with customPrefix.
const (
	customType   = "AWS::CloudFormation::CustomResource"
	customPrefix = "Custom::"
)

// custom runs custom resources whose function is one of the app's, and stands
// in for the others: those of other accounts, of topics, and CDK's own.
type custom struct {
	inert
	run       resource.Handler // nil for check
	functions *lambda.Service
	// admit opens the endpoints to clients: the function may be one, while the
	// stack waits for it.
	admit func()
}

// Check implements resource.Checker.
func (h custom) Check(spec resource.Spec) diag.List {
	if cdk.Helper(spec.Type) {
		return nil // its reader said what is missed
	}
	token := spec.Properties.Get("ServiceToken")
	if text := token.TextOr(""); !resource.Unknown(token) && text != "" && !strings.Contains(text, ":lambda:") && !strings.Contains(text, ":function:") {
		return diag.List{diag.Warningf(token.Pos, spec.LogicalID, "custom resource %s is not run: %s is no function of this app", spec.Type, text).
			WithHint("its ServiceToken may name a function; one that is told through an SNS topic is not supported")}
	}
	if token.IsNull() {
		return diag.List{diag.Errorf(spec.Pos, spec.LogicalID+".ServiceToken", "a custom resource needs the ARN of the function that runs it")}
	}
	return nil
}

// owner is who makes this resource.
func (h custom) owner(spec resource.Spec) resource.Handler {
	if cdk.Helper(spec.Type) || h.run == nil {
		return h.inert
	}
	if _, err := h.functions.Lookup(spec.Properties.Get("ServiceToken").TextOr(""), ""); err != nil {
		return h.inert
	}
	h.admit()
	return h.run
}

// Create implements resource.Handler.
func (h custom) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	return h.owner(spec).Create(ctx, spec)
}

// Update implements resource.Handler.
func (h custom) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, before *document.Node) (*resource.Instance, error) {
	return h.owner(spec).Update(ctx, spec, old, before)
}

// Delete implements resource.Handler.
func (h custom) Delete(ctx context.Context, spec resource.Spec, old *resource.Instance) error {
	return h.owner(spec).Delete(ctx, spec, old)
}

// responseHost is what the host of a ResponseURL looks like on AWS: a bucket.
func (s *services) responseHost() string {
	return "cloudformation-custom-resource-response-" + strings.ReplaceAll(s.region, "-", "") + ".s3.amazonaws.com"
}

// responseURL is where a function answers. AWS's own module for Node (cfn-response)
// ignores the URL's port, so that Node functions get AWS's name, which their
// connections find here; others may read no proxy variable, and get the port.
func (s *services) responseURL(functionARN, path string) string {
	if fn, err := s.lambda.Lookup(functionARN, ""); err == nil && strings.HasPrefix(fn.Runtime, "nodejs") {
		return "https://" + s.responseHost() + path
	}
	return s.awsAPI.URL("https") + path
}

// withResponses takes the answers of custom resources' functions out of what
// comes to the AWS endpoint.
func withResponses(responses *cloudformation.Service, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, cloudformation.ResponsePath) {
			responses.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// awsEndpoint is the endpoint of the AWS API, with the names it stands for.
func (s *services) awsEndpoint(router *awsapi.Router) front.Endpoint {
	hosts := []string{"sts.amazonaws.com", s.responseHost()}
	for _, service := range []string{"dynamodb", "streams.dynamodb", "lambda", "sts", "ssm", "secretsmanager"} {
		hosts = append(hosts, fmt.Sprintf("%s.%s.amazonaws.com", service, s.region))
	}
	return front.Endpoint{Resource: "aws", Kind: front.KindAWS, Handler: withResponses(s.custom, router), Direct: s.isDirect, Hosts: hosts}
}

// isDirect tells which calls are answered in one piece. The answers of outside
// tables are passed on as they come.
func (s *services) isDirect(line []byte) bool {
	return api.IsInvoke(line) || s.outside == nil && awsapi.IsCall(line)
}
