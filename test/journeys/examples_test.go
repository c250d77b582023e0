package journeys

import (
	"os/exec"
	"testing"
)

// The examples deploy to AWS as they are: the deploy tools' own linter agrees.
func TestCfnLintAcceptsTheSAMExample(t *testing.T) {
	out, err := exec.Command(tool(t, "python/bin/cfn-lint"), "../../examples/chat-node/template.yaml").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
