package command

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/eventstream"
	"github.com/suiro-dev/suiro/internal/node"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

func (c *cli) invoke() *cobra.Command {
	var f appFlags
	var event, endpoint string
	cmd := &cobra.Command{
		Use: "invoke FUNCTION [PATH]", Short: "invoke a function once, streaming its result to stdout", Args: functionAndPath,
		Long: `Invoke calls a function, by its logical id, its name or its key in
serverless.yml, and writes its result to stdout as the function writes it. Log
lines and errors go to stderr. Status 1 when the function fails.

If suiro dev runs the app at PATH (default: here), that app is called.
Otherwise Invoke starts the app, calls the function and stops the app; then all
that dev would print goes to stderr. With --endpoint it calls the AWS API at
that URL, and the function by its name.

The result is what the Invoke API gives: of a function that streams an HTTP
response, status and headers as JSON and 8 NUL bytes before the body.`,
		Example: "  echo '{\"name\":\"you\"}' | suiro invoke Hello --event -",
	}
	f.register(cmd)
	_ = cmd.Flags().MarkHidden("output") // the result has no other form
	cmd.Flags().StringVar(&event, "event", "", "`file` with the event as JSON, - for stdin (default: {})")
	cmd.Flags().StringVar(&endpoint, "endpoint", "", "`URL` of a running app's AWS API, such as http://localhost:4566")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options, err := f.options(args[1:])
		if err != nil {
			return err
		}
		payload, err := readEvent(event, cmd.InOrStdin())
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		call := &invocation{cli: c, function: args[0], payload: payload}
		if endpoint != "" {
			return call.at(ctx, node.AWS{Endpoint: strings.TrimSuffix(endpoint, "/"), Region: region(f.region), AccessKeyID: "suiro", SecretAccessKey: "suiro"})
		}
		return call.ofApp(ctx, options)
	}
	return cmd
}

func functionAndPath(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return userError{errors.New("which function? suiro invoke FUNCTION")}
	}
	return onePath(cmd, args[1:])
}

func region(given string) string {
	for _, r := range []string{given, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")} {
		if r != "" {
			return r
		}
	}
	return app.DefaultRegion
}

func readEvent(name string, stdin io.Reader) (data []byte, err error) {
	switch name {
	case "":
		return []byte("{}"), nil
	case "-":
		data, err = io.ReadAll(stdin)
	default:
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, userError{fmt.Errorf("reading the event: %w", err)}
	}
	if !json.Valid(data) {
		return nil, userError{errors.New("the event is not JSON")}
	}
	return data, nil
}

// invocation is one call of a function.
type invocation struct {
	cli      *cli
	function string
	payload  []byte
	started  bool // the app is ours, and shows the function's log itself
}

// ofApp calls the running app, or starts one for this call.
func (i *invocation) ofApp(ctx context.Context, options app.Options) error {
	state, err := app.FindState(options)
	if err != nil {
		return err
	}
	if r, ok := node.Running(state); ok {
		return i.in(ctx, r)
	}
	i.started = true
	j := new(journal.Journal)
	show := newPrinter(&cli{stdout: i.cli.stderr, stderr: i.cli.stderr}, false)
	entries := j.Subscribe(8192, show.kinds()...)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		show.run(entries.Entries())
	}()
	defer func() {
		entries.Close()
		<-shown
	}()
	n, msgs, err := node.Start(ctx, node.Config{App: options, Version: Version(), Journal: j})
	if err != nil {
		return err
	}
	show.messages(msgs)
	failed := i.in(ctx, n.Ready())
	closing, done := context.WithTimeout(context.Background(), drainTime)
	defer done()
	return errors.Join(failed, n.Close(closing))
}

// in calls a function of an app, whose logical ids it knows.
func (i *invocation) in(ctx context.Context, r node.Ready) error {
	for _, id := range []string{i.function, serverlessID(i.function)} {
		if name := r.Resources[id]; name != "" {
			i.function = name
			break
		}
	}
	return i.at(ctx, r.AWS)
}

// serverlessID is the logical id of a function by its key in serverless.yml
// (Serverless Framework, "AWS - Resources", naming).
func serverlessID(key string) string {
	id := strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(key)
	if id == "" {
		return ""
	}
	return strings.ToUpper(id[:1]) + id[1:] + "LambdaFunction"
}

// at calls the function by the AWS API, as any SDK would.
func (i *invocation) at(ctx context.Context, aws node.AWS) error {
	target := aws.Endpoint + "/2021-11-15/functions/" + url.PathEscape(i.function) + "/response-streaming-invocations"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(i.payload))
	if err != nil {
		return userError{err}
	}
	if !i.started {
		r.Header.Set("X-Amz-Log-Type", "Tail")
	}
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, aws.Region, "lambda", i.payload, time.Now())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("calling the app: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return i.refused(res, body)
	}
	return i.copy(res.Body)
}

// refused words an error of the API.
func (i *invocation) refused(res *http.Response, body []byte) error {
	var e struct{ Message string } // also "message"
	_ = json.Unmarshal(body, &e)   // any bytes may come from an endpoint that is none
	name := res.Header.Get("X-Amzn-Errortype")
	if name == "" {
		return fmt.Errorf("calling %s: %s", i.function, res.Status)
	}
	err := fmt.Errorf("%s: %s", name, e.Message)
	if res.StatusCode == http.StatusNotFound {
		return userError{err}
	}
	return err
}

// copy writes the response to stdout, each piece as it comes.
func (i *invocation) copy(stream io.Reader) error {
	for {
		m, err := eventstream.Read(stream)
		if err != nil {
			return fmt.Errorf("the response broke off: %w", err)
		}
		if m.Headers[":event-type"] != "InvokeComplete" {
			if _, err := i.cli.stdout.Write(m.Payload); err != nil {
				return err
			}
			continue
		}
		var end struct{ ErrorCode, ErrorDetails, LogResult string }
		if err := json.Unmarshal(m.Payload, &end); err != nil {
			return err
		}
		if log, err := base64.StdEncoding.DecodeString(end.LogResult); err == nil {
			_, _ = i.cli.stderr.Write(log)
		}
		if end.ErrorCode != "" {
			return fmt.Errorf("%s failed: %s %s", i.function, end.ErrorCode, end.ErrorDetails)
		}
		return nil
	}
}
