package lambda

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// settings are a function's properties, read.
type settings struct {
	code        bundle.Function
	description string
	handler     string
	runtime     string
	role        string
	timeout     time.Duration
	memorySize  int    // MB
	reserved    int    // -1: none
	deadLetters string // ARN of a queue or topic, "" for none
	variables   map[string]string
	layers      []string       // ARNs
	image       *imageSettings // of a function that is a container image
}

// functionSchema lists what CloudFormation's AWS::Lambda::Function has.
var functionSchema = resource.Schema{
	"FunctionName":                    {},
	"Description":                     {},
	"Handler":                         {},
	"Runtime":                         {},
	"Role":                            {},
	"Code":                            {Required: true},
	"Timeout":                         {},
	"MemorySize":                      {},
	"Environment.Variables":           {},
	"Layers":                          {},
	"ReservedConcurrentExecutions":    {},
	"Architectures":                   {},
	"PackageType":                     {},
	"EphemeralStorage":                {Support: resource.Accepted, Why: "the size of /tmp is not limited here"},
	"KmsKeyArn":                       {Support: resource.Accepted, Why: "environment variables are not encrypted here"},
	"CodeSigningConfigArn":            {Support: resource.Accepted, Why: "code is not signed here"},
	"VpcConfig":                       {Support: resource.Accepted, Why: "functions reach this machine's network, not a VPC"},
	"TracingConfig":                   {Support: resource.Accepted, Why: "traces are not sent to X-Ray"},
	"Tags":                            {Support: resource.Accepted, Why: "tags have no effect here"},
	"RuntimeManagementConfig":         {Support: resource.Accepted, Why: "the runtime is this machine's own"},
	"LoggingConfig":                   {Support: resource.Accepted, Why: "logs are shown as they are written, in text format"},
	"RecursiveLoop":                   {Support: resource.Accepted, Why: "recursive loops are not stopped here"},
	"SnapStart":                       {Support: resource.Accepted, Why: "environments start without snapshots here"},
	"DeadLetterConfig":                {Support: resource.Missing, Why: "queues and topics do not run here: what a dead-letter queue would get is shown"},
	"FileSystemConfigs":               {Support: resource.Missing, Why: "file systems are not mounted"},
	"ImageConfig.Command":             {},
	"ImageConfig.EntryPoint":          {},
	"ImageConfig.WorkingDirectory":    {},
	"TenancyConfig":                   {Support: resource.Missing, Why: "tenants share environments here"},
	"DurableConfig":                   {Support: resource.Missing, Why: "durable functions do not run yet"},
	"CapacityProviderConfig":          {Support: resource.Missing, Why: "managed instances do not exist here; the function runs on demand"},
	"FunctionScalingConfig":           {Support: resource.Missing, Why: "managed instances do not exist here; the function runs on demand"},
	"PublishToLatestPublished":        {Support: resource.Missing, Why: "managed instances do not exist here; the function runs on demand"},
	"SnapshotOptimizationConfig":      {Support: resource.Accepted, Why: "environments start without snapshots here"},
	"ProvisionedConcurrencyConfig":    {Support: resource.Accepted, Why: "environments start when they are needed"},
	"MaximumConcurrentInvokesPerHost": {Support: resource.Accepted, Why: "an environment takes one event at a time"},
}

var (
	functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
)

// maxVariables is the size of all names and values together that Lambda takes.
const maxVariables = 4 << 10

// checkFunction finds what is wrong with a function's properties. Values that
// are not known yet are not judged.
func checkFunction(spec resource.Spec, starts map[string]Start) diag.List {
	var out diag.List
	p, key := spec.Properties, spec.LogicalID+"."
	whole := func(name string, least, most int) {
		n := p.Get(name)
		if n.IsNull() || resource.Unknown(n) {
			return
		}
		if v, ok := n.Integer(); !ok || v < least || v > most {
			out.Add(diag.Errorf(n.Pos, key+name, "%s is not a whole number from %d to %d", n.TextOr(n.Kind.String()), least, most))
		}
	}
	whole("Timeout", 1, 900)
	whole("MemorySize", 128, 10240)
	whole("ReservedConcurrentExecutions", 0, 1<<31-1)
	if n := p.Get("FunctionName"); !n.IsNull() && !resource.Unknown(n) && !functionName.MatchString(n.TextOr("")) {
		out.Add(diag.Errorf(n.Pos, key+"FunctionName", "%q is not a function name", n.TextOr("")).
			WithHint("up to 64 letters, digits, - and _"))
	}
	out.Add(checkCode(spec, starts)...)
	out.Add(checkVariables(spec)...)
	for i, a := range p.Get("Architectures").Strings() {
		if a != "x86_64" && a != "arm64" {
			out.Add(diag.Errorf(p.Get("Architectures").Position(), key+"Architectures", "%q is neither x86_64 nor arm64", a))
		} else if i == 0 && a != hostArchitecture() {
			out.Add(diag.Notef(p.Get("Architectures").Position(), key+"Architectures", "built and run for this machine's %s", hostArchitecture()))
		}
	}
	return out
}

func checkCode(spec resource.Spec, starts map[string]Start) (out diag.List) {
	p, code := spec.Properties, spec.Properties.Get("Code")
	key := spec.LogicalID + ".Code"
	switch {
	case isImage(spec):
		return checkImage(spec, starts)
	case code.IsNull() || resource.Unknown(code):
	case !code.Get("S3Bucket").IsNull():
		out.Add(diag.Errorf(code.Pos, key, "the code lies in S3; Suiro runs local files").
			WithHint("set CodeUri or Code to a local folder"))
	case code.Kind == document.Map && code.Get("ZipFile").IsNull():
		out.Add(diag.Errorf(code.Pos, key, "no local path and no ZipFile"))
	}
	for _, name := range []string{"Runtime", "Handler"} {
		if p.Get(name).IsNull() {
			out.Add(diag.Errorf(spec.Pos, spec.LogicalID+"."+name, "a function with a zip package needs %s", name))
		}
	}
	return out
}

func checkVariables(spec resource.Spec) (out diag.List) {
	variables := spec.Properties.Get("Environment").Get("Variables")
	key := spec.LogicalID + ".Environment.Variables."
	size := 0
	if !variables.IsNull() && variables.Kind == document.Map {
		for _, m := range variables.Members {
			switch {
			case slices.Contains(reservedVariables, m.Key):
				out.Add(diag.Errorf(m.KeyPos, key+m.Key, "Lambda reserves this variable and refuses to set it").WithHint("remove it"))
			case !variableName.MatchString(m.Key):
				out.Add(diag.Errorf(m.KeyPos, key+m.Key, "not a name of a variable: a letter, then at least one more letter, digit or _"))
			}
			if !m.Value.IsScalar() && !m.Value.IsNull() {
				out.Add(diag.Errorf(m.Value.Pos, key+m.Key, "a variable is a text, not a %s", m.Value.Kind))
			}
			size += len(m.Key) + len(m.Value.TextOr(""))
		}
	}
	if size > maxVariables && !resource.Unknown(variables) {
		out.Add(diag.Warningf(variables.Pos, strings.TrimSuffix(key, "."), "%d bytes of variables; Lambda takes 4,096 and refuses to deploy this", size))
	}
	return out
}

// readFunction reads properties that were checked.
func readFunction(spec resource.Spec, name string) settings {
	p := spec.Properties
	set := settings{
		description: p.Get("Description").TextOr(""),
		handler:     p.Get("Handler").TextOr(""),
		runtime:     p.Get("Runtime").TextOr(""),
		role:        p.Get("Role").TextOr(""),
		timeout:     time.Duration(p.Get("Timeout").IntegerOr(3)) * time.Second,
		memorySize:  p.Get("MemorySize").IntegerOr(128),
		deadLetters: p.Get("DeadLetterConfig").Get("TargetArn").TextOr(""),
		reserved:    p.Get("ReservedConcurrentExecutions").IntegerOr(-1),
		layers:      p.Get("Layers").Strings(),
		variables:   make(map[string]string),
	}
	if v := p.Get("Environment").Get("Variables"); !v.IsNull() {
		for _, m := range v.Members {
			if text, ok := m.Value.Scalar(); ok {
				set.variables[m.Key] = text
			}
		}
	}
	set.code = bundle.Function{
		Name: name, LogicalID: spec.LogicalID, Handler: set.handler, Runtime: set.runtime,
		Architecture: "x86_64", Metadata: spec.Metadata, TemplateDir: spec.Dir, Pos: spec.Pos,
		BuildMethod: spec.Metadata.Get("BuildMethod").TextOr(""),
	}
	if a := p.Get("Architectures").Strings(); len(a) > 0 {
		set.code.Architecture = a[0]
	}
	code := p.Get("Code")
	if isImage(spec) {
		set.image = readImage(spec, set.variables)
	} else if text, ok := code.Scalar(); ok {
		set.code.Dir, set.code.Pos = spec.Path(text), code.Pos
	} else {
		set.code.Inline = code.Get("ZipFile").TextOr("")
	}
	return set
}
