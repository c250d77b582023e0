package apigateway

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Lengths of API Gateway's ids, which are lower-case letters and digits.
const (
	apiIDLength    = 10
	recordIDLength = 7
)

// stableID derives an id from names, so that an API keeps its id, and apps the
// URLs that they stored, from one start to the next.
func stableID(length int, names ...string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	n := binary.BigEndian.Uint64(sum[:8])
	id := make([]byte, length)
	for i := range id {
		id[i] = letters[n%uint64(len(letters))]
		n /= uint64(len(letters))
	}
	return string(id)
}
