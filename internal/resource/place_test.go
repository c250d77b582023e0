package resource

import (
	"strings"
	"testing"
)

func TestGeneratedNamesFit(t *testing.T) {
	long := Stack{Name: strings.Repeat("s", 60)}
	if got := long.GeneratedName(strings.Repeat("L", 60), 64); len(got) != 64 {
		t.Errorf("%d characters: %s", len(got), got)
	}
	stack := Stack{Name: "chat-dev", Region: "eu-west-1", AccountID: "123456789012"}
	again := stack.GeneratedName("A", 64)
	if stack.GeneratedName("A", 64) != again || again == stack.GeneratedName("B", 64) || !strings.HasPrefix(again, "chat-dev-A-") {
		t.Errorf("names are not stable or not distinct: %s", again)
	}
	if got := stack.ARN("lambda", "function:chat"); got != "arn:aws:lambda:eu-west-1:123456789012:function:chat" {
		t.Error(got)
	}
}
