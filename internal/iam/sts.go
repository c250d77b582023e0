package iam

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// identityResponse is the answer to GetCallerIdentity, in XML and JSON.
type identityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse" json:"-"`
	Namespace string   `xml:"xmlns,attr" json:"-"`
	Result    struct {
		Arn     string `xml:"Arn"`
		UserID  string `xml:"UserId" json:"UserId"`
		Account string `xml:"Account"`
	} `xml:"GetCallerIdentityResult" json:"GetCallerIdentityResult"`
	Metadata struct {
		RequestID string `xml:"RequestId" json:"RequestId"`
	} `xml:"ResponseMetadata" json:"ResponseMetadata"`
}

// STS serves the one operation of STS that tells a caller who it is, which
// SDKs and tools use to try out their credentials.
func (s *Service) STS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amzn-RequestId", awsapi.NewRequestID())
		if err := s.callerIdentity(w, r); err != nil {
			awsapi.WriteError(w, err, awsapi.Query)
		}
	})
}

func (s *Service) callerIdentity(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return &awsapi.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge", Message: err.Error()}
		}
		return err
	}
	caller, err := s.Authenticate(r, "sts", body)
	if err != nil {
		return err
	}
	form := r.URL.Query()
	if len(body) > 0 {
		if form, err = url.ParseQuery(string(body)); err != nil {
			return &awsapi.Error{Status: http.StatusBadRequest, Code: "MalformedQueryString", Message: err.Error()}
		}
	}
	if action := form.Get("Action"); action != "GetCallerIdentity" {
		return &awsapi.Error{Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: "Could not find operation " + action + " for version " + form.Get("Version")}
	}
	answer := identityResponse{Namespace: stsNamespace}
	answer.Result.Arn, answer.Result.UserID, answer.Result.Account = caller.ARN, caller.UserID, caller.AccountID
	answer.Metadata.RequestID = w.Header().Get("x-amzn-RequestId")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(map[string]any{"GetCallerIdentityResponse": answer})
	}
	w.Header().Set("Content-Type", "text/xml")
	return xml.NewEncoder(w).Encode(answer)
}
