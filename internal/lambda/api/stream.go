package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/eventstream"
)

func payloadChunk(b, payload []byte) []byte {
	return eventstream.Append(b, payload, ":message-type", "event", ":event-type", "PayloadChunk", ":content-type", "application/octet-stream")
}

// completion is the InvokeComplete event.
type completion struct {
	ErrorCode    string `json:"ErrorCode,omitempty"`
	ErrorDetails string `json:"ErrorDetails,omitempty"`
	LogResult    string `json:"LogResult,omitempty"`
}

func invokeComplete(b []byte, c completion) []byte {
	payload, _ := json.Marshal(c) // strings always marshal
	return eventstream.Append(b, payload, ":message-type", "event", ":event-type", "InvokeComplete", ":content-type", "application/json")
}

// A stream waits for its first large piece with slowRead: many wait at the same
// time.
const (
	slowRead = 1 << 10
	fastRead = 32 << 10
)

// serveStream is InvokeWithResponseStream: one frame for each piece the
// function writes, as it is written, and one at the end.
func (s *Handler) serveStream(w http.ResponseWriter, r *http.Request, name string) error {
	req, err := s.readRequest(w, r, name)
	if err != nil {
		return err
	}
	if req.Type == invoke.Event {
		return &invoke.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException",
			Message: "InvokeWithResponseStream supports the invocation types RequestResponse and DryRun"}
	}
	req.Mode = invoke.Stream
	res, err := s.cfg.Functions.Invoke(r.Context(), req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if req.Type == invoke.DryRun {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Header().Set("X-Amz-Executed-Version", res.ExecutedVersion)
	w.Header().Set("X-Amzn-Trace-Id", answeredTrace(req.TraceID))
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	_ = out.Flush() // the caller has its stream before the first byte is written
	buf := make([]byte, slowRead)
	var frame []byte
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			frame = payloadChunk(frame[:0], buf[:n])
			if _, err := w.Write(frame); err != nil {
				return nil // the caller went away; the function goes on
			}
			_ = out.Flush()
		}
		if err != nil {
			break
		}
		if n == slowRead {
			buf = make([]byte, fastRead)
		}
	}
	end := res.End()
	c := completion{}
	if end.Outcome != invoke.Complete {
		c.ErrorCode, c.ErrorDetails = end.ErrorType, string(end.ErrorBody)
		if c.ErrorCode == "" {
			c.ErrorCode = "Unhandled"
		}
	}
	if req.LogTail {
		c.LogResult = base64.StdEncoding.EncodeToString(res.LogTail())
	}
	_, _ = w.Write(invokeComplete(frame[:0], c))
	return nil
}
