package socket

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// inlineBytes is the read buffer that every connection owns. It holds any
// control frame whole (2 bytes of header, 4 of mask, 125 of payload), and
// most chat messages.
const inlineBytes = 136

// decoder turns the bytes of one client into frames and messages. It does no
// I/O: read into space(), tell filled(n), then call next until it has nothing
// more.
type decoder struct {
	options *Options

	in   [inlineBytes]byte
	r, w int // in[r:w] is received and not consumed

	header  ws.Header
	inFrame bool
	left    int64 // payload bytes of the frame not consumed yet
	skip    int64 // bytes to drop before anything else

	message   *buffer // payload so far of a message that does not fit in place
	op        ws.OpCode
	fragments bool // a message is open: its first frame was not its last
	checked   int  // message.b[:checked] is valid UTF-8
	delivered bool // message was handed out by the last next
	direct    bool // space() lent room in message
	arrived   int  // bytes read into message, still masked
	discard   bool // only a close frame is of interest any more
}

// space returns where the next bytes from the client belong: the decoder's own
// small buffer, or the room for the rest of a large frame's payload, so that
// payloads are not copied. It is never empty and never reaches beyond a frame
// in the second case.
func (d *decoder) space() []byte {
	if d.inFrame && d.message != nil && d.left > 0 && !d.header.OpCode.IsControl() {
		d.direct = true
		n := len(d.message.b)
		return d.message.b[n : n+int(d.left)]
	}
	d.direct = false
	if d.r > 0 {
		d.w = copy(d.in[:], d.in[d.r:d.w])
		d.r = 0
	}
	return d.in[d.w:]
}

// filled tells how many bytes were put into the last space.
func (d *decoder) filled(n int) {
	if d.direct {
		d.arrived = n
		return
	}
	d.w += n
}

// next returns a complete message (its opcode and whole payload) or control
// frame, false when more bytes are needed, or how the client broke the rules.
// The payload is valid until the next call.
func (d *decoder) next() (op ws.OpCode, payload []byte, ok bool, fail *CloseCode) {
	if d.delivered {
		d.dropMessage()
	}
	for {
		if !d.skipped() {
			return 0, nil, false, nil
		}
		if !d.inFrame {
			if ok, fail := d.nextHeader(); !ok {
				return 0, nil, false, fail
			}
			if d.discard && d.header.OpCode != ws.OpClose {
				d.skip, d.left, d.inFrame = d.left, 0, false
				continue
			}
		}
		if d.header.OpCode.IsControl() {
			payload, ok = d.inPlace()
			return d.header.OpCode, payload, ok, nil
		}
		payload, complete, fail := d.data()
		switch {
		case fail != nil:
			return 0, nil, false, fail
		case complete:
			return d.op, payload, true, nil
		case d.inFrame:
			return 0, nil, false, nil
		}
	}
}

// skipped drops what is to be skipped and tells whether that is done.
func (d *decoder) skipped() bool {
	n := min(d.skip, int64(d.w-d.r))
	d.r += int(n)
	d.skip -= n
	return d.skip == 0
}

// nextHeader reads a frame's header and judges it before any payload.
func (d *decoder) nextHeader() (bool, *CloseCode) {
	h, n, valid := parseHeader(d.in[d.r:d.w])
	if !valid {
		return false, protocolError()
	}
	if n == 0 {
		return false, nil
	}
	if fail := d.judge(h); fail != nil {
		d.r += n
		d.left = h.Length
		return false, fail
	}
	d.r += n
	d.header, d.inFrame, d.left = h, true, h.Length
	return true, nil
}

// judge applies RFC 6455 and the limits to a frame's header.
func (d *decoder) judge(h ws.Header) *CloseCode {
	state := ws.StateServerSide
	if d.fragments {
		state = state.Set(ws.StateFragmented)
	}
	if ws.CheckHeader(h, state) != nil && !d.discard {
		return protocolError()
	}
	if h.OpCode.IsControl() || d.discard {
		if h.Length > ws.MaxControlFramePayloadSize && h.OpCode.IsControl() {
			return protocolError()
		}
		return nil
	}
	if h.OpCode == ws.OpBinary && d.options.TextOnly {
		return &CloseCode{Code: StatusUnsupportedData, Reason: d.options.BinaryReason}
	}
	total := h.Length
	if d.message != nil {
		total += int64(len(d.message.b))
	}
	if total < 0 || total > int64(d.options.maxMessage()) ||
		d.options.MaxFrame > 0 && h.Length > int64(d.options.MaxFrame) {
		return &CloseCode{Code: StatusMessageTooBig, Reason: d.options.TooBigReason}
	}
	return nil
}

// inPlace takes a whole payload out of the small buffer, unmasked there.
func (d *decoder) inPlace() ([]byte, bool) {
	if int64(d.w-d.r) < d.left {
		return nil, false
	}
	n := int(d.left)
	p := d.in[d.r : d.r+n : d.r+n]
	ws.Cipher(p, d.header.Mask, 0)
	d.r += n
	d.inFrame, d.left = false, 0
	return p, true
}

// data takes what there is of a data frame's payload; complete says that it
// was the end of a message.
func (d *decoder) data() (payload []byte, complete bool, fail *CloseCode) {
	if d.header.OpCode != ws.OpContinuation {
		d.op = d.header.OpCode
	}
	if d.message == nil && d.header.Fin && !d.fragments {
		if p, ok := d.inPlace(); ok {
			if d.op == ws.OpText && !utf8.Valid(p) {
				return nil, false, invalidText()
			}
			return p, true, nil
		}
	}
	if fail := d.collect(); fail != nil {
		return nil, false, fail
	}
	if d.left > 0 {
		return nil, false, nil
	}
	d.inFrame = false
	d.fragments = !d.header.Fin
	if d.fragments {
		return nil, false, nil
	}
	d.delivered = true
	return d.message.b, true, nil
}

// collect moves the payload bytes that have arrived into the message,
// unmasks them there and checks text as far as it is known.
func (d *decoder) collect() *CloseCode {
	if d.message == nil {
		d.message = borrow(int(d.left))
	} else if d.arrived == 0 {
		d.message = d.message.grow(int(d.left))
	}
	at := len(d.message.b)
	offset := int(d.header.Length - d.left)
	if d.arrived > 0 {
		d.message.b = d.message.b[:at+d.arrived]
		d.arrived = 0
	} else {
		n := min(int(d.left), d.w-d.r)
		d.message.b = append(d.message.b, d.in[d.r:d.r+n]...)
		d.r += n
	}
	chunk := d.message.b[at:]
	d.left -= int64(len(chunk))
	ws.Cipher(chunk, d.header.Mask, offset)
	if d.op != ws.OpText {
		return nil
	}
	return d.checkText(d.left == 0 && d.header.Fin)
}

// checkText validates what is new of a text message. A character may be cut
// by the end of a frame or of what has arrived; a wrong one is reported as
// soon as it is seen.
func (d *decoder) checkText(last bool) *CloseCode {
	p := d.message.b[d.checked:]
	end := len(p)
	if !last {
		for i := max(0, end-utf8.UTFMax+1); i < len(p); i++ {
			if utf8.RuneStart(p[i]) && !utf8.FullRune(p[i:]) {
				end = i
				break
			}
		}
	}
	if !utf8.Valid(p[:end]) {
		return invalidText()
	}
	d.checked += end
	return nil
}

// empty tells whether nothing is half-read and no message is open.
func (d *decoder) empty() bool {
	return d.r == d.w && !d.inFrame && d.skip == 0 && d.message == nil && !d.fragments && !d.discard
}

func (d *decoder) dropMessage() {
	d.message.release()
	d.message = nil
	d.checked, d.arrived = 0, 0
	d.delivered, d.fragments = false, false
}

// abandon gives up on messages: from now on only a close frame is looked for.
// broken means that frame boundaries cannot be trusted either.
func (d *decoder) abandon(broken bool) {
	if d.discard && !broken {
		return
	}
	if d.inFrame && d.header.OpCode.IsControl() && !broken {
		d.discard = true
		return
	}
	d.discard = true
	d.dropMessage()
	d.skip, d.left = d.left, 0
	d.inFrame = false
	if broken {
		d.skip = math.MaxInt64
	}
}

// parseHeader reads a frame header from the start of p. n is 0 when p is too
// short; valid is false when the header cannot be one.
func parseHeader(p []byte) (h ws.Header, n int, valid bool) {
	if len(p) < ws.MinHeaderSize {
		return h, 0, true
	}
	h.Fin = p[0]&0x80 != 0
	h.Rsv = p[0] >> 4 & 7
	h.OpCode = ws.OpCode(p[0] & 0x0f)
	h.Masked = p[1]&0x80 != 0
	h.Length = int64(p[1] & 0x7f)
	n = ws.MinHeaderSize
	extended := 0
	switch h.Length {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	masked := 0
	if h.Masked {
		masked = len(h.Mask)
	}
	if len(p) < n+extended+masked {
		return h, 0, true
	}
	switch extended {
	case 2:
		h.Length = int64(binary.BigEndian.Uint16(p[n:]))
	case 8:
		v := binary.BigEndian.Uint64(p[n:])
		if v > math.MaxInt64 {
			return h, 0, false
		}
		h.Length = int64(v)
	}
	n += extended
	copy(h.Mask[:], p[n:n+masked])
	return h, n + masked, true
}
