// Package command is what people type: commands, flags, what is printed where
// and the exit status. It holds no behaviour of its own; a running Suiro is
// package node.
//
// Rules of the terminal: what a script may read (the ready table, journal
// lines, check's findings) goes to stdout; progress, warnings and errors go to
// stderr, as "suiro: …", lower case, without a full stop; what the user can do
// about an error stands on a line of its own, as "hint: …". With --output json
// every line of stdout is one JSON object.
//
// Exit status: 0 fine, 1 the app failed, 2 the command line, the template or
// the settings are wrong.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/process"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs the command line of this process.
func Main() int {
	// First of all: this process may be the watchdog that ends the functions
	// of a Suiro that was killed.
	process.Main()
	return Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
}

// Run runs a command line and returns its exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := &cli{stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	return c.fail(err)
}

type cli struct {
	stdout, stderr io.Writer
}

// userError is an error in what the user typed or wrote: status 2.
type userError struct{ err error }

func (e userError) Error() string { return e.err.Error() }
func (e userError) Unwrap() error { return e.err }

// fail prints an error once and says which status it means.
func (c *cli) fail(err error) int {
	status := exitFailed
	var user userError
	var m *diag.Message
	var l diag.List
	switch {
	case errors.As(err, &l):
		status = exitUsage
		c.printMessages(l)
	case errors.As(err, &m):
		status = exitUsage
		c.printMessages(diag.List{m})
	case errors.Is(err, errSaid):
	default:
		if errors.As(err, &user) || strings.HasPrefix(err.Error(), "unknown command") {
			status = exitUsage
		}
		fmt.Fprintf(c.stderr, "suiro: %s\n", err)
	}
	return status
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "suiro",
		Short: "run serverless streaming apps on this machine",
		Long: `Suiro runs a serverless app (Lambda, API Gateway WebSocket APIs, DynamoDB)
on this machine, from the template that deploys it to AWS: serverless.yml, SAM,
CloudFormation or CDK output. No Docker, no account, the code unchanged.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return userError{err} })
	root.AddCommand(c.dev(), c.check(), c.connect(), c.invoke(), c.tables(), c.version())
	return root
}

func (c *cli) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.stdout, "suiro", Version())
			return err
		},
	}
}

// Version is the module's version as the Go toolchain recorded it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "0.1.0-dev"
	}
	return info.Main.Version
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return userError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// onePath accepts an optional PATH argument.
func onePath(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return userError{fmt.Errorf("one path is enough, got %d: %s", len(args), strings.Join(args, " "))}
	}
	return nil
}

// appFlags are the flags of every command that reads an app.
type appFlags struct {
	stage, region, envFile, data, output string
	params                               []string
}

func (f *appFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.stage, "stage", "", "Serverless stage (default: the file's, else dev)")
	fl.StringVar(&f.region, "region", "", "AWS region (default: the template's, else us-east-1)")
	fl.StringArrayVar(&f.params, "param", nil, "template parameter, `name=value`; may be repeated")
	fl.StringVar(&f.envFile, "env-file", "", "`file` of NAME=value lines for ${env:NAME}")
	fl.StringVar(&f.data, "data", "", "state `folder` (default: .suiro beside the template)")
	fl.StringVar(&f.output, "output", "text", "text or json")
}

func (f *appFlags) options(args []string) (app.Options, error) {
	o := app.Options{Stage: f.stage, Region: f.region, EnvFile: f.envFile, DataDir: f.data, Params: map[string]string{}}
	if len(args) == 1 {
		o.Path = args[0]
	}
	if f.output != "text" && f.output != "json" {
		return o, userError{fmt.Errorf("--output is text or json, not %q", f.output)}
	}
	if err := app.CheckEnvFile(f.envFile); err != nil {
		return o, userError{err}
	}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return o, userError{fmt.Errorf("--param takes name=value, not %q", p)}
		}
		o.Params[name] = value
	}
	return o, nil
}
