package runtime

import (
	"regexp"
	"strings"
)

// Public layers are other accounts' archives, which nobody can fetch without
// an AWS account. For some of them something else does the same here.

// powertoolsLayer is a layer of Powertools for AWS Lambda: the language, and
// the major version, which the first layers do not name (Powertools
// documentation, "Lambda layers").
var powertoolsLayer = regexp.MustCompile(`:layer:AWSLambdaPowertools(TypeScript|Python)(?:V(\d+))?(?:-[^:]*)?:\d+$`)

// PublicLayer says what takes the place of a public layer here; "" when
// nothing does.
func PublicLayer(arn string) string {
	if m := powertoolsLayer.FindStringSubmatch(arn); m != nil {
		return map[string]string{"TypeScript": "its packages come from npm here", "Python": "its packages come from PyPI here"}[m[1]]
	}
	if strings.Contains(arn, ":layer:LambdaInsightsExtension") {
		return "Lambda Insights collects nothing here"
	}
	return ""
}

// powertools is the major version of Powertools for a language that the
// function has as a layer; "" without one. The last layer's files win.
func (f Function) powertools(language string) string {
	major := ""
	for _, arn := range f.PublicLayers {
		if m := powertoolsLayer.FindStringSubmatch(arn); m != nil && m[1] == language {
			if major = m[2]; major == "" {
				major = "1"
			}
		}
	}
	return major
}
