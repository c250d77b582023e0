package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxBody is how much of an unread body Verify holds to hash it, when the
// client sent no hash of its own: the largest request that any of the
// services takes (DynamoDB's 16 MiB).
const maxBody = 16 << 20

// maxKeys bounds the cache of signing keys: one is used for a day by each
// access key, region and service.
const maxKeys = 1024

// Verifier checks signatures. It remembers signing keys, which take four
// HMACs to derive and are good for a day. The zero value is ready; it is safe
// for concurrent use.
type Verifier struct {
	mu   sync.RWMutex
	keys map[scope]*signer
}

// scope is what a signing key is derived from.
type scope struct{ secret, date, region, service string }

type signingKey [sha256.Size]byte

// signer signs with one key. Its hashes have taken the key in already, which
// is half the work of a short signature, and are used again.
type signer struct{ hashes sync.Pool }

func newSigner(key signingKey) *signer {
	return &signer{sync.Pool{New: func() any { return hmac.New(sha256.New, key[:]) }}}
}

// scratch holds the canonical request, the string to sign and the signature.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// Verify tells whether r was signed with secret as c claims.
//
// body is the payload when the caller has read it. When it is nil, r.Body is
// unread: a hash that the client declared is taken for the signature, and
// r.Body is replaced by a reader that fails at its end when the payload does
// not have that hash. Without a declared hash the body is read here, and
// r.Body replaced by what was read.
func (v *Verifier) Verify(r *http.Request, c *Claim, secret string, body []byte) error {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	canonical, err := appendPayloadHash(appendCanonical((*buf)[:0], r, c), r, c, body)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(canonical)
	whole := appendStringToSign(canonical, c, sum[:])
	toSign := whole[len(canonical):]
	signed := v.appendSignature(whole, scope{secret, c.Date, c.Region, c.Service}, toSign)
	*buf = signed[:0]
	if subtle.ConstantTimeCompare(signed[len(whole):], []byte(c.Signature)) == 1 {
		return nil
	}
	return &Error{Code: codeInvalid, Message: mismatchText,
		CanonicalRequest: string(canonical), StringToSign: string(toSign)}
}

// appendSignature appends the signature of toSign in hex.
func (v *Verifier) appendSignature(b []byte, s scope, toSign []byte) []byte {
	key := v.signer(s)
	h := key.hashes.Get().(hash.Hash)
	defer key.hashes.Put(h)
	h.Reset()
	h.Write(toSign)
	at := len(b)
	b = h.Sum(b)
	raw := [sha256.Size]byte(b[at:])
	return appendHex(b[:at], raw[:])
}

func (v *Verifier) signer(s scope) *signer {
	v.mu.RLock()
	key := v.keys[s]
	v.mu.RUnlock()
	if key != nil {
		return key
	}
	key = newSigner(derive(s))
	s.date = strings.Clone(s.date) // the request's memory must not stay with the key
	s.region, s.service = strings.Clone(s.region), strings.Clone(s.service)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil || len(v.keys) >= maxKeys {
		v.keys = make(map[scope]*signer)
	}
	v.keys[s] = key
	return key
}

func derive(s scope) signingKey {
	key := mac([]byte("AWS4"+s.secret), []byte(s.date))
	key = mac(key[:], []byte(s.region))
	key = mac(key[:], []byte(s.service))
	return mac(key[:], []byte(terminator))
}

func mac(key, message []byte) (sum signingKey) {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	h.Sum(sum[:0])
	return sum
}

const (
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// appendPayloadHash appends the last line of the canonical request. The services hash
// the payload themselves, so a declared hash counts only if it is right;
// words in its place ("UNSIGNED-PAYLOAD", "STREAMING-...") are taken as they
// are, except by Lambda, which refuses unsigned payloads.
func appendPayloadHash(b []byte, r *http.Request, c *Claim, body []byte) ([]byte, error) {
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" {
		declared = c.payloadHash
	}
	if declared == "" && c.Presigned && c.Service == "s3" {
		declared = unsignedPayload
	}
	isHash := isSHA256(declared)
	word := declared != "" && !isHash && c.Service != "lambda"
	switch {
	case word:
		return append(b, declared...), nil
	case body != nil:
		return appendHash(b, body), nil
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		return append(b, emptyHash...), nil
	case isHash:
		r.Body = &checkedBody{body: r.Body, hash: sha256.New(), want: declared}
		return append(b, declared...), nil
	}
	read, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return b, fmt.Errorf("reading the payload to verify its signature: %w", err)
	}
	if len(read) > maxBody {
		return b, &Error{Code: CodeTooLarge, Message: fmt.Sprintf(
			"a payload whose hash is not in x-amz-content-sha256 must be smaller than %d bytes", maxBody)}
	}
	r.Body = readAlready{bytes.NewReader(read), r.Body}
	return appendHash(b, read), nil
}

func isSHA256(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, lowerHex) == ""
}

// appendHash appends the hash of payload in hex.
func appendHash(b, payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return appendHex(b, sum[:])
}

// readAlready yields what was read and closes what it was read from.
type readAlready struct {
	io.Reader
	io.Closer
}

// checkedBody passes a body on as it comes and fails at its end when it does
// not have the hash that was signed.
type checkedBody struct {
	body io.ReadCloser
	hash hash.Hash
	want string
}

func (c *checkedBody) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(c.hash.Sum(nil)) != c.want {
		err = &Error{Code: codeInvalid, Message: mismatchText}
	}
	return n, err
}

func (c *checkedBody) Close() error { return c.body.Close() }
