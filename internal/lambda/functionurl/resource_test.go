package functionurl

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/invoke"
)

func TestURLResource(t *testing.T) {
	p := newPlace(t, anonymous)
	i, err := p.create("Second", "{TargetFunctionArn: '"+functionARN+"', Qualifier: live, AuthType: NONE}")
	if err != nil {
		t.Fatal(err)
	}
	if i.PhysicalID != functionARN+":live" || i.Attr("FunctionArn") != i.PhysicalID ||
		!regexp.MustCompile(`^https://[a-z2-7]{32}\.lambda-url\.eu-west-1\.on\.aws/$`).MatchString(i.Attr("FunctionUrl")) {
		t.Errorf("%+v", i)
	}
	if all := p.service.Endpoints(); len(all) != 2 || !strings.HasSuffix(all[0].URL, "/") {
		t.Errorf("endpoints %+v", all)
	}
	h := p.service.Handlers()[Type]
	spec := specOf(t, "Second", "{TargetFunctionArn: '"+functionARN+":live', AuthType: NONE, InvokeMode: RESPONSE_STREAM}")
	changed, err := h.Update(context.Background(), spec, i, nil)
	if err != nil || changed.Attr("FunctionUrl") != i.Attr("FunctionUrl") || changed.PhysicalID != i.PhysicalID {
		t.Errorf("%+v, %v", changed, err)
	}
	p.answer = result("text/plain", "streamed", invoke.End{})
	if got := p.do("GET", "/", ""); got.body != "streamed" {
		t.Errorf("after the update %+v", got)
	}
	if err := h.Delete(context.Background(), spec, changed); err != nil || len(p.service.Endpoints()) != 1 {
		t.Errorf("%v, endpoints %+v", err, p.service.Endpoints())
	}
	if err := h.Delete(context.Background(), spec, changed); err != nil {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestURLChecks(t *testing.T) {
	p := newPlace(t, anonymous)
	for properties, want := range map[string]string{
		`{TargetFunctionArn: fn, AuthType: NONE}`:                                                        "has a URL already",
		`{TargetFunctionArn: other, AuthType: NONE}`:                                                     "no function other",
		`{TargetFunctionArn: 'fn:live', AuthType: PUBLIC}`:                                               "must be NONE or AWS_IAM",
		`{TargetFunctionArn: 'fn:live', AuthType: NONE, InvokeMode: STREAM}`:                             "must be BUFFERED or RESPONSE_STREAM",
		`{TargetFunctionArn: fn, Qualifier: '12', AuthType: NONE}`:                                       `not for "12"`,
		`{TargetFunctionArn: fn, Qualifier: $LATEST, AuthType: NONE}`:                                    `not for "$LATEST"`,
		`{TargetFunctionArn: 'fn:live', AuthType: NONE, Cors: {MaxAge: 86401}}`:                          "from 0 to 86400",
		`{TargetFunctionArn: 'fn:live', AuthType: NONE, Cors: {AllowMethods: [GET, OPTIONS]}}`:           "at most 6 letters",
		`{TargetFunctionArn: 'fn:live', AuthType: NONE, Cors: {AllowMethods: [DELETE, '*'], MaxAge: 0}}`: "",
	} {
		_, err := p.create("Other", properties)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", properties, err, want)
		}
	}
}
