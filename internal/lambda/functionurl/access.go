package functionurl

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
)

const (
	actionURL      = "lambda:InvokeFunctionUrl"
	actionFunction = "lambda:InvokeFunction"
)

// forbidden is the refusal of a caller whom no policy allows, or who did not
// sign (Developer Guide, "Control access to Lambda function URLs").
var forbidden = &awsapi.Error{Status: http.StatusForbidden, Code: "AccessDeniedException",
	Message: "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}

// admit finds out who calls and whether they may. Errors are *awsapi.Error.
func (c *call) admit(body []byte) error {
	cfg := &c.url.service.cfg
	if c.set.authType == authIAM && cfg.Authenticator != nil {
		caller, err := cfg.Authenticator.Authenticate(c.r, "lambda", body)
		var refusal *awsapi.Error
		if errors.As(err, &refusal) && refusal.Code == "MissingAuthenticationTokenException" {
			return forbidden
		}
		if err != nil {
			return err
		}
		c.caller = caller
	}
	viaURL, direct := cfg.Functions.PermitsURL(c.set.function, c.set.qualifier, c.set.authType, c.caller)
	arn := c.set.function
	if c.set.qualifier != "" {
		arn += ":" + c.set.qualifier
	}
	if !c.may(actionURL, arn, "lambda:FunctionUrlAuthType", c.set.authType, viaURL) {
		c.explain(actionURL, fmt.Sprintf("FunctionUrlAuthType: %s", c.set.authType))
		return forbidden
	}
	if !c.may(actionFunction, arn, "lambda:InvokedViaFunctionUrl", "true", direct) {
		c.explain(actionFunction, "InvokedViaFunctionUrl: true")
		if cfg.Strict {
			return forbidden
		}
	}
	return nil
}

// may decides about one action, with one condition key: within an account the
// function's policy or the caller's own may allow, and the caller's may deny.
func (c *call) may(action, arn, key, value string, permitted bool) bool {
	z := c.url.service.cfg.Authorizer
	if c.caller.ARN == "" || z == nil {
		return permitted || c.set.authType == authIAM
	}
	keys := map[string][]string{key: {value}}
	if permitted {
		return !z.Forbids(c.caller, action, arn, keys)
	}
	return z.AuthorizeWith(c.caller, action, arn, keys) == nil
}

// explain tells the developer, once, what a caller without a signature lacks;
// for the others the authorizer did.
func (c *call) explain(action, condition string) {
	if c.caller.ARN != "" || !c.set.noted.CompareAndSwap(false, true) {
		return
	}
	consequence := "calls are refused"
	if action == actionFunction && !c.url.service.cfg.Strict {
		consequence = "AWS refuses calls since November 2026, Suiro lets them pass"
	}
	c.url.service.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: c.url.logicalID,
		Text: fmt.Sprintf(`%s: add an AWS::Lambda::Permission with Action: %s, Principal: "*" and %s`, consequence, action, condition)})
}
