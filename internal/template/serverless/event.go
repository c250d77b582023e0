package serverless

import (
	"fmt"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/schema"
)

// event is one entry of a function's `events`.
type event struct {
	f     *function
	kind  string
	conf  *document.Node // what stands behind the kind; may be null
	pos   diag.Position
	key   string // for messages: functions.x.events.0.http
	index int    // from 0, among all events of the function
	// beside: other keys stand beside the kind, where its settings may have slipped to.
	beside bool
}

// events reads the events of a function. Those of APIs are collected, because
// one API serves all functions; the others become resources at once.
func (c *compiler) events(f *function) {
	n := f.node.Get("events")
	if n.IsNull() {
		return
	}
	if n.Kind != document.List {
		c.errorf(n, "functions."+f.key+".events", "events are a list, not %s", build.Kind(n))
		return
	}
	for i, it := range n.Items {
		for _, e := range c.eventsOf(f, it, i) {
			c.msgs.Add(schema.CheckEvent(e.kind, e.conf, e.key)...)
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
		c.errorf(it, key, "an event is an object such as {http: GET /}, not %s", build.Kind(it))
		return nil
	}
	var out []event
	for _, m := range it.Members {
		out = append(out, event{f: f, kind: m.Key, conf: m.Value, pos: m.KeyPos, key: key + "." + m.Key, index: i, beside: len(it.Members) > 1})
	}
	return out
}

// event hands an event to whatever compiles its kind.
func (c *compiler) event(e event) {
	if e.pos.IsZero() || e.pos.Line == 0 {
		e.pos = c.at(e.conf)
	}
	if e.conf.IsNull() && schema.Missing(e.kind) == "" {
		m := diag.Errorf(e.pos, e.key, "the event has no settings")
		if e.beside {
			m.WithHint("what stands beside %s belongs below it: indent it further", e.kind)
		}
		c.msgs.Add(m)
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
		if service := schema.Missing(e.kind); service != "" {
			c.msgs.Add(diag.Warningf(e.pos, e.key, "Suiro has no %s; nothing calls the function for this event", service))
			return
		}
		c.msgs.Add(diag.Warningf(e.pos, e.key, "there is no such event; it has no effect").WithHint("%s", schema.Nearest(e.kind, schema.Events())))
	}
}

// invokePermission lets a service call a function.
func (c *compiler) invokePermission(e event, id, principal string, source *document.Node) {
	c.add(e.pos, id, "AWS::Lambda::Permission", build.Object(e.pos,
		"FunctionName", e.f.arn(e.pos), "Action", "lambda:InvokeFunction", "Principal", principal, "SourceArn", source), e.f.aliasID)
}

// count numbers the events of a kind within a function, from 1.
func (f *function) count(kind string) int {
	f.counts[kind]++
	return f.counts[kind]
}
