package lambda

import (
	"io"
	"regexp"
	"testing"
	"time"
)

func TestEventInvokeConfigAPI(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.create("One", "Version", `{FunctionName: fn}`)
	p.create("Live", "Alias", `{FunctionName: fn, FunctionVersion: "1", Name: live}`)
	const (
		path  = "/2019-09-25/functions/fn/event-invoke-config"
		arn   = `arn:aws:lambda:eu-west-1:123456789012:function:fn:`
		began = `{"LastModified":0,"FunctionArn":"` + arn
		none  = `"DestinationConfig":{"OnSuccess":{},"OnFailure":{}}}`
	)
	when := regexp.MustCompile(`"LastModified":[0-9.]+`)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", path, "", 404, `{"Type":"User","Message":"The function ` + arn + `$LATEST doesn't have an EventInvokeConfig"}`},
		{"POST", path, `{"MaximumRetryAttempts":1}`, 404, `{"Type":"User","Message":"The function ` + arn + `$LATEST doesn't have an EventInvokeConfig"}`},
		{"PUT", path, `{}`, 400, `{"Type":"User","message":"You must specify at least one of error handling or destination setting."}`},
		{"PUT", path, `{"MaximumRetryAttempts":3}`, 400,
			`{"Type":"User","message":"1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2"}`},
		{"PUT", path, `{"MaximumEventAgeInSeconds":59}`, 400,
			`{"Type":"User","message":"1 validation error detected: Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60"}`},
		{"PUT", "/2019-09-25/functions/nope/event-invoke-config", `{"MaximumRetryAttempts":1}`, 404, `{"Type":"User","Message":"The function doesn't exist."}`},
		{"PUT", path, `{"MaximumRetryAttempts":0}`, 200, began + `$LATEST","MaximumRetryAttempts":0,` + none},
		{"POST", path, `{"MaximumEventAgeInSeconds":60}`, 200, began + `$LATEST","MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,` + none},
		{"PUT", path + "?Qualifier=live", `{"MaximumEventAgeInSeconds":90}`, 200, began + `live","MaximumEventAgeInSeconds":90,` + none},
		{"GET", path + "/list?MaxItems=1", "", 200,
			`{"FunctionEventInvokeConfigs":[` + began + `$LATEST","MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,` + none + `],"NextMarker":"$LATEST"}`},
		{"GET", path + "/list?Marker=$LATEST", "", 200, `{"FunctionEventInvokeConfigs":[` + began + `live","MaximumEventAgeInSeconds":90,` + none + `],"NextMarker":null}`},
		{"PUT", path, `{"MaximumRetryAttempts":1}`, 200, began + `$LATEST","MaximumRetryAttempts":1,` + none},
		{"DELETE", path + "?Qualifier=live", "", 204, ""},
		{"GET", path + "?Qualifier=live", "", 404, `{"Type":"User","Message":"The function ` + arn + `live doesn't have an EventInvokeConfig"}`},
	} {
		res := p.http(c.method, c.path, c.body)
		body, _ := io.ReadAll(res.Body)
		if got := when.ReplaceAllString(string(body), `"LastModified":0`); res.StatusCode != c.status || got != c.want {
			t.Errorf("%s %s %s: %d %s\nwant %d %s", c.method, c.path, c.body, res.StatusCode, got, c.status, c.want)
		}
	}
	if got := p.policy("fn", ""); got.Retries != 1 || got.MaxAge != 6*time.Hour {
		t.Errorf("events are treated by %+v", got)
	}
}
