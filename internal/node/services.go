package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway"
	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/cloudformation"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/dynamodb/outside"
	"github.com/suiro-dev/suiro/internal/eventbridge"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/iam"
	"github.com/suiro-dev/suiro/internal/image"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/lambda/functionurl"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/lambda/trigger"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/secretsmanager"
	"github.com/suiro-dev/suiro/internal/ssm"
	"github.com/suiro-dev/suiro/internal/store"
)

// awsPort is where the AWS API is, or the next free of awsPorts ports: two apps
// may run side by side.
const (
	awsPort  = 4566
	awsPorts = 100
)

// services are the AWS services of one running app.
type services struct {
	region, account string
	elsewhere       front.Elsewhere

	front    *front.Front
	iam      *iam.Service
	store    *store.Store // of everything that outlives the process
	dynamodb *dynamodb.Service
	outside  *outside.Service // nil: the tables are in dynamodb
	lambda   *lambda.Service
	triggers *trigger.Service
	clock    *eventbridge.Service
	urls     *functionurl.Service
	gateway  *apigateway.Service
	ssm      *ssm.Service
	secrets  *secretsmanager.Service
	custom   *cloudformation.Service
	nested   *nested
	awsAPI   *front.Listener
	handlers map[string]resource.Handler
}

// openServices makes the services, each with what it needs of the others, and
// opens the AWS API. All of an app's stacks share them: one account, the
// region of the first stack.
func openServices(ctx context.Context, n *Node) (_ *services, err error) {
	id := n.app.Stacks[0].Identity
	s := &services{region: id.Region, account: id.AccountID, elsewhere: front.Elsewhere(n.app.Settings.AWS)}
	if n.config.AWS != "" {
		s.elsewhere = front.Elsewhere(n.config.AWS)
	}
	defer func() {
		if err != nil {
			_ = s.close(ctx)
		}
	}()
	if s.front, err = openFront(n, s.elsewhere); err != nil {
		return nil, err
	}
	s.front.Hold() // until all that clients may ask for is there
	s.iam = iam.New(iam.Config{AccountID: s.account, Region: s.region, Journal: n.config.Journal})
	if s.store, err = store.Open(filepath.Join(n.state.Dir, dynamodb.StoreFile)); err != nil {
		return nil, err
	}
	s.dynamodb, err = dynamodb.New(dynamodb.Config{
		Store: s.store, Region: s.region, AccountID: s.account, Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the tables: %w", err)
	}
	if s.outside, err = openOutside(n, s); err != nil {
		return nil, err
	}
	// What environments leave behind after a kill -9 goes with the next start.
	temp := filepath.Join(n.state.Dir, "tmp")
	_ = os.RemoveAll(temp)
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, fmt.Errorf("making the functions' temporary folder: %w", err)
	}
	s.lambda = lambda.New(lambda.Config{
		Region: s.region, AccountID: s.account, Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam,
		Builder: n.bundler, Runtimes: runtime.New(runtime.Config{CacheDir: cacheDir(), Journal: n.config.Journal, Ways: s.ways}),
		Images: image.New(image.Config{CacheDir: filepath.Join(cacheDir(), "images"), Journal: n.config.Journal}), Starts: starts(n.app),
		Environ: s.environ, Localize: s.front.Localize, TempDir: temp, StreamLimits: n.app.Settings.StreamLimits, Store: s.store,
	})
	s.gateway = apigateway.New(apigateway.Config{
		Region: s.region, AccountID: s.account, Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam,
		Evaluate: evaluate, Invoker: s.lambda, Action: s.act, Open: s.openEndpoint, RawHeader: rawHeader,
		IdleTimeout: n.app.Settings.WebSocket.IdleTimeout, MaxAge: n.app.Settings.WebSocket.MaxDuration,
	})
	s.urls = functionurl.New(functionurl.Config{
		Functions: s.lambda, Open: s.openURL, Authenticator: s.iam, Authorizer: s.iam, Journal: n.config.Journal, Region: s.region,
	})
	if err := errors.Join(s.openStores(n), s.openEvents(n)); err != nil {
		return nil, err
	}
	s.nested = newNested(n.newNestedStack)
	s.handlers = merge(s.iam.Handlers(), s.tableHandlers(), s.lambda.Handlers(), s.triggers.Handlers(), s.clock.Handlers(), s.urls.Handlers(), s.gateway.Handlers(),
		s.ssm.Handlers(), s.secrets.Handlers(), map[string]resource.Handler{
			stackType:  s.nested,
			customType: custom{inert: inert{resourceType: customType}, run: s.custom.Handler(), functions: s.lambda, admit: s.front.Admit},
		})
	return s, s.openAWS(ctx, n)
}

// openStores opens what keeps small things: parameters, secrets, and what
// custom resources answered.
func (s *services) openStores(n *Node) (err error) {
	s.ssm, err = ssm.New(ssm.Config{File: filepath.Join(n.state.Dir, "parameters.json"), Region: s.region, AccountID: s.account,
		Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam})
	if err != nil {
		return err
	}
	s.secrets, err = secretsmanager.New(secretsmanager.Config{File: filepath.Join(n.state.Dir, "secrets.json"), Region: s.region, AccountID: s.account,
		Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam})
	if err != nil {
		return err
	}
	s.custom, err = cloudformation.New(cloudformation.Config{File: filepath.Join(n.state.Dir, "custom-resources.json"), Invoker: s.lambda, URL: s.responseURL})
	return err
}

func openFront(n *Node, elsewhere front.Elsewhere) (*front.Front, error) {
	f, err := front.New(front.Config{
		StateFile: filepath.Join(n.state.Dir, "ports.json"), CADir: ConfigDir(), Journal: n.config.Journal,
		FirstPort: n.config.FirstPort, Ports: n.app.Settings.Ports, Elsewhere: elsewhere,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the front: %w", err)
	}
	return f, nil
}

// openAWS opens the endpoint of the AWS API.
func (s *services) openAWS(ctx context.Context, n *Node) (err error) {
	router := &awsapi.Router{Journal: n.config.Journal, Services: map[string]http.Handler{
		"dynamodb": s.tables(), "lambda": s.lambdaAPI(), "execute-api": s.gateway, "sts": s.iam.STS(),
		"ssm": s.ssm, "secretsmanager": s.secrets,
	}}
	e := s.awsEndpoint(router)
	var taken *front.PortError
	if n.app.Settings.Ports["aws"] != 0 {
		if s.awsAPI, err = s.front.Open(ctx, e); errors.As(err, &taken) {
			return diag.Errorf(diag.Position{File: filepath.Join(n.app.Dir, app.SettingsFile)}, "ports.aws", "%v", err)
		}
		return err
	}
	for e.Port = awsPort; e.Port < awsPort+awsPorts; e.Port++ {
		if s.awsAPI, err = s.front.Open(ctx, e); !errors.As(err, &taken) {
			return err
		}
	}
	return err
}

// openEndpoint is how a service gets a port.
func (s *services) openEndpoint(ctx context.Context, e apigateway.Endpoint) (apigateway.Listener, error) {
	l, err := s.front.Open(ctx, front.Endpoint{Resource: e.Resource, Kind: e.Kind, Port: e.Port, Handler: e.Handler, Direct: e.Direct, Hosts: e.Hosts})
	if err != nil {
		return nil, err // not l: a nil *Listener is not a nil Listener
	}
	return l, nil
}

// evaluate is IAM's verdict in API Gateway's terms.
func evaluate(policy *document.Node, action, resourceARN string, r *http.Request) (websocketapi.Decision, error) {
	decision, err := iam.EvaluateDocument(policy, action, resourceARN, r)
	switch decision {
	case iam.Allow:
		return websocketapi.Allowed, err
	case iam.ExplicitDeny:
		return websocketapi.Denied, err
	}
	return websocketapi.Unspoken, err
}

// starts are what suiro.yaml names in place of container images.
func starts(a *app.App) map[string]lambda.Start {
	out := make(map[string]lambda.Start)
	for id, s := range a.Settings.Images {
		out[id] = lambda.Start{Command: s.Command, Dir: s.Dir, Port: s.Port}
	}
	return out
}

// rawHeader hands what front keeps of a handshake to the events.
func rawHeader(r *http.Request) []websocketapi.Field {
	raw := front.RawHeader(r)
	if raw == nil {
		return nil
	}
	fields := make([]websocketapi.Field, len(raw))
	for i, f := range raw {
		fields[i] = websocketapi.Field(f)
	}
	return fields
}

// openURL is how a function URL gets its port.
func (s *services) openURL(ctx context.Context, e functionurl.Endpoint) (functionurl.Listener, error) {
	return s.front.Open(ctx, front.Endpoint{Resource: e.Resource, Kind: e.Kind, Handler: e.Handler, Direct: e.Direct, Hosts: e.Hosts})
}

func merge(maps ...map[string]resource.Handler) map[string]resource.Handler {
	all := make(map[string]resource.Handler)
	for _, m := range maps {
		for t, h := range m {
			if all[t] != nil {
				panic("two services own " + t)
			}
			all[t] = h
		}
	}
	return all
}

// servedTypes are the types that services run, for check: the services are
// made without anything behind them and never asked to make a resource.
func servedTypes(a *app.App) map[string]resource.Handler {
	return merge(iam.New(iam.Config{}).Handlers(), (&dynamodb.Service{}).Handlers(), (&trigger.Service{}).Handlers(), (&eventbridge.Service{}).Handlers(),
		lambda.New(lambda.Config{Starts: starts(a)}).Handlers(), functionurl.New(functionurl.Config{}).Handlers(), apigateway.New(apigateway.Config{}).Handlers(),
		(&ssm.Service{}).Handlers(), (&secretsmanager.Service{}).Handlers(),
		map[string]resource.Handler{customType: custom{inert: inert{resourceType: customType}}})
}

func (s *services) handler(resourceType string) resource.Handler {
	return handlerOf(s.handlers, resourceType)
}

// environ is what a function's process needs to reach Suiro: its role's
// credentials, the local certificate authority, and the address of each
// service that runs here, one by one; a service that does not keeps its real
// address, so that a global endpoint variable would be wrong.
func (s *services) environ(fn lambda.FunctionInfo) map[string]string {
	env := s.front.TrustEnv()
	if env == nil {
		env = make(map[string]string)
	}
	c := s.iam.Issue(fn.Role, fn.Name)
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"] = c.AccessKeyID, c.SecretAccessKey, c.SessionToken
	for _, service := range []string{"DYNAMODB", "DYNAMODB_STREAMS", "LAMBDA", "STS", "SSM", "SECRETS_MANAGER"} {
		env["AWS_ENDPOINT_URL_"+service] = s.awsAPI.URL("http")
	}
	// Code that names no endpoint for its pushes can only mean the one API.
	if stages := s.gateway.Endpoints(); len(stages) == 1 && stages[0].Stage != "" {
		env["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = strings.Replace(stages[0].URL, "ws://", "http://", 1)
	}
	if language := strings.TrimRight(fn.Runtime, ".x0123456789"); fn.Server || language == "nodejs" || language == "python" || language == "ruby" {
		env["SUIRO_HOSTS"] = hostList(s.front.Hosts()) + s.others()
	}
	if !strings.HasPrefix(fn.Runtime, "nodejs") {
		maps.Copy(env, s.front.ProxyEnv(s.awsAPI))
		if s.elsewhere == front.Local { // plain HTTP too: the AWS endpoint refuses it
			env["HTTP_PROXY"], env["http_proxy"] = env["HTTPS_PROXY"], env["HTTPS_PROXY"]
		}
	}
	if s.elsewhere == front.Passthrough {
		maps.Copy(env, ownCredentials())
	}
	return env
}

// ways are for Java, which reads no environment variable for them.
func (s *services) ways() runtime.Ways {
	return runtime.Ways{Authority: s.front.CA().CertFile, Proxy: s.awsAPI.Authority()}
}

// others is how hostList goes on: "*" is where AWS's other names go, "!" that
// nothing may leave this machine.
func (s *services) others() string {
	switch s.elsewhere {
	case front.Passthrough:
		return ""
	case front.Local:
		return fmt.Sprintf(",*=%d,!=0", s.awsAPI.Port())
	}
	return fmt.Sprintf(",*=%d", s.awsAPI.Port())
}

// ownCredentials are the user's, when the environment has them: those of a
// role here are good for nothing at AWS. To Suiro they are the owner's.
func ownCredentials() map[string]string {
	out := map[string]string{}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		return out
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		out[name] = os.Getenv(name)
	}
	return out
}

// hostList is "name=port,…", which lambda/runtime/node/hosts.js reads and
// takes out of the environment before the function's code runs.
func hostList(ports map[string]int) string {
	pairs := make([]string, 0, len(ports))
	for name, port := range ports {
		if strings.Contains(name, ".amazon") || strings.HasSuffix(name, ".on.aws") {
			pairs = append(pairs, fmt.Sprintf("%s=%d", name, port))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

func (s *services) endpoints() []Endpoint {
	var out []Endpoint
	for _, e := range s.gateway.Endpoints() {
		out = append(out, Endpoint{Resource: e.Resource, Kind: e.Kind, URL: e.URL})
	}
	for _, u := range s.urls.Endpoints() {
		out = append(out, Endpoint{Resource: u.Resource, Kind: functionurl.Kind, URL: u.URL})
	}
	return out
}

func (s *services) aws() AWS {
	owner := s.iam.Owner()
	return AWS{Endpoint: s.awsAPI.URL("http"), Region: s.region, AccountID: s.account,
		AccessKeyID: owner.AccessKeyID, SecretAccessKey: owner.SecretAccessKey}
}

// close stops the services: no new client first, then what clients wait for,
// then what that waits for.
func (s *services) close(ctx context.Context) error {
	var errs []error
	if s.gateway != nil {
		errs = append(errs, s.gateway.Close(ctx)) // closes sockets, runs $disconnect
	}
	if s.urls != nil {
		errs = append(errs, s.urls.Close(ctx)) // lets responses end
	}
	if s.clock != nil {
		s.clock.Close()
	}
	if s.triggers != nil {
		errs = append(errs, s.triggers.Close(ctx)) // reads no more, lets functions end
	}
	if s.lambda != nil {
		errs = append(errs, s.lambda.Close(ctx))
	}
	if s.front != nil {
		errs = append(errs, s.front.Close(ctx))
	}
	if s.outside != nil {
		s.outside.Close()
	}
	if s.dynamodb != nil {
		errs = append(errs, s.dynamodb.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if err := errors.Join(errs...); err != nil && !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
