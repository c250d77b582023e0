package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/dynamodb/outside"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/node"
)

// drainTime is how long Ctrl-C waits for open work before it stops anyway.
const drainTime = 5 * time.Second

// began is as near to the start of the process as Go code comes, so that
// "ready in" is what the user waited.
var began = time.Now()

func (c *cli) dev() *cobra.Command {
	var f appFlags
	var port int
	var aws string
	var fresh, install bool
	var tables string
	cmd := &cobra.Command{
		Use: "dev [PATH]", Short: "run an app, rebuild and reload it when its files change", Args: onePath,
		Long: `Dev runs the app at PATH (a folder or a template file; default: here), prints
where to reach it, shows what happens, and reloads it when its files change.
Open connections stay open across a reload, as they do on AWS.`,
	}
	f.register(cmd)
	cmd.Flags().IntVar(&port, "port", 0, "first `port` for the app's endpoints (default 3000)")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "empty the state folder first: tables, remembered ports")
	cmd.Flags().StringVar(&tables, "tables", "", "`URL` of a DynamoDB, ScyllaDB Alternator or DynamoDB Local that holds the tables")
	cmd.Flags().BoolVar(&install, "install", false, "install npm packages first where they are missing (npm, yarn or pnpm, without scripts)")
	cmd.Flags().StringVar(&aws, "aws", "", "`deny` (default), passthrough or local: where calls to AWS services that Suiro lacks go")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options, err := f.options(args)
		if err != nil {
			return err
		}
		if port < 0 || port > 65535 {
			return userError{fmt.Errorf("--port is a number from 1 to 65535, not %d", port)}
		}
		if aws != "" && !slices.Contains(app.Elsewhere, aws) {
			return userError{fmt.Errorf("--aws is %s, not %q", strings.Join(app.Elsewhere, ", "), aws)}
		}
		if tables != "" {
			if _, err := outside.ParseEndpoint(tables); err != nil {
				return userError{fmt.Errorf("--tables: %w", err)}
			}
		}
		return c.runDev(cmd.Context(), node.Config{App: options, FirstPort: port, Fresh: fresh, AWS: aws, Install: install, Version: Version(), Tables: tables}, f.output == "json")
	}
	return cmd
}

func (c *cli) runDev(ctx context.Context, config node.Config, asJSON bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(stop)

	config.Journal = new(journal.Journal)
	show := newPrinter(c, asJSON)
	entries := config.Journal.Subscribe(8192, show.kinds()...)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		show.run(entries.Entries())
	}()
	defer func() {
		entries.Close()
		<-shown
	}()

	started := make(chan struct{})
	go func() { // Ctrl-C while still starting
		select {
		case <-stop:
			cancel()
		case <-started:
		}
	}()
	n, msgs, err := node.Start(ctx, config)
	close(started)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if !msgs.HasErrors() {
			show.messages(msgs)
		}
		return err
	}
	show.messages(msgs)
	show.ready(n.Ready(), time.Since(began))

	select {
	case <-ctx.Done():
	case <-stop:
	}
	show.stopping()
	closing, done := context.WithTimeout(context.Background(), drainTime)
	defer done()
	go func() {
		select {
		case <-stop: // a second Ctrl-C: stop at once; the watchdog ends the functions
			os.Exit(exitFailed)
		case <-closing.Done():
		}
	}()
	return n.Close(closing)
}
