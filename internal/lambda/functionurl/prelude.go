package functionurl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// integrationType is the content type of a stream that begins with a prelude:
// status, headers and cookies as JSON, eight NUL bytes, then the body
// (Developer Guide, "Response streaming for Lambda functions").
const integrationType = "application/vnd.awslambda.http-integration-response"

// maxPrelude is how far into the stream the eight NULs must come (API Gateway
// Developer Guide, "Set up a Lambda proxy integration with payload response
// streaming").
const maxPrelude = 16 << 10

var delimiter = make([]byte, 8)

var (
	errNothing   = errors.New("the stream ended before anything was written")
	errNoPrelude = errors.New("the stream has no 8 NUL bytes in its first 16 KB")
	errMalformed = errors.New("the prelude is no JSON object")
)

// readPrelude reads a stream up to the end of its prelude, however the pieces
// are cut. rest is what of the body came with it; it lies in buf, which must
// be larger than the largest prelude.
func readPrelude(r io.Reader, buf []byte) (h *head, rest []byte, err error) {
	n := 0
	for {
		var more int
		more, err = r.Read(buf[n:])
		from := max(0, n-len(delimiter)+1) // NULs may be cut in two
		n += more
		if i := bytes.Index(buf[from:n], delimiter); i >= 0 {
			at := from + i
			if at+len(delimiter) > maxPrelude {
				return nil, nil, errNoPrelude
			}
			h, err = parsePrelude(buf[:at])
			return h, buf[at+len(delimiter) : n], err
		}
		switch {
		case n >= maxPrelude:
			return nil, nil, errNoPrelude
		case err == nil:
		case n == 0:
			return nil, nil, errNothing
		default:
			return nil, nil, errNoPrelude
		}
	}
}

func parsePrelude(text []byte) (*head, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errMalformed
	}
	return readHead(members)
}
