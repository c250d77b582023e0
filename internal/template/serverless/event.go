package serverless

import (
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// event is one entry of a function's `events`.
type event struct {
	f     *function
	kind  string
	conf  *document.Node // what stands behind the kind; may be null
	pos   diag.Position
	key   string // for messages: functions.x.events.0.http
	index int    // from 0, among all events of the function
}

// notMade are the kinds of events whose resources Suiro does not make: the
// services behind them do not run here.
var notMade = map[string]string{
	"s3": "S3", "cloudwatchLog": "CloudWatch Logs", "cognitoUserPool": "Cognito", "alb": "Application Load Balancers",
	"alexaSkill": "Alexa", "alexaSmartHome": "Alexa", "iot": "AWS IoT", "iotFleetProvisioning": "AWS IoT", "msk": "MSK",
	"kafka": "Kafka", "activemq": "Amazon MQ", "rabbitmq": "Amazon MQ", "cloudFront": "Lambda@Edge",
}

// events reads the events of a function. Those of APIs are collected, because
// one API serves all functions; the others become resources at once.
func (c *compiler) events(f *function) {
	n := f.node.Get("events")
	if n.IsNull() {
		return
	}
	if n.Kind != document.List {
		c.errorf(n, "functions."+f.key+".events", "events are a list, not %s", kind(n))
		return
	}
	for i, it := range n.Items {
		for _, e := range c.eventsOf(f, it, i) {
			c.checkEventKeys(e)
			c.event(e)
		}
	}
}

// eventsOf reads one item of `events`: {kind: settings}, or only the kind.
func (c *compiler) eventsOf(f *function, it *document.Node, i int) []event {
	key := fmt.Sprintf("functions.%s.events.%d", f.key, i)
	switch {
	case it.IsNull():
		return nil
	case it.IsScalar():
		return []event{{f: f, kind: it.Text, conf: &document.Node{Kind: document.Null, Pos: it.Pos}, pos: it.Pos, key: key + "." + it.Text, index: i}}
	case it.Kind != document.Map:
		c.errorf(it, key, "an event is an object such as {http: GET /}, not %s", kind(it))
		return nil
	}
	var out []event
	for _, m := range it.Members {
		out = append(out, event{f: f, kind: m.Key, conf: m.Value, pos: m.KeyPos, key: key + "." + m.Key, index: i})
	}
	return out
}

// event hands an event to whatever compiles its kind.
func (c *compiler) event(e event) {
	if e.pos.IsZero() || e.pos.Line == 0 {
		e.pos = c.at(e.conf)
	}
	if e.conf.IsNull() && notMade[e.kind] == "" {
		c.msgs.Add(diag.Errorf(e.pos, e.key, "the event has no settings"))
		return
	}
	switch e.kind {
	case "websocket":
		c.websocketEvent(e)
	case "httpApi":
		c.httpEvent(e)
	case "http":
		c.restEvent(e)
	case "schedule":
		c.schedule(e)
	case "stream":
		c.stream(e)
	case "sqs":
		c.queue(e)
	case "sns":
		c.topic(e)
	case "eventBridge":
		c.eventBridge(e)
	case "cloudwatchEvent":
		c.cloudwatchEvent(e)
	default:
		if service := notMade[e.kind]; service != "" {
			c.msgs.Add(diag.Warningf(e.pos, e.key, "Suiro has no %s; nothing calls the function for this event", service))
			return
		}
		c.msgs.Add(diag.Warningf(e.pos, e.key, "there is no such event; it has no effect").WithHint("%s", nearest(e.kind, eventNames())))
	}
}

// invokePermission lets a service call a function.
func (c *compiler) invokePermission(e event, id, principal string, source *document.Node) {
	c.add(e.pos, id, "AWS::Lambda::Permission", object(e.pos,
		"FunctionName", e.f.arn(e.pos), "Action", "lambda:InvokeFunction", "Principal", principal, "SourceArn", source), e.f.aliasID)
}

// count numbers the events of a kind within a function, from 1.
func (f *function) count(kind string) int {
	f.counts[kind]++
	return f.counts[kind]
}

// nearest suggests the name that was probably meant, or else lists the known
// ones where they are few.
func nearest(name string, known []string) string {
	best, bestAt := "", len(name)/2+1
	for _, k := range known {
		if len(name) > 2 && strings.HasPrefix(strings.ToLower(k), strings.ToLower(name)) {
			return "did you mean " + k
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bestAt {
			best, bestAt = k, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best
	case len(known) <= 16:
		return "known are " + strings.Join(known, ", ")
	}
	return ""
}

// distance counts the letters to change, add or drop to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
