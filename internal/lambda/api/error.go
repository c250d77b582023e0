package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		WriteError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// capitalMessage lists the exceptions whose text stands under "Message"; it is
// "message" in the others (Lambda's service model).
var capitalMessage = map[string]bool{
	"ResourceNotFoundException": true, "AccessDeniedException": true, "ServiceException": true,
	"RecursiveInvocationException": true, "SnapStartException": true, "NoPublishedVersionException": true,
}

// WriteError answers with an error in Lambda's shape: Type, the text under the
// key that this error has, and Reason for throttling.
func WriteError(w http.ResponseWriter, err error) {
	e := &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "Internal server error"}
	var refused *invoke.Error
	var shell *awsapi.Error
	switch {
	case errors.As(err, &refused):
		e = refused
	case errors.As(err, &shell):
		awsapi.WriteError(w, err, awsapi.RESTJSON)
		return
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	writeJSON(w, e.Status, errorBody(e))
}

// errorJSON has its members in the order in which AWS writes them.
type errorJSON struct {
	Reason  string `json:"Reason,omitempty"`
	Type    string `json:"Type"`
	Message string `json:"Message,omitempty"`
	Lower   string `json:"message,omitempty"`
}

func errorBody(e *invoke.Error) errorJSON {
	body := errorJSON{Type: "User"}
	if e.Status >= http.StatusInternalServerError {
		body.Type = "Service"
	}
	if capitalMessage[e.Code] {
		body.Message = e.Message
	} else {
		body.Lower = e.Message
	}
	if body.Reason = e.Reason; body.Reason == "" && e.Code == "TooManyRequestsException" {
		body.Reason = "ConcurrentInvocationLimitExceeded"
	}
	return body
}
