package resource

import (
	"crypto/sha256"
	"encoding/base32"
	"path/filepath"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// GeneratedName is a name as CloudFormation makes one: stack, logical id and a
// random part, here one that is the same at every start. It has at most longest
// characters.
func (s Stack) GeneratedName(logicalID string, longest int) string {
	sum := sha256.Sum256([]byte(s.AccountID + "/" + s.Region + "/" + s.Name + "/" + logicalID))
	random := base32.StdEncoding.EncodeToString(sum[:])[:12]
	room := longest - len(random) - 2
	first, second := s.Name, logicalID
	if len(first)+len(second) > room { // CloudFormation cuts both
		second = second[:min(len(second), max(room/2, room-len(first)))]
		first = first[:min(len(first), room-len(second))]
	}
	return first + "-" + second + "-" + random
}

// ARN names a resource of the stack: "function:chat" of "lambda".
func (s Stack) ARN(service, resource string) string {
	partition := s.Partition
	if partition == "" {
		partition = "aws"
	}
	return arn.ARN{Partition: partition, Service: service, Region: s.Region, AccountID: s.AccountID, Resource: resource}.String()
}

// At is the position of a value, or of the resource when the value has none.
func (s Spec) At(n *document.Node) diag.Position {
	if p := n.Position(); !p.IsZero() {
		return p
	}
	return s.Pos
}

// Path is a local path of the template, absolute.
func (s Spec) Path(path string) string { return LocalPath(s.Dir, path) }

// LocalPath is a slash path relative to a folder, absolute.
func LocalPath(dir, path string) string {
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
