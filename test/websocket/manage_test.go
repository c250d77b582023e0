package websocket

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func asClose(err error, to *websocket.CloseError) bool { return errors.As(err, to) }

// manage calls the @connections API of Main; path is sent to the byte.
func (s *suiro) manage(t *testing.T, method, path string, body []byte) (*http.Response, string) {
	t.Helper()
	base, err := url.Parse(s.url(t, "Main"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://"+base.Host, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	s.sign(r, path, body)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// sign adds Signature Version 4 (IAM User Guide, "Create a signed AWS API
// request"): the path is normalized and encoded once more.
func (s *suiro) sign(r *http.Request, path string, body []byte) {
	var canonical strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			canonical.WriteString("/" + strings.ReplaceAll(url.QueryEscape(part), "+", "%20"))
		}
	}
	now := time.Now().UTC().Format("20060102T150405Z")
	scope := now[:8] + "/" + s.ready.AWS.Region + "/execute-api/aws4_request"
	sum := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	request := fmt.Sprintf("%s\n%s\n\nhost:%s\nx-amz-date:%s\n\nhost;x-amz-date\n%s", r.Method, canonical.String(), r.URL.Host, now, sum(body))
	key := []byte("AWS4" + s.ready.AWS.SecretAccessKey)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+now+"\n"+scope+"\n"+sum([]byte(request))) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("X-Amz-Date", now)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.ready.AWS.AccessKeyID+"/"+scope+
		", SignedHeaders=host;x-amz-date, Signature="+hex.EncodeToString(key))
}
