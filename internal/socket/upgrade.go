package socket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// HandshakeError says why a request is no WebSocket handshake, with the status
// that RFC 6455 gives it. Nothing was written to the client.
type HandshakeError struct {
	Status int
	Text   string
}

func (e *HandshakeError) Error() string { return e.Text }

// CheckHandshake tells whether r asks for a WebSocket (RFC 6455, section
// 4.2.1). The error is a *HandshakeError: 426 for an ordinary request or
// another version of the protocol, 400 for a broken handshake.
func CheckHandshake(r *http.Request) error {
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1):
		return &HandshakeError{http.StatusUpgradeRequired, "a handshake is an HTTP/1.1 GET"}
	case !hasToken(r.Header["Upgrade"], "websocket") || !hasToken(r.Header["Connection"], "upgrade"):
		return &HandshakeError{http.StatusUpgradeRequired, "no upgrade to websocket was asked for"}
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return &HandshakeError{http.StatusUpgradeRequired, "only version 13 of the protocol is known"}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return &HandshakeError{http.StatusBadRequest, "a handshake has one Sec-WebSocket-Key"}
	}
	if nonce, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(nonce) != 16 {
		return &HandshakeError{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"}
	}
	return nil
}

// Upgrade takes the connection of a handshake over from net/http. The answer,
// 101 with header added to what the protocol needs, is written by Serve; Send
// may be called before that and queues behind it. After an error of type
// *HandshakeError the request can still be answered.
func (c *Conn) Upgrade(w http.ResponseWriter, r *http.Request, header http.Header, o *Options) error {
	if err := CheckHandshake(r); err != nil {
		return err
	}
	transport, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("taking over the connection: %w", err)
	}
	if s, ok := transport.(interface{ Settled() net.Conn }); ok {
		transport = s.Settled() // front's: what it found under the first byte
	}
	c.take(transport, o)
	if n := rw.Reader.Buffered(); n > 0 {
		// A client must wait for the 101; one that does not loses nothing.
		early, _ := rw.Reader.Peek(n)
		c.reader.early = bytes.Clone(early)
	}
	answer := borrow(512)
	answer.b = appendAnswer(answer.b, r.Header.Get("Sec-Websocket-Key"), header)
	c.out.queue = []message{{owned: answer}}
	c.out.bytes = len(answer.b)
	return nil
}

// appendAnswer writes the 101. Values that would break the header are left out.
func appendAnswer(b []byte, key string, header http.Header) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = append(b, accept(key)...)
	b = append(b, "\r\n"...)
	for name, values := range header {
		for _, v := range values {
			if !strings.ContainsAny(v, "\r\n\x00") {
				b = append(b, name+": "+v+"\r\n"...)
			}
		}
	}
	return append(b, "\r\n"...)
}

// accept proves to the client that its handshake was understood (RFC 6455,
// section 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hasToken tells whether a comma-separated header holds a token.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
