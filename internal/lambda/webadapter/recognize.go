package webadapter

import "strings"

// Wrapper is the script that the adapter's layer brings: it runs the handler,
// a program or script in the code folder, in place of the runtime.
const Wrapper = "/opt/bootstrap"

// Extension is the adapter itself, from the root of a layer or image.
const Extension = "extensions/lambda-adapter"

// IsLayer tells the adapter's public layers (LambdaAdapterLayerX86 and …Arm64,
// account 753240598075 and AWS's own in China) by the layer's name.
func IsLayer(arn string) bool { return strings.Contains(arn, ":layer:LambdaAdapterLayer") }

// Configured tells whether variables name a setting of the adapter.
func Configured(variables map[string]string) bool {
	for name := range variables {
		if strings.HasPrefix(name, "AWS_LWA_") {
			return true
		}
	}
	return false
}
