package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stepTime bounds a wait that a description gives no time for.
const stepTime = 30 * time.Second

// session is a client's view of a running app.
type session struct {
	roots   *x509.CertPool
	suiro   *running
	dir     string
	tools   string // the folder of test/.tools
	env     []string
	saved   map[string]string
	sockets map[string]*socket
}

// close ends the connections that are still open.
func (s *session) close() {
	for _, c := range s.sockets {
		c.close()
	}
}

// do runs one step. An error that is a *mismatch says what was seen instead.
func (s *session) do(ctx context.Context, st step) error {
	switch {
	case st.Open != nil:
		return s.open(ctx, st.Open)
	case st.Send != nil:
		return s.send(ctx, st.Send)
	case st.Receive != nil:
		return s.receive(st.Receive)
	case st.Silence != nil:
		return s.silence(st.Silence)
	case st.Close != "":
		return s.closeSocket(st.Close)
	case st.Closed != nil:
		return s.closed(st.Closed)
	case st.HTTP != nil:
		return s.retry(st.HTTP.Retry, func() error { return s.http(ctx, st.HTTP) })
	case st.SSE != nil:
		return s.retry(st.SSE.Retry, func() error { return s.sse(ctx, st.SSE) })
	case st.GraphQL != nil:
		return s.graphql(ctx, st.GraphQL)
	case st.AWS != nil:
		return s.retry(st.AWS.Retry, func() error { return s.aws(ctx, st.AWS) })
	case st.Run != nil:
		return s.retry(st.Run.Retry, func() error { return s.command(ctx, st.Run, "sh", "-c", s.fill(st.Run.Args)) })
	case st.Log != nil:
		return s.log(st.Log)
	}
	time.Sleep(time.Duration(st.Wait))
	return nil
}

// retry repeats what may not be true yet.
func (s *session) retry(within duration, try func() error) error {
	deadline := time.Now().Add(time.Duration(within))
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(250 * time.Millisecond)
	}
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z][\w.-]*)\}`)

// fill replaces ${…}: the kind of an endpoint, endpoint.NAME, output.NAME,
// resource.NAME, aws.endpoint, aws.region, aws.account, dir, or a saved value.
func (s *session) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		if v, ok := s.value(m[2 : len(m)-1]); ok {
			return v
		}
		return m
	})
}

func (s *session) value(name string) (string, bool) {
	if v, ok := s.saved[name]; ok {
		return v, true
	}
	ready := s.suiro.ready
	space, key, _ := strings.Cut(name, ".")
	switch space {
	case "endpoint":
		for _, e := range ready.Endpoints {
			if e.Resource == key {
				return strings.TrimSuffix(e.URL, "/"), true
			}
		}
		return "", false
	case "output":
		v, ok := ready.Outputs[key]
		return strings.TrimSuffix(v, "/"), ok
	case "resource":
		v, ok := ready.Resources[key]
		return v, ok
	case "aws":
		v, ok := map[string]string{"endpoint": ready.AWS.Endpoint, "region": ready.AWS.Region, "account": ready.AWS.AccountID}[key]
		return v, ok
	case "dir":
		return s.dir, true
	}
	for _, e := range ready.Endpoints {
		if e.Kind == name {
			return strings.TrimSuffix(e.URL, "/"), true
		}
	}
	return "", false
}

// fillValue is fill for every text in a JSON value.
func (s *session) fillValue(v any) any {
	switch x := v.(type) {
	case string:
		return s.fill(x)
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = s.fillValue(e)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[fmt.Sprint(k)] = s.fillValue(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = s.fillValue(e)
		}
		return out
	}
	return v
}

func (s *session) save(paths map[string]string, text string) error {
	for name, path := range paths {
		v, err := pick(text, path)
		if err != nil {
			return err
		}
		s.saved[name] = v
	}
	return nil
}

func (s *session) aws(ctx context.Context, st *commandStep) error {
	cli := filepath.Join(s.tools, "python", "bin", "aws")
	if _, err := os.Stat(cli); err != nil {
		cli = "aws"
	}
	a := s.suiro.ready.AWS
	return s.command(ctx, st, "sh", "-c", strconv.Quote(cli)+` --endpoint-url "$SUIRO_ENDPOINT" `+s.fill(st.Args),
		"SUIRO_ENDPOINT="+a.Endpoint)
}

// command runs a program in the app's folder with the app's AWS settings.
// Arguments with the form NAME=value after the third are environment.
func (s *session) command(ctx context.Context, st *commandStep, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, st.Within.or(2*time.Minute))
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args[:2]...)
	a := s.suiro.ready.AWS
	cmd.Dir = s.dir
	cmd.Env = append(append([]string(nil), s.env...), "AWS_ACCESS_KEY_ID="+a.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+a.SecretAccessKey,
		"AWS_REGION="+a.Region, "AWS_DEFAULT_REGION="+a.Region, "AWS_PAGER=", "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "NODE_EXTRA_CA_CERTS="+authorityFile(), "NODE_PATH="+filepath.Join(s.tools, "npm", "node_modules"))
	for _, service := range []string{"LAMBDA", "DYNAMODB", "SSM", "SECRETS_MANAGER", "SQS", "SNS", "EVENTBRIDGE"} {
		cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_"+service+"="+a.Endpoint)
	}
	cmd.Env = append(cmd.Env, args[2:]...)
	for name, value := range st.Env {
		cmd.Env = append(cmd.Env, name+"="+s.fill(value))
	}
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	text := strings.TrimSpace(out.String())
	what := strings.Fields(st.Args)[0]
	switch {
	case err != nil && !st.Fails:
		return &mismatch{what, "exit status 0", fmt.Sprintf("%v: %s", err, errs.String()+text)}
	case err == nil && st.Fails:
		return &mismatch{what, "a failure", text}
	case st.Fails:
		text = errs.String() + text
	}
	if err := expectText("output of "+what, s.fill(st.Text), text); err != nil {
		return err
	}
	if err := expectOrder("output of "+what, st.Order, text); err != nil {
		return err
	}
	if err := expectJSON("output of "+what, s.fillValue(st.JSON), text); err != nil {
		return err
	}
	return s.save(st.Save, text)
}

func (s *session) log(st *logStep) error {
	text := s.fill(st.Text)
	if s.suiro.await(st.Within.or(stepTime), func(e entry) bool {
		return (st.Type == "" || e.Type == st.Type) && (st.Function == "" || strings.Contains(e.Function, st.Function)) &&
			(text == "" || fitsText(text, e.Text) || strings.Contains(e.Text, text))
	}) {
		return nil
	}
	return &mismatch{"suiro's output", fmt.Sprintf("type %q, function %q, text %q", st.Type, st.Function, text), "no such line"}
}
