package functionurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// isDirect tells that the front may serve a request by itself: all that a
// buffered URL gets.
func (u *url) isDirect([]byte) bool { return !u.settings.Load().stream }

// whole answers with the result of a buffered invocation.
func (c *call) whole(res *invoke.Result) {
	result, err := io.ReadAll(res.Body)
	if err != nil {
		c.internal(err.Error())
		return
	}
	if end := res.End(); end.Outcome != invoke.Complete {
		c.internal(failure(end))
		return
	}
	h, body, err := readResult(result)
	if err != nil {
		c.internal("the result is no response: " + err.Error())
		return
	}
	if h.status != http.StatusNoContent && h.status != http.StatusNotModified {
		c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.begin(h, "application/json")
	n, err := c.w.Write(body)
	if c.sent = n; err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		c.gone = true
	}
}

// readResult takes a function's result for a response: an object with a
// statusCode says itself what it is, anything else is the body of a 200
// (Developer Guide, "Invoking Lambda function URLs"; recorded answers in
// localstack's test_lambda_url_invocation).
func readResult(result []byte) (*head, []byte, error) {
	result = bytes.TrimSpace(result)
	if !json.Valid(result) {
		return nil, nil, errors.New("not JSON")
	}
	plain := &head{status: http.StatusOK}
	switch result[0] {
	case '"': // sent without its quotes
		text, err := scalar(result)
		return plain, []byte(text), err
	case '{':
	default:
		return plain, compact(result), nil
	}
	if !bytes.Contains(result, []byte("statusCode")) && bytes.IndexByte(result, '\\') < 0 {
		return plain, compact(result), nil // there can be no such member, so none is looked for
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(result, &members); err != nil {
		return nil, nil, err
	}
	if !present(members["statusCode"]) {
		return plain, compact(result), nil
	}
	h, err := readHead(members)
	if err != nil {
		return nil, nil, err
	}
	body, err := readBody(members)
	return h, body, err
}

func readBody(members map[string]json.RawMessage) ([]byte, error) {
	raw := members["body"]
	if !present(raw) {
		return nil, nil
	}
	if raw[0] != '"' { // an object where a text belongs: sent as JSON
		return compact(raw), nil
	}
	text, err := scalar(raw)
	if err != nil || string(members["isBase64Encoded"]) != "true" {
		return []byte(text), err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("isBase64Encoded is true and body is not base64")
	}
	return data, nil
}

// compact is valid JSON without spaces, as AWS writes it again.
func compact(raw []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(raw))
	_ = json.Compact(&b, raw) // the caller knows that it is valid
	return b.Bytes()
}
