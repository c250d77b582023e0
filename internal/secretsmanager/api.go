package secretsmanager

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// ServeHTTP answers the API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

func (s *Service) operations() map[string]func(awsapi.Caller, []byte) (any, error) {
	return map[string]func(awsapi.Caller, []byte) (any, error){
		"GetSecretValue": s.getSecretValue,
		"PutSecretValue": s.putSecretValue,
		"UpdateSecret":   s.putSecretValue, // the same but for what it may also change
		"CreateSecret":   s.createSecret,
		"DescribeSecret": s.describeSecret,
		"ListSecrets":    s.listSecrets,
		"DeleteSecret":   s.deleteSecret,
	}
}

func refusal(code, message string) error {
	return &awsapi.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// errNotFound is what AWS says of a secret that is not there.
var errNotFound = refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")

func (s *Service) authorize(c awsapi.Caller, action, arn string) error {
	if s.config.Authorizer == nil {
		return nil
	}
	return s.config.Authorizer.Authorize(c, "secretsmanager:"+action, arn)
}

// input is what the operations take.
type input struct {
	SecretId, Name, Description         string //nolint:revive // AWS's spelling
	VersionId, VersionStage             string //nolint:revive
	ClientRequestToken                  string
	SecretString                        *string
	SecretBinary                        []byte
	ForceDeleteWithoutRecovery          bool
	MaxResults, RecoveryWindowInDays    int
	NextToken, KmsKeyId, AddReplicaArea string //nolint:revive
}

// open reads the input, finds the secret it names and checks the caller's
// right. The caller holds mu.
func (s *Service) open(c awsapi.Caller, action string, body []byte) (input, string, *secret, error) {
	var in input
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return in, "", nil, err
	}
	name, sec := s.find(in.SecretId)
	if sec == nil {
		if err := s.authorize(c, action, s.arn(in.SecretId)); err != nil {
			return in, "", nil, err
		}
		return in, "", nil, errNotFound
	}
	return in, name, sec, s.authorize(c, action, s.arn(name))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Service) getSecretValue(c awsapi.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, name, sec, err := s.open(c, "GetSecretValue", body)
	if err != nil {
		return nil, err
	}
	v, stage := sec.stage(in.VersionStage, in.VersionId)
	if v == nil {
		what := "staging label: " + stageCurrent
		if in.VersionStage != "" {
			what = "staging label: " + in.VersionStage
		} else if in.VersionId != "" {
			what = "VersionId: " + in.VersionId
		}
		return nil, refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for "+what)
	}
	out := map[string]any{"ARN": s.arn(name), "Name": name, "VersionId": v.ID, "VersionStages": []string{stage}, "CreatedDate": seconds(v.Created)}
	if v.Text != nil {
		out["SecretString"] = *v.Text
	} else {
		out["SecretBinary"] = v.Binary
	}
	return out, nil
}

func (s *Service) putSecretValue(c awsapi.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, name, sec, err := s.open(c, "PutSecretValue", body)
	if err != nil {
		return nil, err
	}
	if in.Description != "" {
		sec.Description = in.Description
	}
	if in.SecretString == nil && in.SecretBinary == nil {
		return map[string]any{"ARN": s.arn(name), "Name": name}, s.save()
	}
	v := &version{ID: in.ClientRequestToken, Text: in.SecretString, Binary: in.SecretBinary}
	if err := s.put(name, sec, v); err != nil {
		return nil, err
	}
	return map[string]any{"ARN": s.arn(name), "Name": name, "VersionId": v.ID, "VersionStages": []string{stageCurrent}}, nil
}

func (s *Service) createSecret(c awsapi.Caller, body []byte) (any, error) {
	var in input
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if err := s.authorize(c, "CreateSecret", s.arn(in.Name)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.Name == "":
		return nil, refusal("InvalidParameterException", "You must provide a value for the Name parameter.")
	case s.secrets[in.Name] != nil:
		return nil, refusal("ResourceExistsException", "The operation failed because the secret "+in.Name+" already exists.")
	}
	sec := &secret{Description: in.Description}
	v := &version{ID: in.ClientRequestToken, Text: in.SecretString, Binary: in.SecretBinary}
	if err := s.put(in.Name, sec, v); err != nil {
		return nil, err
	}
	return map[string]any{"ARN": s.arn(in.Name), "Name": in.Name, "VersionId": v.ID}, nil
}

func (s *Service) describe(name string, sec *secret) map[string]any {
	out := map[string]any{"ARN": s.arn(name), "Name": name, "CreatedDate": seconds(sec.Created), "LastChangedDate": seconds(sec.Changed)}
	if sec.Description != "" {
		out["Description"] = sec.Description
	}
	return out
}

func (s *Service) describeSecret(c awsapi.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, name, sec, err := s.open(c, "DescribeSecret", body)
	if err != nil {
		return nil, err
	}
	out, stages := s.describe(name, sec), map[string][]string{}
	if sec.Previous != nil {
		stages[sec.Previous.ID] = []string{stagePrevious}
	}
	if sec.Current != nil {
		stages[sec.Current.ID] = []string{stageCurrent}
	}
	out["VersionIdsToStages"] = stages
	return out, nil
}

func (s *Service) listSecrets(c awsapi.Caller, body []byte) (any, error) {
	var in input
	if err := awsapi.ReadJSON(body, &in); err != nil {
		return nil, err
	}
	if err := s.authorize(c, "ListSecrets", "*"); err != nil {
		return nil, err
	}
	if in.MaxResults < 1 || in.MaxResults > 100 {
		in.MaxResults = 100
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Sorted(maps.Keys(s.secrets))
	after, _ := strconv.Atoi(in.NextToken)
	list, out := []any{}, map[string]any{}
	for i := max(after, 0); i < len(names); i++ {
		if len(list) == in.MaxResults {
			out["NextToken"] = strconv.Itoa(i)
			break
		}
		list = append(list, s.describe(names[i], s.secrets[names[i]]))
	}
	out["SecretList"] = list
	return out, nil
}

// deleteSecret forgets the secret at once; AWS waits for a recovery window.
func (s *Service) deleteSecret(c awsapi.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, name, _, err := s.open(c, "DeleteSecret", body)
	if err != nil {
		return nil, err
	}
	delete(s.secrets, name)
	return map[string]any{"ARN": s.arn(name), "Name": name, "DeletionDate": seconds(time.Now())}, s.save()
}
