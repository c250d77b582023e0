package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

// act calls an AWS service that runs here in the name of an integration's
// role, as API Gateway does: with a signed request, so that the role's
// policies count.
func (s *services) act(ctx context.Context, action *websocketapi.Action) (*websocketapi.ActionAnswer, error) {
	if action.Service != "dynamodb" {
		return nil, fmt.Errorf("%s is not run here", action.Service)
	}
	if action.RoleARN == "" {
		return nil, errors.New("the integration has no CredentialsArn: API Gateway needs a role to call " + action.Service)
	}
	if strings.Contains(action.RoleARN, "*") {
		return nil, errors.New("the caller's own credentials (CredentialsArn " + action.RoleARN + ") cannot be used, name a role")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://dynamodb."+s.region+".amazonaws.com/", bytes.NewReader(action.Body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action.Name)
	c := s.iam.Issue(action.RoleARN, "BackplaneAssumeRoleSession") // the name that CloudTrail shows
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken},
		s.region, "dynamodb", action.Body, time.Now())
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	s.tables().ServeHTTP(w, r)
	return &websocketapi.ActionAnswer{Status: w.status, Header: w.header, Body: w.body.Bytes()}, nil
}

// recorder keeps an answer that goes nowhere else.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }
