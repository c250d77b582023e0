package functionurl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// head is the beginning of a response as a function gives it, in a result of
// payload format 2.0 or in the prelude of a stream.
type head struct {
	status  int
	headers []field
	cookies []string
}

type field struct{ name, value string }

// contentType is the head's own, "" when it has none.
func (h *head) get(name string) string {
	for _, f := range h.headers {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// drop takes a header out.
func (h *head) drop(name string) {
	h.headers = slices.DeleteFunc(h.headers, func(f field) bool { return strings.EqualFold(f.name, name) })
}

// readHead reads statusCode, headers and cookies of an object; other members
// (multiValueHeaders, misspelt ones) are ignored, as on AWS.
func readHead(members map[string]json.RawMessage) (*head, error) {
	h := &head{status: http.StatusOK}
	if raw := members["statusCode"]; present(raw) {
		text := strings.Trim(string(raw), `"`) // "418" is a status too
		status, err := strconv.ParseFloat(text, 64)
		if h.status = int(status); err != nil || float64(h.status) != status || h.status < 200 || h.status > 999 {
			return nil, fmt.Errorf("statusCode %.50s is no status", raw)
		}
	}
	if raw := members["headers"]; present(raw) {
		var headers map[string]json.RawMessage
		if err := json.Unmarshal(raw, &headers); err != nil {
			return nil, errors.New("headers is not an object")
		}
		for name, value := range headers {
			if err := h.add(name, value); err != nil {
				return nil, err
			}
		}
		slices.SortStableFunc(h.headers, func(a, b field) int { return strings.Compare(a.name, b.name) })
	}
	if raw := members["cookies"]; present(raw) {
		if err := json.Unmarshal(raw, &h.cookies); err != nil {
			return nil, errors.New("cookies is not a list of strings")
		}
		for _, c := range h.cookies {
			if !validValue(c) {
				return nil, errors.New("a cookie holds characters that no header may")
			}
		}
	}
	return h, nil
}

// add takes a header's value: a text, a number, a boolean, or a list of those,
// which Rust's client writes and which becomes one line each.
func (h *head) add(name string, raw json.RawMessage) error {
	if !validName(name) {
		return fmt.Errorf("%.50q is no name of a header", name)
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		for _, v := range list {
			if v[0] == '[' {
				return fmt.Errorf("header %s has a list in a list", name)
			}
			if err := h.add(name, v); err != nil {
				return err
			}
		}
		return nil
	case '{':
		return fmt.Errorf("header %s is an object", name)
	case 'n':
		return nil
	}
	value, err := scalar(raw)
	if err != nil || !validValue(value) {
		return fmt.Errorf("header %s has a value that no header may have", name)
	}
	h.headers = append(h.headers, field{name, value})
	return nil
}

// scalar is a JSON value as text: strings without their quotes.
func scalar(raw json.RawMessage) (string, error) {
	if raw[0] != '"' {
		return string(raw), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }

func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// remapped are the headers that AWS's front end owns: the function's come out
// under another name (API Gateway Developer Guide, "Important notes", which
// describes the same front end; seen of Content-Length and WWW-Authenticate
// with function URLs).
var remapped = map[string]bool{
	"content-length": true, "www-authenticate": true, "date": true, "server": true,
	"connection": true, "authorization": true, "host": true, "x-amzn-requestid": true,
}

// dropped belong to one connection and mean nothing on the next (RFC 9110,
// 7.6.1); how AWS treats them is not known.
var dropped = map[string]bool{
	"transfer-encoding": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "upgrade": true,
}

// begin sends status and headers. Names go out as the function spelled them.
func (c *call) begin(h *head, contentType string) {
	out := c.w.Header()
	for _, f := range h.headers {
		switch lower := strings.ToLower(f.name); {
		case lower == "content-type":
			contentType = f.value
		case dropped[lower]:
		case remapped[lower]:
			f.name = "x-amzn-Remapped-" + lower
			out[f.name] = append(out[f.name], f.value)
		case strings.HasPrefix(lower, "access-control-"), lower == "vary":
			out.Add(f.name, f.value) // beside those of the configuration
		default:
			out[f.name] = append(out[f.name], f.value)
		}
	}
	for _, cookie := range h.cookies {
		out["Set-Cookie"] = append(out["Set-Cookie"], cookie)
	}
	out["Content-Type"] = []string{contentType}
	c.status = h.status
	c.w.WriteHeader(h.status)
}
