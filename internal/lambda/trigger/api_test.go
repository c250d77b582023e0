package trigger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMappingAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		status, body := p.api("POST", "/", `{"EventSourceArn":"`+p.stream+`","FunctionName":"fn:live","StartingPosition":"TRIM_HORIZON","BatchSize":1,"MaximumBatchingWindowInSeconds":1,`+
			`"FilterCriteria":{"Filters":[{"Pattern":"{\"eventName\":[\"INSERT\"]}"}]}}`)
		var made configuration
		if err := json.Unmarshal([]byte(body), &made); err != nil || status != 202 {
			t.Fatalf("%d %v in %s", status, err, body)
		}
		want := fmt.Sprintf(`{"BatchSize":1,"BisectBatchOnFunctionError":false,"DestinationConfig":{"OnFailure":{}},"EventSourceArn":"%s",`+
			`"EventSourceMappingArn":"arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:%s","FilterCriteria":{"Filters":[{"Pattern":"{\"eventName\":[\"INSERT\"]}"}]},`+
			`"FunctionArn":"%s:live","FunctionResponseTypes":[],"LastModified":%v,"LastProcessingResult":"No records processed",`+
			`"MaximumBatchingWindowInSeconds":1,"MaximumRecordAgeInSeconds":-1,"MaximumRetryAttempts":-1,"ParallelizationFactor":1,"StartingPosition":"TRIM_HORIZON",`+
			`"State":"Creating","StateTransitionReason":"User action","TumblingWindowInSeconds":0,"UUID":"%s"}`, p.stream, made.UUID, functionARN, json.Number(fmt.Sprintf("%d", time.Now().Unix())), made.UUID)
		if body != want {
			t.Errorf("%s\nwant %s", body, want)
		}
		p.put("a")
		p.want("a")
		synctest.Wait()
		if _, got := p.api("GET", "/"+made.UUID, ""); !strings.Contains(got, `"State":"Enabled"`) || !strings.Contains(got, `"LastProcessingResult":"OK"`) {
			t.Errorf("%s", got)
		}
		if status, got := p.api("PUT", "/"+made.UUID, `{"Enabled":false,"BatchSize":7}`); status != 202 || !strings.Contains(got, `"State":"Updating"`) || !strings.Contains(got, `"BatchSize":7`) {
			t.Errorf("%d %s", status, got)
		}
		p.put("b")
		synctest.Wait()
		p.none()
		if _, got := p.api("GET", "/"+made.UUID, ""); !strings.Contains(got, `"State":"Disabled"`) {
			t.Errorf("%s", got)
		}

		// Mappings of the API are there after a restart, and go on.
		p.restart()
		p.put("c")
		if status, got := p.api("PUT", "/"+made.UUID, `{"Enabled":true,"FunctionName":"fn","FilterCriteria":{}}`); status != 202 || strings.Contains(got, "FilterCriteria") {
			t.Errorf("%d %s", status, got)
		}
		p.want("b,c")
		if status, got := p.api("DELETE", "/"+made.UUID, ""); status != 202 || !strings.Contains(got, `"State":"Deleting"`) {
			t.Errorf("%d %s", status, got)
		}
		if status, got := p.api("GET", "/"+made.UUID, ""); status != 404 || got != `{"Type":"User","Message":"The resource you requested does not exist."}` {
			t.Errorf("%d %s", status, got)
		}
		p.restart()
		if status, got := p.api("GET", "", ""); status != 200 || got != `{"EventSourceMappings":[]}` {
			t.Errorf("%d %s", status, got)
		}
	})
}

func TestMappingAPIRefusals(t *testing.T) {
	p := newPlace(t, "KEYS_ONLY")
	first := p.mapping("StartingPosition: LATEST")
	create := func(more string) string {
		return `{"EventSourceArn":"` + p.stream + `","FunctionName":"fn"` + more + `}`
	}
	for _, row := range []struct{ method, path, body, name, text string }{
		{"POST", "", create(`,"StartingPosition":"LATEST"`), "ResourceConflictException",
			`The event source arn (" ` + p.stream + ` ") and function (" fn ") provided mapping already exists. Please update or delete the existing mapping with UUID ` + first.PhysicalID},
		{"POST", "", create(""), "InvalidParameterValueException", "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."},
		{"POST", "", strings.Replace(create(`,"StartingPosition":"LATEST"`), p.stream, p.stream+"x", 1), "InvalidParameterValueException", "Stream not found: " + p.stream + "x"},
		{"POST", "", create(`,"StartingPosition":"LATEST","FilterCriteria":{"Filters":[{"Pattern":"no"}]}`), "InvalidParameterValueException", "Invalid filter pattern definition."},
		{"POST", "", `{"FunctionName":"fn"}`, "InvalidParameterValueException", "Unrecognized event source."},
		{"POST", "", strings.Replace(create(`,"StartingPosition":"LATEST"`), "fn", "nowhere", 1), "ResourceNotFoundException", "Function not found: nowhere"},
		{"POST", "", `{`, "InvalidRequestContentException", ""},
		{"PUT", "/x", `{}`, "ResourceNotFoundException", "The resource you requested does not exist."},
		{"DELETE", "/x", ``, "ResourceNotFoundException", "The resource you requested does not exist."},
		{"GET", "?MaxItems=0", ``, "ValidationException", ""},
	} {
		r, body := p.api(row.method, row.path, row.body)
		var e struct{ Message string }
		_ = json.Unmarshal([]byte(body), &e)
		if r < 400 || e.Message != row.text && row.text != "" {
			t.Errorf("%s %s %s: %d %s, want %s", row.method, row.path, row.body, r, body, row.text)
		}
	}
	// Lists go page by page.
	p.api("POST", "", strings.Replace(create(`,"StartingPosition":"LATEST"`), `"fn"`, `"fn:a"`, 1))
	p.api("POST", "", strings.Replace(create(`,"StartingPosition":"LATEST"`), `"fn"`, `"fn:b"`, 1))
	seen, marker := map[string]bool{}, ""
	for range 3 {
		_, body := p.api("GET", "?MaxItems=1&FunctionName=fn&EventSourceArn="+p.stream+"&Marker="+marker, "")
		var page struct {
			EventSourceMappings []configuration
			NextMarker          string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.EventSourceMappings) != 1 {
			t.Fatalf("%v in %s", err, body)
		}
		seen[page.EventSourceMappings[0].FunctionArn] = true
		marker = page.NextMarker
	}
	if len(seen) != 3 || marker != "" {
		t.Errorf("%v %q", seen, marker)
	}
}
