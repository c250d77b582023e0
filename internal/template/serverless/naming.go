package serverless

import (
	"strings"
	"unicode"
)

// Logical ids, as the framework makes them. Users write them in `resources`
// and in environment values, so every letter counts (Serverless Framework
// guide, "AWS CloudFormation Resource Reference").

// The ids that are the same in every service.
const (
	roleID             = "IamRoleLambdaExecution"
	websocketsAPIID    = "WebsocketsApi"
	websocketsStageID  = "WebsocketsDeploymentStage"
	websocketsLogsID   = "WebsocketsLogGroup"
	httpAPIID          = "HttpApi"
	httpStageID        = "HttpApiStage"
	httpLogsID         = "HttpApiLogGroup"
	restAPIID          = "ApiGatewayRestApi"
	restLogsID         = "ApiGatewayLogGroup"
	deploymentBucketID = "ServerlessDeploymentBucket"
)

// upperFirst writes the first letter large.
func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// alphanumeric drops everything but ASCII letters and digits.
func alphanumeric(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

// normalized is a function's, layer's or authorizer's key inside an id.
func normalized(key string) string {
	return upperFirst(strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(key))
}

// normalizedText is any other name inside an id: a queue, a topic, a rule.
func normalizedText(s string) string { return upperFirst(alphanumeric(s)) }

func functionID(key string) string   { return normalized(key) + "LambdaFunction" }
func layerID(key string) string      { return normalized(key) + "LambdaLayer" }
func logGroupID(key string) string   { return normalized(key) + "LogGroup" }
func versionID(key, h string) string { return normalized(key) + "LambdaVersion" + h }

// normalizedRoute is a WebSocket route key inside an id: $connect is Sconnect.
func normalizedRoute(route string) string {
	return strings.NewReplacer("$", "S", "/", "Slash", "-", "Dash", "_", "Underscore", ".", "Period").Replace(route)
}

func websocketsRouteID(route string) string { return normalizedRoute(route) + "WebsocketsRoute" }

// normalizedPath is a REST path, or an HTTP API's route key, inside an id:
// users/{id} is UsersIdVar. All but the first letter of a part become small.
func normalizedPath(path string) string {
	var b strings.Builder
	for _, part := range strings.Split(path, "/") {
		b.WriteString(normalizedPart(part))
	}
	return b.String()
}

// normalizedPart is one part of a path; a parameter's braces become Var.
func normalizedPart(part string) string {
	p := upperFirst(strings.ToLower(part))
	p = strings.ReplaceAll(p, "-", "Dash")
	open, end := strings.Index(p, "{"), strings.LastIndex(p, "}")
	if open >= 0 && end > open {
		p = p[:open] + p[open+1:end] + "Var" + p[end+1:]
	}
	return upperFirst(alphanumeric(p))
}

// httpRouteID is the id of an HTTP API's route; * is the route for the rest.
func httpRouteID(routeKey string) string {
	if routeKey == "*" {
		return "HttpApiRouteDefault"
	}
	return "HttpApiRoute" + normalizedPath(routeKey)
}

// restMethodID is the id of a method of a REST API.
func restMethodID(resource, method string) string {
	return "ApiGatewayMethod" + resource + upperFirst(strings.ToLower(method))
}

// startCase joins the words of s, each with a large first letter; words end
// at separators, after digits and where a small letter meets a large one.
func startCase(s string) string {
	var b strings.Builder
	up, lower := true, false
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			up, lower = true, false
			continue
		}
		if up || lower && unicode.IsUpper(r) {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		up, lower = unicode.IsDigit(r), unicode.IsLower(r)
	}
	return b.String()
}

// camelWords is startCase with all but the first letters of words small.
func camelWords(s string) string {
	var b strings.Builder
	up, lower := true, false
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up, lower = true, false
			continue
		case up || lower && unicode.IsUpper(r):
			b.WriteRune(unicode.ToUpper(r))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		up, lower = unicode.IsDigit(r), unicode.IsLower(r)
	}
	return b.String()
}
