package socket

import (
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Close codes of RFC 6455, section 7.4.1, as far as a server sends or reports
// them.
const (
	StatusNormal          = 1000
	StatusGoingAway       = 1001
	StatusProtocolError   = 1002
	StatusUnsupportedData = 1003
	StatusNoStatus        = 1005 // reported only: the close frame had no code
	StatusAbnormal        = 1006 // reported only: there was no close frame
	StatusInvalidText     = 1007
	StatusPolicyViolation = 1008
	StatusMessageTooBig   = 1009
	StatusInternalError   = 1011
)

// CloseCode is how a connection ends: the code and the reason of its close
// frame.
type CloseCode struct {
	Code   int
	Reason string
}

func (c *CloseCode) Error() string {
	return "websocket closed: " + strconv.Itoa(c.Code) + " " + c.Reason
}

func protocolError() *CloseCode {
	return &CloseCode{Code: StatusProtocolError, Reason: "Protocol error"}
}

func invalidText() *CloseCode {
	return &CloseCode{Code: StatusInvalidText, Reason: "Invalid UTF-8"}
}

// parseClose reads the payload of a client's close frame. No payload is 1005;
// a payload against RFC 6455, section 7.4, is the failure to answer with.
func parseClose(p []byte) (code CloseCode, fail *CloseCode) {
	if len(p) == 0 {
		return CloseCode{Code: StatusNoStatus}, nil
	}
	if len(p) == 1 {
		return code, protocolError()
	}
	code.Code = int(binary.BigEndian.Uint16(p))
	if !mayBeSent(code.Code) {
		return code, protocolError()
	}
	if !utf8.Valid(p[2:]) {
		return code, invalidText()
	}
	code.Reason = string(p[2:])
	return code, nil
}

// mayBeSent tells whether a close frame may hold code: those of RFC 6455 and
// of IANA's registry (1012 to 1014), libraries' (3000) and private ones (4000).
func mayBeSent(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// closeFrame is a close frame; codes that cannot be sent make an empty one,
// and a reason is cut to what fits, at a character.
func closeFrame(c CloseCode) *buffer {
	b := borrow(2 + ws.MaxControlFramePayloadSize)
	if !mayBeSent(c.Code) {
		b.b = appendHeader(b.b, ws.OpClose, 0)
		return b
	}
	reason := c.Reason
	if limit := ws.MaxControlFramePayloadSize - 2; len(reason) > limit {
		for limit > 0 && !utf8.RuneStart(reason[limit]) {
			limit--
		}
		reason = reason[:limit]
	}
	b.b = appendHeader(b.b, ws.OpClose, 2+len(reason))
	b.b = binary.BigEndian.AppendUint16(b.b, uint16(c.Code))
	b.b = append(b.b, reason...)
	return b
}

// Close sends a close frame after what is queued and ends the connection when
// the client has answered, at the latest after Options.CloseWait. It does not
// wait for that; Handler.Closed tells. Only the first Close counts, and none
// after the client's own close frame.
func (c *Conn) Close(code int, reason string) {
	c.close(CloseCode{Code: code, Reason: reason}, true)
}

// Closing tells whether the connection is ending or has ended.
func (c *Conn) Closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over()
}

// over tells whether a close frame was sent or cannot be; c.mu is held.
func (c *Conn) over() bool { return c.awake != nil && c.ending != nil }

// Abort ends the connection at once, without a close frame: Handler.Closed
// hears 1006, or the code of a close that was under way.
func (c *Conn) Abort() {
	c.mu.Lock()
	c.wake()
	c.end(CloseCode{Code: StatusAbnormal})
	transport := c.transport
	c.mu.Unlock()
	_ = transport.Close()
}

// close records why the connection ends and sends the close frame. await says
// that the client's own close frame is still to come.
func (c *Conn) close(code CloseCode, await bool) bool {
	c.mu.Lock()
	c.wake()
	if !c.end(code) {
		c.mu.Unlock()
		return false
	}
	if await {
		_ = c.transport.SetReadDeadline(c.ending.by)
	}
	c.write(message{owned: closeFrame(code)})
	return true
}

// end marks the connection, which is awake, as ending, once; c.mu is held.
func (c *Conn) end(code CloseCode) bool {
	if c.ending != nil {
		return false
	}
	c.ending = &ending{code, time.Now().Add(c.options.closeWait())}
	return true
}
