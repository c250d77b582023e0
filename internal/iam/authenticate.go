package iam

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

// Authenticate implements awsapi.Authenticator: it finds out who signed r.
func (s *Service) Authenticate(r *http.Request, service string, body []byte) (awsapi.Caller, error) {
	claim, err := sigv4.Parse(r)
	if err != nil {
		return awsapi.Caller{}, s.refused(err, service, awsapi.Caller{})
	}
	region := ""
	if s.config.Strict {
		region = s.config.Region
	}
	if err := claim.Check(service, region, time.Now()); err != nil {
		return awsapi.Caller{}, s.refused(err, service, awsapi.Caller{})
	}
	known, caller, err := s.holder(&claim)
	if err != nil || known.AccessKeyID == "" {
		return caller, err
	}
	// AWS answers the same to a wrong token as to an unknown key.
	if subtle.ConstantTimeCompare([]byte(claim.SessionToken), []byte(known.SessionToken)) != 1 {
		return awsapi.Caller{}, unknownToken()
	}
	if err := s.verifier.Verify(r, &claim, known.SecretAccessKey, body); err != nil {
		return awsapi.Caller{}, s.refused(err, service, caller)
	}
	return caller, nil
}

// holder finds whose access key is claimed. The credentials are empty for a
// key whose secret Suiro cannot know.
func (s *Service) holder(claim *sigv4.Claim) (Credentials, awsapi.Caller, error) {
	if claim.AccessKeyID == s.owner.AccessKeyID {
		return s.owner, s.ownerCaller(claim.AccessKeyID), nil
	}
	s.mu.RLock()
	held := s.sessions[claim.AccessKeyID]
	s.mu.RUnlock()
	switch {
	case held != nil:
		return held.credentials, held.caller, nil
	case s.config.Strict:
		return Credentials{}, awsapi.Caller{}, unknownToken()
	}
	return Credentials{}, s.ownerCaller(claim.AccessKeyID), nil
}

// ownerCaller is the account's root, as AWS names it.
func (s *Service) ownerCaller(accessKeyID string) awsapi.Caller {
	return awsapi.Caller{
		AccountID: s.config.AccountID, UserID: s.config.AccountID, AccessKeyID: accessKeyID, Owner: true,
		ARN: s.root,
	}
}

func unknownToken() *awsapi.Error {
	return &awsapi.Error{Status: http.StatusForbidden, Code: "UnrecognizedClientException",
		Message: "The security token included in the request is invalid."}
}

// refused turns the verdict on a signature into a refusal. Of a signature
// that does not match, every service but Lambda shows what it had computed;
// the journal shows it always.
func (s *Service) refused(err error, service string, caller awsapi.Caller) error {
	var verdict *sigv4.Error
	if !errors.As(err, &verdict) {
		return err
	}
	refusal := &awsapi.Error{Status: http.StatusForbidden, Code: verdict.Code, Message: verdict.Message}
	if verdict.Code == sigv4.CodeTooLarge {
		refusal.Status = http.StatusRequestEntityTooLarge
	}
	if verdict.CanonicalRequest == "" {
		return refusal
	}
	s.config.Journal.Publish(journal.Entry{
		Kind: journal.Noticed, Function: lastSegment(caller.ARN), Status: refusal.Status,
		Text: fmt.Sprintf("a call to %s by %s has a wrong signature", service, caller.ARN), Err: verdict.Detailed(),
	})
	if service != "lambda" {
		refusal.Message = verdict.Detailed()
	}
	return refusal
}
