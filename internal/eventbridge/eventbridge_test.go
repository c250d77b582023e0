package eventbridge

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fn = "arn:aws:lambda:eu-west-1:123456789012:function:fn"

func newService(t *testing.T) (*Service, *invoke.Fake) {
	fake := &invoke.Fake{Functions: map[string]func(context.Context, []byte) ([]byte, invoke.End){
		fn: func(context.Context, []byte) ([]byte, invoke.End) { return nil, invoke.End{} }}}
	s := New(Config{Region: "eu-west-1", AccountID: "123456789012", Invoker: fake})
	t.Cleanup(s.Close)
	return s, fake
}

func create(t *testing.T, s *Service, typ, properties string) (*resource.Instance, diag.List) {
	t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	spec := resource.Spec{LogicalID: "Tick", Type: typ, Properties: n, Stack: resource.Stack{Name: "app", Region: "eu-west-1", AccountID: "123456789012"}}
	h := s.Handlers()[typ]
	checked := append(h.Schema().Check(spec), h.(resource.Checker).Check(spec)...)
	if checked.HasErrors() {
		return nil, checked
	}
	i, err := h.Create(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return i, checked
}

func TestScheduledRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, fake := newService(t)
		made, _ := create(t, s, ruleType, `{Name: tick, ScheduleExpression: rate(5 minutes), Targets: [{Id: a, Arn: "`+fn+`"}, {Id: b, Arn: "`+fn+`", Input: '{"own":1}'}]}`)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		calls := fake.Calls()
		if len(calls) != 4 {
			t.Fatalf("%d calls", len(calls))
		}
		arn := "arn:aws:events:eu-west-1:123456789012:rule/tick"
		want := regexp.MustCompile(`^\{"version":"0","id":"[0-9a-f-]{36}","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2000-01-01T00:05:00Z",` +
			`"region":"eu-west-1","resources":\["` + arn + `"\],"detail":\{\}\}$`)
		c := calls[0]
		if !want.Match(c.Payload) || c.Type != invoke.Event || c.Caller != (invoke.Caller{Service: "events.amazonaws.com", SourceARN: arn}) || string(calls[1].Payload) != `{"own":1}` {
			t.Errorf("%s %+v", c.Payload, c)
		}
		if made.Attr("Arn") != arn {
			t.Errorf("%+v", made)
		}
		create(t, s, ruleType, `{Name: tick, ScheduleExpression: rate(5 minutes), State: DISABLED, Targets: [{Id: a, Arn: "`+fn+`"}]}`)
		time.Sleep(time.Hour)
		if len(fake.Calls()) != 4 {
			t.Errorf("a disabled rule calls")
		}
	})
}

func TestScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, fake := newService(t)
		create(t, s, scheduleType, `{Name: once, ScheduleExpression: "at(2000-01-01T03:00:00)", ScheduleExpressionTimezone: Europe/Berlin, FlexibleTimeWindow: {Mode: "OFF"}, Target: {Arn: "`+fn+`", RoleArn: r, Input: '{"once":1}'}}`)
		create(t, s, scheduleType, `{Name: daily, EndDate: "2000-01-03T00:00:00Z", ScheduleExpression: "cron(0 12 * * ? *)", FlexibleTimeWindow: {Mode: "OFF"}, Target: {Arn: "`+fn+`", RoleArn: r}}`)
		time.Sleep(2*time.Hour + time.Minute)
		synctest.Wait()
		if calls := fake.Calls(); len(calls) != 1 || string(calls[0].Payload) != `{"once":1}` {
			t.Fatalf("%+v", calls)
		}
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		if calls := fake.Calls(); len(calls) != 3 || !strings.Contains(string(calls[1].Payload), `"source":"aws.scheduler"`) {
			t.Errorf("%+v", calls)
		}
	})
}

func TestScheduleChecks(t *testing.T) {
	s, _ := newService(t)
	for typ, properties := range map[string]string{
		ruleType:     `{ScheduleExpression: rate(1 minutes), Targets: []}`,
		scheduleType: `{ScheduleExpression: rate(1 minute), ScheduleExpressionTimezone: Mars, Target: {Arn: "` + fn + `"}}`,
	} {
		if _, msgs := create(t, s, typ, properties); !msgs.HasErrors() {
			t.Errorf("%s is taken", properties)
		}
	}
	if _, msgs := create(t, s, ruleType, `{EventPattern: {source: [x]}, Targets: [{Id: a, Arn: "arn:aws:sqs:eu-west-1:123456789012:q"}]}`); len(msgs) != 2 {
		t.Errorf("%v", msgs)
	}
}
