// Package secretsmanager is the part of AWS Secrets Manager that apps use:
// secrets that a template declares, with generated passwords, read by
// functions and by dynamic references ({{resolve:secretsmanager:…}}).
//
// Secrets are kept in one file that only this user may read; they are not
// encrypted on this machine. A generated password stays the same from one run
// to the next.
package secretsmanager

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/store"
)

// Config is what a Service needs.
type Config struct {
	File              string // where secrets are kept; "" keeps nothing
	Region, AccountID string
	Partition         string // "" is aws
	Journal           *journal.Journal
	Authenticator     awsapi.Authenticator
	Authorizer        awsapi.Authorizer
}

// Service is Secrets Manager. It is safe for concurrent use.
type Service struct {
	config Config
	api    awsapi.JSONAPI

	mu      sync.Mutex
	secrets map[string]*secret // by name
}

// secret is one name; AWS keeps older versions by stage, of which only the
// previous one has a name of its own.
type secret struct {
	Description string    `json:"description,omitempty"`
	Current     *version  `json:"current,omitempty"`
	Previous    *version  `json:"previous,omitempty"`
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
	// Declared is what the template said of the value last; a value put since
	// then stays until the template says something else.
	Declared string `json:"declared,omitempty"`
}

type version struct {
	ID      string    `json:"id"`
	Text    *string   `json:"text,omitempty"`
	Binary  []byte    `json:"binary,omitempty"`
	Created time.Time `json:"created"`
}

const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
)

// New reads the kept secrets.
func New(c Config) (*Service, error) {
	if c.Partition == "" {
		c.Partition = "aws"
	}
	s := &Service{config: c, secrets: map[string]*secret{}}
	s.api = awsapi.JSONAPI{Service: "secretsmanager", TargetPrefix: "secretsmanager.", Authenticator: c.Authenticator, Journal: c.Journal, Operations: s.operations()}
	if err := store.File(c.File).Load(&s.secrets); err != nil {
		return nil, fmt.Errorf("reading the secrets that are kept: %w", err)
	}
	return s, nil
}

// save replaces the file. The caller holds mu.
func (s *Service) save() error { return store.File(s.config.File).Save(s.secrets) }

// put makes v the current version. The caller holds mu.
func (s *Service) put(name string, sec *secret, v *version) error {
	now := time.Now().UTC()
	v.Created = now
	if v.ID == "" {
		v.ID = awsapi.NewRequestID()
	}
	before, known := *sec, s.secrets[name]
	if sec.Changed = now; sec.Created.IsZero() {
		sec.Created = now
	}
	sec.Previous, sec.Current = sec.Current, v
	s.secrets[name] = sec
	if err := s.save(); err != nil {
		*sec = before
		if s.secrets[name] = known; known == nil {
			delete(s.secrets, name)
		}
		return err
	}
	return nil
}

// arn ends, as on AWS, with a hyphen and six characters, which here follow
// from the name.
func (s *Service) arn(name string) string {
	sum := sha256.Sum256([]byte(s.config.AccountID + s.config.Region + name))
	return fmt.Sprintf("arn:%s:secretsmanager:%s:%s:secret:%s-%s", s.config.Partition, s.config.Region, s.config.AccountID,
		name, base32.StdEncoding.EncodeToString(sum[:])[:6])
}

// find looks up a secret by name, ARN or ARN without the last six characters.
// The caller holds mu.
func (s *Service) find(id string) (string, *secret) {
	if sec := s.secrets[id]; sec != nil {
		return id, sec
	}
	if strings.HasPrefix(id, "arn:") {
		for name, sec := range s.secrets {
			if full := s.arn(name); full == id || full[:len(full)-7] == id {
				return name, sec
			}
		}
	}
	return "", nil
}

// stage picks a version; "" is the current one.
func (sec *secret) stage(stage, id string) (*version, string) {
	for _, v := range []struct {
		version *version
		stage   string
	}{{sec.Current, stageCurrent}, {sec.Previous, stagePrevious}} {
		if v.version == nil || id != "" && v.version.ID != id || stage != "" && v.stage != stage || id == "" && stage == "" && v.stage != stageCurrent {
			continue
		}
		return v.version, v.stage
	}
	return nil, ""
}

// Lookup answers a dynamic reference: secret-id:SecretString:json-key:stage:id,
// of which everything after the id may be left out (CloudFormation User Guide,
// "Get a secret or secret value from Secrets Manager").
func (s *Service) Lookup(key string) (*document.Node, bool) {
	parts := 0
	if strings.HasPrefix(key, "arn:") {
		parts = 6 // the colons of the ARN itself
	}
	fields := strings.Split(key, ":")
	if len(fields) <= parts {
		return nil, false
	}
	id := strings.Join(fields[:parts+1], ":")
	rest := append(fields[parts+1:], "", "", "", "")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, sec := s.find(id)
	if sec == nil {
		return nil, false
	}
	v, _ := sec.stage(rest[2], rest[3])
	if v == nil || v.Text == nil {
		return nil, false
	}
	text := *v.Text
	if rest[1] != "" {
		n, msgs := document.Parse("", []byte(text))
		if msgs.HasErrors() || n.Get(rest[1]) == nil {
			return nil, false
		}
		text = n.Get(rest[1]).TextOr(n.Get(rest[1]).JSON())
	}
	return document.Str(text, diag.Position{}), true
}
