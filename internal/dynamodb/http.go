package dynamodb

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/journal"
)

const (
	// maxBody is the largest request (API reference: 16 MB).
	maxBody = 16 << 20
	// maxPooled keeps the buffers of rare huge requests out of the pool.
	maxPooled = 1 << 20

	targetPrefix        = "DynamoDB_20120810."
	streamsTargetPrefix = "DynamoDBStreams_20120810."

	jsonType  = "application/x-amz-json-1.0"
	otherType = "application/json"

	// exposed are the headers that scripts in browsers may read.
	exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"

	// unknownXML answers what is not even the shape of a call.
	unknownXML = "<UnknownOperationException/>\n"
)

// call is one request on its way through an operation.
type call struct {
	service   *Service
	http      *http.Request
	caller    awsapi.Caller
	operation string
	table     string // for the journal; set by the operation
	body      *attribute.Reader
	// out is the answer; operations append to it.
	out []byte
}

// buffers are what a call reads its body into and writes its answer into.
type buffers struct {
	in, out []byte
}

// serverName is what AWS calls the server in every answer.
var serverName = []string{"Server"}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// ServeHTTP answers one API call. The order of the checks is DynamoDB's: size,
// method and content type, JSON, target, signature, then the operation's own.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	b := pool.Get().(*buffers)
	defer func() {
		if cap(b.in) <= maxPooled && cap(b.out) <= maxPooled {
			pool.Put(b)
		}
	}()
	var tooLarge bool
	if b.in, tooLarge = readBody(b.in[:0], r); tooLarge {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	h := w.Header()
	if r.Header.Get("Origin") != "" {
		h["Access-Control-Allow-Origin"] = []string{"*"}
		h["Access-Control-Expose-Headers"] = []string{exposed}
	}
	contentType, answered := s.envelope(w, r, len(b.in) > 0)
	if answered {
		return
	}
	c := &call{service: s, http: r, out: b.out[:0]}
	status := http.StatusOK
	if err := c.run(b.in); err != nil {
		c.out, status = c.appendError(c.out[:0], err)
	}
	b.out = c.out
	h["Content-Type"] = []string{contentType}
	respond(w, status, c.out)
	if s.config.Journal.Wants(journal.Requested) {
		s.config.Journal.Publish(journal.Entry{
			Kind: journal.Requested, Method: "dynamodb:" + c.operation, Path: c.table, Status: status,
			Duration: time.Since(start), Bytes: len(c.out), RequestID: h.Get("X-Amzn-Requestid"),
		})
	}
}

// readBody reads a request's body into a buffer that is used again.
func readBody(buf []byte, r *http.Request) (body []byte, tooLarge bool) {
	if r.ContentLength > maxBody {
		return buf, true
	}
	if n := int(r.ContentLength); n >= cap(buf) {
		buf = make([]byte, 0, n+1)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > maxBody {
			return buf, true
		}
		if err != nil {
			// A body cut short is no JSON, or not the one that was signed.
			return buf, false
		}
	}
}

// decompress undoes the compression of a request, which its signature covers.
// What it cannot read is an internal error to DynamoDB.
func decompress(encoding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch encoding {
	case "identity":
		return body, nil
	case "gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		err = errors.New("encoding is not known")
	}
	if err == nil {
		if body, err = io.ReadAll(io.LimitReader(r, maxBody+1)); len(body) > maxBody {
			err = errors.New("request is too large")
		}
	}
	if err != nil {
		return nil, &attribute.Error{Code: message.InternalServerError, Message: "Content-Encoding: " + encoding + ": " + err.Error()}
	}
	return body, nil
}

// envelope answers what is no call: the health check, preflights, other
// methods and content types. Otherwise it returns the answer's content type.
func (s *Service) envelope(w http.ResponseWriter, r *http.Request, hasBody bool) (contentType string, answered bool) {
	h := w.Header()
	switch {
	case r.Method == http.MethodPost:
	case r.Method == http.MethodGet:
		h.Set("Content-Type", "text/plain")
		respond(w, http.StatusOK, []byte("healthy: dynamodb."+s.config.Region+".amazonaws.com "))
		return "", true
	case r.Method == http.MethodOptions && r.Header.Get("Origin") != "":
		for from, to := range map[string]string{
			"Access-Control-Request-Headers": "Access-Control-Allow-Headers",
			"Access-Control-Request-Method":  "Access-Control-Allow-Methods",
		} {
			if v := r.Header.Get(from); v != "" {
				h.Set(to, v)
			}
		}
		h.Set("Access-Control-Max-Age", "172800")
		respond(w, http.StatusOK, nil)
		return "", true
	default:
		respond(w, http.StatusNotFound, []byte(unknownXML))
		return "", true
	}
	contentType, _, _ = strings.Cut(r.Header.Get("Content-Type"), ";")
	switch contentType = strings.TrimSpace(contentType); {
	case contentType == jsonType || contentType == otherType:
		return contentType, false
	case contentType == "" && !hasBody:
		return otherType, false
	}
	respond(w, http.StatusNotFound, []byte(unknownXML))
	return "", true
}

// respond sends a body with the headers every answer has. The checksum is one
// of them on errors too: the SDK for Go complains about each answer without it
// (aws/aws-sdk-go-v2 issue 3545).
func respond(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Server"] = serverName
	values := []string{requestID(), strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10), strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"], h["X-Amz-Crc32"], h["Content-Length"] = values[:1:1], values[1:2:2], values[2:]
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has left; there is nobody to tell
}

// requestID is 52 upper-case letters and digits.
func requestID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b [52]byte
	_, _ = io.ReadFull(rand.Reader, b[:]) // never fails (crypto/rand)
	for i, c := range b {
		b[i] = letters[int(c)%len(letters)]
	}
	return string(b[:])
}
