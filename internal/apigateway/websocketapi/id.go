package websocketapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"sync/atomic"
)

// ids makes identifiers of AWS's form: URL-safe base64 with padding, so that
// apps meet "-", "_" and "=" here before they meet them on AWS.
//
//	connectionId  gbgA_S5PGQAYKEilZA==  13 bytes: 6 that count, 7 random
//	messageId     gbgA_U9agQAYKEilZA==  shares its connection's last 7 bytes
//	requestId     EOn3uEbGIAMEjkA=      11 bytes: 6 that count, 5 of the API
type ids struct {
	counter atomic.Uint64
	tail    string // of request ids
}

// headChars is what 6 bytes are in base64; the rest of an id is its tail.
const headChars = 8

func (g *ids) seed() {
	var b [13]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	g.counter.Store(binary.BigEndian.Uint64(b[:8]))
	g.tail = base64.URLEncoding.EncodeToString(b[8:])
}

// head appends eight characters that do not repeat for 2^48 calls: a counter
// times an odd number, so that neighbours do not look alike.
func (g *ids) head(b []byte) []byte {
	const spread = 0x9e3779b97f4b
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], g.counter.Add(1)*spread<<16)
	return base64.URLEncoding.AppendEncode(b, n[:6])
}

func (g *ids) request() string {
	var room [16]byte
	return string(append(g.head(room[:0]), g.tail...))
}

func (g *ids) connection() string {
	var tail [7]byte
	_, _ = rand.Read(tail[:])
	tail[0] |= 0xf8 // its first six bits are "-" or "_"
	var room [20]byte
	return string(base64.URLEncoding.AppendEncode(g.head(room[:0]), tail[:]))
}

func (g *ids) message(connection string) string {
	var room [20]byte
	return string(append(g.head(room[:0]), connection[headChars:]...))
}

// wellFormed tells whether id could be a connection's: 16 characters with one
// "=" as they were for years, or 20 with two.
func wellFormed(id string) bool {
	text := 0
	switch {
	case len(id) == 16 && id[15] == '=':
		text = 15
	case len(id) == 20 && id[18:] == "==":
		text = 18
	}
	for i := range text {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text > 0
}
