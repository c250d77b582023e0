package secretsmanager

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Handlers are the resource types the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{"AWS::SecretsManager::Secret": secretHandler{s}}
}

// secretHandler makes AWS::SecretsManager::Secret real.
type secretHandler struct{ s *Service }

func (secretHandler) Schema() resource.Schema {
	return resource.Schema{
		"Name": {}, "Description": {}, "SecretString": {}, "GenerateSecretString": {},
		"KmsKeyId":       {Support: resource.Accepted, Why: "nothing is encrypted with KMS here"},
		"ReplicaRegions": {Support: resource.Accepted, Why: "everything is on this machine"},
		"Tags":           {Support: resource.Accepted, Why: "tags have no effect here"},
		"Type":           {Support: resource.Accepted, Why: "secrets of other services are not managed here"},
	}
}

func (secretHandler) Check(spec resource.Spec) diag.List {
	p := spec.Properties
	if !p.Get("SecretString").IsNull() && !p.Get("GenerateSecretString").IsNull() {
		return diag.List{diag.Errorf(p.Get("SecretString").Pos, spec.LogicalID+".SecretString", "a secret has either SecretString or GenerateSecretString")}
	}
	return nil
}

func (h secretHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	p := spec.Properties
	name := p.Get("Name").TextOr("")
	if name == "" {
		sum := sha256.Sum256([]byte(spec.Stack.Name + "/" + spec.LogicalID))
		name = spec.LogicalID + "-" + base32.StdEncoding.EncodeToString(sum[:])[:12]
	}
	said := sha256.Sum256([]byte(text(p.Get("SecretString")) + "\x00" + text(p.Get("GenerateSecretString"))))
	declared := hex.EncodeToString(said[:])
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	sec := h.s.secrets[name]
	if sec == nil {
		sec = &secret{}
	}
	sec.Description = p.Get("Description").TextOr("")
	if sec.Declared != declared {
		v := &version{}
		if g := p.Get("GenerateSecretString"); !g.IsNull() {
			made, err := generate(g, spec.LogicalID+".GenerateSecretString")
			if err != nil {
				return nil, err
			}
			v.Text = &made
		} else if n := p.Get("SecretString"); !n.IsNull() {
			said := text(n)
			v.Text = &said
		}
		sec.Declared = declared
		if err := h.s.put(name, sec, v); err != nil {
			return nil, err
		}
	}
	arn := h.s.arn(name)
	return &resource.Instance{PhysicalID: arn, Attributes: resource.Texts("Id", arn)}, nil
}

// text is a value as CloudFormation hands it over: an object is its JSON.
func text(n *document.Node) string {
	if n == nil {
		return ""
	}
	return n.TextOr(n.JSON())
}

func (h secretHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && next.PhysicalID != old.PhysicalID {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h secretHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if name, sec := h.s.find(old.PhysicalID); sec != nil {
		delete(h.s.secrets, name)
	}
	return h.s.save()
}

// classes are the characters of a generated password, and the keys that leave
// them out (API reference, GetRandomPassword).
var classes = []struct{ exclude, characters string }{
	{"ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"},
	{"ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"ExcludeNumbers", "0123456789"},
	{"ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
}

// generate makes a password, alone or as a member of the template.
func generate(g *document.Node, key string) (string, error) {
	length := g.Get("PasswordLength").IntegerOr(32)
	var used []string
	for _, c := range classes {
		if g.Get(c.exclude).TruthOr(false) {
			continue
		}
		left := strings.Map(func(r rune) rune {
			if strings.ContainsRune(g.Get("ExcludeCharacters").TextOr(""), r) {
				return -1
			}
			return r
		}, c.characters)
		if left != "" {
			used = append(used, left)
		}
	}
	if g.Get("IncludeSpace").TruthOr(false) {
		used = append(used, " ")
	}
	if len(used) == 0 || length < len(used) || length > 4096 {
		return "", diag.Errorf(g.Pos, key, "no password can be made of this: the length is %d, %d kinds of characters are left", length, len(used))
	}
	password := make([]byte, 0, length)
	for _, class := range used { // RequireEachIncludedType is true unless said otherwise
		password = append(password, class[random(len(class))])
	}
	all := strings.Join(used, "")
	for len(password) < length {
		password = append(password, all[random(len(all))])
	}
	for i := len(password) - 1; i > 0; i-- {
		j := random(i + 1)
		password[i], password[j] = password[j], password[i]
	}
	member := g.Get("GenerateStringKey").TextOr("")
	if member == "" {
		return string(password), nil
	}
	n, msgs := document.Parse("", []byte(g.Get("SecretStringTemplate").TextOr("{}")))
	if msgs.HasErrors() || n == nil || n.Kind != document.Map {
		return "", diag.Errorf(g.Get("SecretStringTemplate").Position(), key+".SecretStringTemplate", "is not a JSON object")
	}
	return n.Set(member, document.Str(string(password), g.Pos)).JSON(), nil
}

func random(n int) int {
	v, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // never fails (crypto/rand)
	return int(v.Int64())
}
