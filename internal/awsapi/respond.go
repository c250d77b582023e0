package awsapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
)

// Protocol is how an AWS API puts requests and errors on the wire.
type Protocol int

const (
	// RESTJSON: method and path name the operation, the error's name is in
	// x-amzn-ErrorType (Lambda, API Gateway, AppSync).
	RESTJSON Protocol = iota
	// JSON10 and JSON11: X-Amz-Target names the operation, the error's name
	// is in __type, and a refused signature is a 400 (DynamoDB speaks 1.0,
	// App Runner 1.0, CloudWatch Logs 1.1).
	JSON10
	JSON11
	// Query: a form names the operation, answers are XML (STS, IAM).
	Query
)

// requestIDHeader is spelled as the services spell it; net/http would send
// "X-Amzn-Requestid", which is the same header to every client.
const requestIDHeader = "X-Amzn-Requestid"

// WriteError answers a request with err. An *Error anywhere in err's chain is
// told as it is; anything else is an internal failure, whose text stays here.
// The request id is taken from the headers already set on w, or made.
func WriteError(w http.ResponseWriter, err error, p Protocol) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "Internal server error"}
	}
	h := w.Header()
	if h.Get(requestIDHeader) == "" {
		h.Set(requestIDHeader, NewRequestID())
	}
	status, body := e.render(p, h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// render sets the headers that carry the error and returns status and body.
func (e *Error) render(p Protocol, h http.Header) (int, []byte) {
	switch p {
	case JSON10, JSON11:
		h.Set("Content-Type", "application/x-amz-json-1."+string('0'+rune(p-JSON10)))
		status, name := e.Status, e.Code
		if shellErrors[e.Code] != "" {
			status = http.StatusBadRequest
			if p == JSON10 {
				name = "com.amazon.coral.service#" + name
			}
		}
		return status, jsonObject("__type", name, MessageKey(e.Code), e.Message)
	case Query:
		h.Set("Content-Type", "text/xml")
		return e.Status, e.xml(h.Get(requestIDHeader))
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.Code)
	return e.Status, jsonObject(MessageKey(e.Code), e.Message)
}

// MessageKey is the member that holds an error's text: AWS's front ends write
// "Message" when policies refuse a call and "message" otherwise. Services
// with a longer list of exceptions (Lambda) keep their own.
func MessageKey(code string) string {
	if code == "AccessDeniedException" {
		return "Message"
	}
	return "message"
}

// shellErrors are the refusals that come before any operation, with the names
// that the query protocol has for them (STS API Reference, "Common Errors").
var shellErrors = map[string]string{
	"AccessDeniedException":               "AccessDenied",
	"ExpiredTokenException":               "ExpiredToken",
	"IncompleteSignatureException":        "IncompleteSignature",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"UnknownOperationException":           "InvalidAction",
	"UnrecognizedClientException":         "InvalidClientTokenId",
}

// jsonObject writes name, value pairs in their order, without escaping HTML,
// as AWS does.
func jsonObject(pairs ...string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, s := range pairs {
		switch {
		case i == 0:
			b.WriteByte('{')
		case i%2 == 0:
			b.WriteByte(',')
		default:
			b.WriteByte(':')
		}
		_ = enc.Encode(s)       // strings always encode
		b.Truncate(b.Len() - 1) // the newline that Encode adds
	}
	b.WriteByte('}')
	return b.Bytes()
}

// errorResponse is the query protocol's error document.
type errorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (e *Error) xml(requestID string) []byte {
	doc := errorResponse{
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Type:      "Sender", Code: e.Code, Message: e.Message, RequestID: requestID,
	}
	if e.Status >= 500 {
		doc.Type = "Receiver"
	}
	if name := shellErrors[e.Code]; name != "" {
		doc.Code = name
	}
	b, _ := xml.Marshal(doc) // strings always marshal
	return append(b, '\n')
}
