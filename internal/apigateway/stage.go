package apigateway

import (
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// The account's throttle in most Regions, which fills in the half of a stage's
// throttle that is not set (API Gateway Developer Guide, "Quotas").
const (
	accountRate  = 10000
	accountBurst = 5000
)

// stage makes a stage of its record.
func stage(name string, p *document.Node) *websocketapi.Stage {
	s := &websocketapi.Stage{
		Name: name, Variables: variables(p.Get("StageVariables")),
		AccessLog: websocketapi.ParseLogFormat(p.Get("AccessLogSettings").Get("Format").TextOr("")),
		Default:   settings(p.Get("DefaultRouteSettings")),
	}
	routes := p.Get("RouteSettings")
	for _, key := range routes.Keys() {
		if s.Routes == nil {
			s.Routes = map[string]*websocketapi.Settings{}
		}
		one := settings(routes.Get(key))
		s.Routes[key] = &one
	}
	return s
}

func settings(n *document.Node) websocketapi.Settings {
	s := websocketapi.Settings{
		DataTrace:       n.Get("DataTraceEnabled").TruthOr(false),
		DetailedMetrics: n.Get("DetailedMetricsEnabled").TruthOr(false),
	}
	switch n.Get("LoggingLevel").TextOr("") {
	case "INFO":
		s.Logging = websocketapi.LogInfo
	case "ERROR":
		s.Logging = websocketapi.LogErrors
	}
	s.Throttle = throttle(n, "ThrottlingRateLimit", "ThrottlingBurstLimit")
	return s
}

// throttle reads a token bucket; nil when neither half is set.
func throttle(n *document.Node, rateKey, burstKey string) *websocketapi.Throttle {
	text, _ := n.Get(rateKey).Scalar()
	rate, err := strconv.ParseFloat(text, 64)
	limited := err == nil
	burst, bounded := n.Get(burstKey).Integer()
	if !limited && !bounded {
		return nil
	}
	t := &websocketapi.Throttle{Rate: accountRate, Burst: accountBurst}
	if limited {
		t.Rate = rate
	}
	if bounded {
		t.Burst = burst
	}
	return t
}

// checkVariables holds stage variables to the characters they may have (API
// model of apigatewayv2, StageVariables).
func checkVariables(spec resource.Spec) diag.List {
	var msgs diag.List
	variables := spec.Properties.Get("StageVariables")
	if variables == nil {
		return nil
	}
	for _, m := range variables.Members {
		if !nameOf(m.Key, "_", 64) {
			msgs.Add(diag.Errorf(m.KeyPos, spec.LogicalID+".StageVariables", "a stage variable's name has letters, digits and _, not %q", m.Key))
		}
		if v, ok := m.Value.Scalar(); ok && v != "" && !resource.Unknown(m.Value) && !nameOf(v, "-._~:/?#&=,", 2048) {
			msgs.Add(diag.Errorf(m.Value.Pos, spec.LogicalID+".StageVariables."+m.Key, "a stage variable's value has letters, digits and -._~:/?#&=, not %q", v))
		}
	}
	return msgs
}

func checkStage(spec resource.Spec) diag.List {
	var msgs diag.List
	name, ok := text(spec, "StageName")
	if ok && name != "$default" && !nameOf(name, "-_", 128) {
		msgs.Add(fault(spec, "StageName", "a stage name has letters, digits, - and _, at most 128, not %q", name))
	}
	msgs.Add(checkVariables(spec)...)
	check := func(n *document.Node, key string) {
		level := n.Get("LoggingLevel")
		if level.IsNull() || resource.Unknown(level) {
			return
		}
		switch v, _ := level.Scalar(); v {
		case "OFF", "ERROR", "INFO", "DEBUG": // DEBUG is stored as OFF
		default:
			msgs.Add(diag.Errorf(level.Pos, spec.LogicalID+"."+key+".LoggingLevel", "%q is no level; it is OFF, ERROR or INFO", v))
		}
	}
	check(spec.Properties.Get("DefaultRouteSettings"), "DefaultRouteSettings")
	routes := spec.Properties.Get("RouteSettings")
	for _, key := range routes.Keys() {
		check(routes.Get(key), "RouteSettings."+key)
	}
	return msgs
}

// requiredParameters are the inputs that a route cannot do without
// (RequestParameters), in the order of the template: "querystring.auth".
func requiredParameters(n *document.Node) []string {
	var names []string
	for _, key := range n.Keys() {
		if rest, ok := strings.CutPrefix(key, "route.request."); ok && n.Get(key).Get("Required").TruthOr(false) {
			names = append(names, rest)
		}
	}
	return names
}
