package lambda

import (
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// reservedVariables are set by Lambda and refused in a function's own
// (Developer Guide, Using Lambda environment variables).
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// hostVariables are the few of Suiro's own variables without which programs do
// not run on this machine. Nothing else of the host reaches a function.
var hostVariables = map[string][]string{
	"windows": {"SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"},
	"":        {"HOME"},
}

// pathVariables hold lists; the function's own value comes before ours and
// does not replace it.
var pathVariables = map[string]bool{
	"PATH": true, "LD_LIBRARY_PATH": true, "NODE_PATH": true, "PYTHONPATH": true, "RUBYLIB": true, "GEM_PATH": true,
}

// environ is what a process of the function starts with, but for the two
// variables that the environment itself adds.
func (fn *function) environ(rev *revision, version, temp string) []string {
	env := variables{}
	env.host()
	env.set(map[string]string{
		"_HANDLER":                        rev.handler,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.name,
		"AWS_LAMBDA_FUNCTION_VERSION":     version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(rev.memorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       logGroup(fn.name),
		"AWS_REGION":                      fn.stack.Region,
		"AWS_DEFAULT_REGION":              fn.stack.Region,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"LAMBDA_TASK_ROOT":                rev.runnable.Root,
		"LD_LIBRARY_PATH":                 joinPath(rev.runnable.Root, filepath.Join(rev.runnable.Root, "lib")),
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PWD":                             rev.runnable.Root,
		"TMPDIR":                          temp, // each environment has a /tmp of its own on AWS
		// The user's own AWS profile must not reach the code by way of HOME.
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	})
	if goruntime.GOOS == "windows" {
		env["TEMP"], env["TMP"] = temp, temp
	}
	if !strings.HasPrefix(rev.runtime, "provided") {
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + rev.runtime
	}
	env.set(rev.command.Env)
	for _, l := range rev.layers { // each before the ones ahead of it: the last layer's files win
		env.add(l.Variables(rev.runtime))
	}
	given := fn.service.cfg.Environ(fn.info(version))
	env.set(given)
	for name, value := range rev.variables {
		value = rev.layers.Local(fn.service.cfg.Localize(value))
		if pathVariables[name] {
			env[name] = joinPath(value, env[name])
		} else {
			env[name] = value
		}
	}
	list := env.list()
	if !rev.environ.CompareAndSwap(nil, &list) {
		share(list, *rev.environ.Load())
	}
	return list
}

// share replaces what is in a sorted list by the equal strings of another, so
// that they are in memory once.
func share(list, other []string) {
	for i, s := range list {
		if at, found := slices.BinarySearch(other, s); found {
			list[i] = other[at]
		}
	}
}

// variables are environment variables by name.
type variables map[string]string

func (v variables) set(values map[string]string) {
	for name, value := range values {
		v[name] = value
	}
}

// add puts values before those that lists have already.
func (v variables) add(values map[string]string) {
	for name, value := range values {
		v[name] = joinPath(value, v[name])
	}
}

// host takes over what a program cannot do without here.
func (v variables) host() {
	names, ok := hostVariables[goruntime.GOOS]
	if !ok {
		names = hostVariables[""]
	}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			v[name] = value
		}
	}
	v["PATH"] = os.Getenv("PATH")
	if goruntime.GOOS != "windows" {
		v["PATH"] = joinPath(v["PATH"], "/usr/local/bin", "/usr/bin", "/bin")
	}
}

func (v variables) list() []string {
	out := make([]string, 0, len(v))
	for name, value := range v {
		out = append(out, name+"="+value)
	}
	sort.Strings(out)
	return out
}

// joinPath joins lists of paths, without empty parts and repetitions.
func joinPath(lists ...string) string {
	var out []string
	seen := make(map[string]bool)
	for _, list := range lists {
		for _, p := range filepath.SplitList(list) {
			if p != "" && !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return strings.Join(out, string(filepath.ListSeparator))
}

// hostArchitecture is this machine's, as Lambda names it.
func hostArchitecture() string {
	if goruntime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}
