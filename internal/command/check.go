package command

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/node"
)

func (c *cli) check() *cobra.Command {
	var f appFlags
	cmd := &cobra.Command{
		Use: "check [PATH]", Short: "say what Suiro runs of an app and what it does not; start nothing", Args: onePath,
		Long: `Check reads the app's template and settings as dev would, and says what is
wrong, what has no effect here, and which resources Suiro does not run.
Status 2 when the app could not start.`,
	}
	f.register(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options, err := f.options(args)
		if err != nil {
			return err
		}
		plan, msgs := node.Check(cmd.Context(), options)
		if f.output == "json" {
			return c.checkJSON(plan, msgs)
		}
		if msgs.HasErrors() {
			return msgs
		}
		for _, m := range msgs.Sorted() {
			c.printMessage(m)
		}
		for _, r := range plan.Resources {
			fmt.Fprintf(c.stdout, "%-10s %-40s %s\n", r.State, r.Type, r.LogicalID)
		}
		fmt.Fprintf(c.stdout, "%s: %d resources, %d run here, %d without effect, %d missing\n",
			plan.Name, len(plan.Resources), plan.Count("run"), plan.Count("accepted"), plan.Count("missing"))
		return nil
	}
	return cmd
}

func (c *cli) checkJSON(plan *node.Plan, msgs diag.List) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	for _, m := range msgs {
		if err := enc.Encode(findingOf(m)); err != nil {
			return err
		}
	}
	if plan != nil {
		for _, r := range plan.Resources {
			if err := enc.Encode(map[string]string{"type": "resource", "resource": r.LogicalID, "resourceType": r.Type, "state": r.State}); err != nil {
				return err
			}
		}
	}
	if msgs.HasErrors() {
		return userError{fmt.Errorf("the app cannot start")}
	}
	return nil
}

// finding is a message about the user's files as a line of JSON.
type finding struct {
	Type   string `json:"type"` // error, warning, note
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Key    string `json:"key,omitempty"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

func findingOf(m *diag.Message) finding {
	return finding{m.Severity.String(), m.Position.File, m.Position.Line, m.Position.Column, m.Key, m.Text, m.Hint}
}
