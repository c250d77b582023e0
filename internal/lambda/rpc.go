package lambda

import (
	"debug/buildinfo"
	"strconv"
	"strings"
	"sync"
)

// protocol is what a revision's program speaks: looked up when the first
// environment starts, and not again for each.
type protocol struct {
	once sync.Once
	rpc  bool
}

func (p *protocol) isRPC(bootstrap string) bool {
	p.once.Do(func() { p.rpc = speaksRPC(bootstrap) })
	return p.rpc
}

// speaksRPC tells whether a function is a Go binary that knows only the
// net/rpc protocol of the retired go1.x runtime: one built with aws-lambda-go
// before 1.18.0, in which the Runtime API came. Go binaries name the versions
// of their modules.
func speaksRPC(bootstrap string) bool {
	if bootstrap == "" {
		return false
	}
	info, err := buildinfo.ReadFile(bootstrap)
	if err != nil {
		return false // not a Go binary, or a script
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/aws/aws-lambda-go" {
			if m.Replace != nil {
				m = m.Replace
			}
			return beforeRuntimeAPI(m.Version)
		}
	}
	return false
}

// beforeRuntimeAPI compares "v1.17.0" with v1.18.0; what is no such version is
// taken for a newer one.
func beforeRuntimeAPI(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 || parts[0] != "1" {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && minor < 18
}
