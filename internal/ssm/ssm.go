// Package ssm is the Parameter Store of AWS Systems Manager: parameters that a
// template declares or a program puts, read by functions and by dynamic
// references ({{resolve:ssm:name}}).
//
// Values are kept in one file that is replaced as a whole: there are few, and
// they change seldom. SecureString values are not encrypted on this machine;
// without WithDecryption their text is not shown.
package ssm

import (
	"encoding/base64"
	"fmt"
	"strconv"
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
	File              string // where parameters are kept; "" keeps nothing
	Region, AccountID string
	Partition         string // "" is aws
	Journal           *journal.Journal
	Authenticator     awsapi.Authenticator
	Authorizer        awsapi.Authorizer
}

// Service is the Parameter Store. It is safe for concurrent use.
type Service struct {
	config Config
	api    awsapi.JSONAPI

	mu         sync.Mutex
	parameters map[string]*parameter // by name
}

// parameter is one name with all its values, oldest first.
type parameter struct {
	Type        string  `json:"type"` // String, StringList, SecureString
	Description string  `json:"description,omitempty"`
	DataType    string  `json:"dataType,omitempty"`
	Values      []value `json:"values"`
	// Declared is the value that the template gave last: as on AWS, a value
	// put since then stays until the template says another one.
	Declared *string `json:"declared,omitempty"`
}

type value struct {
	Text     string    `json:"text"`
	Version  int       `json:"version"`
	Modified time.Time `json:"modified"`
}

func (p *parameter) last() value { return p.Values[len(p.Values)-1] }

// maxVersions is how many values AWS keeps of one parameter.
const maxVersions = 100

// New reads the kept parameters.
func New(c Config) (*Service, error) {
	if c.Partition == "" {
		c.Partition = "aws"
	}
	s := &Service{config: c, parameters: map[string]*parameter{}}
	s.api = awsapi.JSONAPI{Service: "ssm", TargetPrefix: "AmazonSSM.", Authenticator: c.Authenticator, Journal: c.Journal, Operations: s.operations()}
	if err := store.File(c.File).Load(&s.parameters); err != nil {
		return nil, fmt.Errorf("reading the parameters that are kept: %w", err)
	}
	return s, nil
}

// put adds a value and keeps it on disk before it returns. The caller holds mu.
func (s *Service) put(name string, p *parameter, text string) error {
	before := p.Values
	version := 1
	if len(before) > 0 {
		version = p.last().Version + 1
	}
	p.Values = append(append([]value(nil), before...), value{Text: text, Version: version, Modified: time.Now().UTC()})
	if len(p.Values) > maxVersions {
		p.Values = p.Values[1:]
	}
	known := s.parameters[name]
	s.parameters[name] = p
	if err := s.save(); err != nil {
		p.Values = before
		if s.parameters[name] = known; known == nil {
			delete(s.parameters, name)
		}
		return err
	}
	return nil
}

// save replaces the file. The caller holds mu.
func (s *Service) save() error { return store.File(s.config.File).Save(s.parameters) }

// arn is a parameter's ARN: a name that begins with a slash adds none.
func (s *Service) arn(name string) string {
	return fmt.Sprintf("arn:%s:ssm:%s:%s:parameter/%s", s.config.Partition, s.config.Region, s.config.AccountID, strings.TrimPrefix(name, "/"))
}

// find looks up name, name:version or an ARN. The caller holds mu.
func (s *Service) find(asked string) (name string, p *parameter, v value, ok bool) {
	name = asked
	if rest, isARN := strings.CutPrefix(asked, "arn:"); isARN {
		_, name, _ = strings.Cut(rest, ":parameter")
		if s.parameters[beforeSelector(name)] == nil {
			name = strings.TrimPrefix(name, "/")
		}
	}
	selector := ""
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name, selector = name[:i], name[i+1:]
	}
	p = s.parameters[name]
	if p == nil {
		return name, nil, v, false
	}
	if selector == "" {
		return name, p, p.last(), true
	}
	n, err := strconv.Atoi(selector)
	for _, v := range p.Values {
		if err == nil && v.Version == n {
			return name, p, v, true
		}
	}
	return name, nil, v, false
}

func beforeSelector(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Lookup answers a dynamic reference: name or name:version. The value of a
// StringList is a list.
func (s *Service) Lookup(key string) (*document.Node, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, p, v, ok := s.find(key)
	if !ok {
		return nil, false
	}
	if p.Type != typeList {
		return document.Str(v.Text, diag.Position{}), true
	}
	list := document.Seq(diag.Position{})
	for text := range strings.SplitSeq(v.Text, ",") {
		list.Items = append(list.Items, document.Str(text, diag.Position{}))
	}
	return list, true
}

const (
	typeString = "String"
	typeList   = "StringList"
	typeSecure = "SecureString"
)

// shown is a value as an answer has it.
func (p *parameter) shown(v value, decrypt bool) string {
	if p.Type == typeSecure && !decrypt {
		// AWS answers with the ciphertext; anything opaque does.
		return "AQICA" + base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(len(v.Text))+"/not shown without WithDecryption"))
	}
	return v.Text
}
