// Package iam says who calls and what they may do: the roles of an app, the
// credentials that functions get for their role, signatures, and the policies
// that allow or deny a call (IAM User Guide, "Policy evaluation logic").
//
// Functions are AWS clients like any other: their signature is verified and
// their role's policy counts. A caller with an access key that Suiro did not
// issue is, in dev, the developer with their own profile, and so the
// account's owner; in strict mode such a caller is refused.
package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

// Config is what a Service needs.
type Config struct {
	AccountID string // 12 digits
	Region    string
	Partition string // "" is "aws"
	// Strict is for production: only keys that Suiro issued pass, and what
	// Suiro cannot judge is denied.
	Strict bool
	// Owner is the account owner's access key; without one, a new one is made.
	Owner   Credentials
	Journal *journal.Journal
}

// Credentials are an access key as it is handed to somebody.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string    // empty for the owner's key
	Expiration      time.Time // zero for the owner's key
}

// credentialLife is how long a role's credentials say they are good for, as
// on AWS, where Lambda renews them before. Ours stay good as long as Suiro
// runs.
const credentialLife = 12 * time.Hour

// Service holds an account's principals and policies. It implements
// awsapi.Authenticator and awsapi.Authorizer and is safe for concurrent use.
type Service struct {
	config   Config
	owner    Credentials
	root     string // ARN of the account's owner
	verifier sigv4.Verifier

	mu       sync.RWMutex
	roles    map[string]*role         // by ARN
	attached map[string]attachment    // by stack and logical id of the policy resource
	managed  map[string]Policy        // the app's own managed policies, by ARN
	sessions map[string]*session      // by access key
	issued   map[sessionName]*session // the same, by whom they are for

	// effective caches what applies to a role; noted, what the developer was
	// told already. Both are emptied whenever a role or policy changes.
	effective map[string]*granted
	noted     map[string]bool
}

// role is a principal that functions act as.
type role struct {
	logicalID string
	name      string
	arn       string
	id        string
	inline    []Policy
	managed   []string // ARNs
}

// attachment is a policy resource of its own that names the roles it is for.
type attachment struct {
	policy Policy
	roles  []string // names
}

type sessionName struct{ roleARN, session string }

// session is a role in use under a name: a function.
type session struct {
	credentials Credentials
	roleARN     string
	caller      awsapi.Caller
}

// New makes a service without any roles.
func New(c Config) *Service {
	if c.Partition == "" {
		c.Partition = "aws"
	}
	s := &Service{
		config: c, owner: c.Owner, root: "arn:" + c.Partition + ":iam::" + c.AccountID + ":root",
		roles: map[string]*role{}, attached: map[string]attachment{}, managed: map[string]Policy{},
		sessions: map[string]*session{}, issued: map[sessionName]*session{},
		effective: map[string]*granted{}, noted: map[string]bool{},
	}
	if s.owner.AccessKeyID == "" {
		s.owner = Credentials{AccessKeyID: "AKIA" + randomID(16), SecretAccessKey: randomText(30)}
	}
	return s
}

// Owner returns the account owner's access key, for the command line and for
// tests of the app: it may do everything, in strict mode too.
func (s *Service) Owner() Credentials { return s.owner }

// Issue returns the credentials of a role in use under a session name, which
// for a function is its name. They are the same for the whole run.
func (s *Service) Issue(roleARN, sessionAs string) Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := sessionName{roleARN, sessionAs}
	held := s.issued[name]
	if held == nil {
		held = &session{roleARN: roleARN, credentials: Credentials{
			AccessKeyID:     "ASIA" + randomID(16),
			SecretAccessKey: randomText(30),
			SessionToken:    randomText(120),
		}}
		held.caller = s.sessionCaller(roleARN, sessionAs)
		held.caller.AccessKeyID = held.credentials.AccessKeyID
		s.issued[name] = held
		s.sessions[held.credentials.AccessKeyID] = held
	}
	c := held.credentials
	c.Expiration = time.Now().Add(credentialLife)
	return c
}

// Session is the caller whom Issue's credentials stand for, for a service that
// acts as a role itself.
func (s *Service) Session(roleARN, sessionAs string) awsapi.Caller {
	s.Issue(roleARN, sessionAs)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.issued[sessionName{roleARN, sessionAs}].caller
}

// sessionCaller is how AWS names a role in use.
func (s *Service) sessionCaller(roleARN, sessionAs string) awsapi.Caller {
	name, account, partition := roleARN, s.config.AccountID, s.config.Partition
	if a, err := arn.Parse(roleARN); err == nil {
		name, account, partition = lastSegment(a.Resource), a.AccountID, a.Partition
	}
	return awsapi.Caller{
		AccountID: account,
		ARN:       "arn:" + partition + ":sts::" + account + ":assumed-role/" + name + "/" + sessionAs,
		UserID:    stableID("AROA", roleARN) + ":" + sessionAs,
	}
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// changed forgets what was derived from roles and policies. s.mu is held.
func (s *Service) changed() {
	clear(s.effective)
	clear(s.noted)
}

// note tells the developer something once until the next change.
func (s *Service) note(e journal.Entry) {
	const most = 1000 // an app that varies its resources must not fill the memory
	key := e.Resource + "\x00" + e.Function + "\x00" + e.Text
	s.mu.Lock()
	known := s.noted[key] || len(s.noted) >= most
	s.noted[key] = true
	s.mu.Unlock()
	if !known {
		e.Kind = journal.Noticed
		s.config.Journal.Publish(e)
	}
}

// randomID makes upper-case letters and digits, as access keys have them.
func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base32.StdEncoding.EncodeToString(b)[:n]
}

// randomText makes base64 of n random bytes, as secrets and tokens are.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b)
}
