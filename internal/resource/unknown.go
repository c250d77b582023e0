package resource

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// unknownMark begins the text of a value that is not known yet. It cannot
// stand in a template: YAML and JSON both refuse the character.
const unknownMark = "\x00unknown:"

// UnknownText is what Ref or Fn::GetAtt gives, while nothing is started, for
// a resource that does not exist yet.
func UnknownText(what string) string { return unknownMark + what + "\x00" }

// Unknown tells whether a resolved value holds, anywhere in it, one that only
// a started resource can supply.
func Unknown(n *document.Node) bool {
	if n == nil {
		return false
	}
	if strings.Contains(n.Text, unknownMark) {
		return true
	}
	for _, it := range n.Items {
		if Unknown(it) {
			return true
		}
	}
	for _, m := range n.Members {
		if Unknown(m.Value) {
			return true
		}
	}
	return false
}
