package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/suiro-dev/suiro/internal/node"
)

func (c *cli) tables() *cobra.Command {
	var f tablesFlags
	cmd := &cobra.Command{
		Use: "tables [PATH]", Short: "list an app's tables, look into them, export and import their items", Args: onePath,
		Long: `Tables lists the tables of the app at PATH (a folder or a template file;
default: here) with the number and size of their items, whether suiro dev runs
it or not. With --endpoint it lists those that a DynamoDB API offers.`,
		Example: `  suiro tables
  suiro tables scan Messages | jq .text
  suiro tables export Messages > messages.json
  suiro tables import Messages < messages.json`,
	}
	f.register(cmd)
	cmd.RunE = f.run(0, func(ctx context.Context, t *node.Tables, _ []string) error {
		return c.listTables(ctx, t, f.output == "json")
	})
	cmd.AddCommand(c.scanTable(), c.exportTable(), c.importTable())
	return cmd
}

// tablesFlags are those of all commands on tables.
type tablesFlags struct {
	appFlags
	endpoint string
}

func (f *tablesFlags) register(cmd *cobra.Command) {
	f.appFlags.register(cmd)
	for _, name := range []string{"stage", "param", "env-file"} { // the template is not read
		_ = cmd.Flags().MarkHidden(name)
	}
	cmd.Flags().StringVar(&f.endpoint, "endpoint", "", "`URL` of a DynamoDB API, such as http://localhost:4566")
}

// run opens the tables for a command whose first names arguments name tables;
// a path may follow.
func (f *tablesFlags) run(names int, do func(context.Context, *node.Tables, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		options, err := f.options(args[names:])
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		t := node.TablesAt(node.AWS{Endpoint: strings.TrimSuffix(f.endpoint, "/"), Region: region(f.region), AccessKeyID: environ("AWS_ACCESS_KEY_ID"), SecretAccessKey: environ("AWS_SECRET_ACCESS_KEY")})
		if f.endpoint == "" {
			if t, err = node.OpenTables(options); err != nil {
				if errors.Is(err, node.ErrNoTables) {
					return userError{fmt.Errorf("%w\nhint: run the app with suiro dev first, or name a running API with --endpoint URL", err)}
				}
				return err
			}
		}
		defer func() { err = errors.Join(err, t.Close()) }()
		return do(ctx, t, args[:names])
	}
}

func environ(name string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return "suiro"
}

// tableAndPath accepts a table's name and an optional path.
func tableAndPath(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return userError{fmt.Errorf("which table? suiro tables %s TABLE", cmd.Name())}
	}
	return onePath(cmd, args[1:])
}

// tableNames lists all tables.
func tableNames(ctx context.Context, t *node.Tables) (names []string, err error) {
	var in struct {
		ExclusiveStartTableName string `json:",omitempty"`
	}
	for {
		var out struct {
			TableNames             []string
			LastEvaluatedTableName string
		}
		if err := t.Call(ctx, "ListTables", in, &out); err != nil {
			return nil, err
		}
		names = append(names, out.TableNames...)
		if in.ExclusiveStartTableName = out.LastEvaluatedTableName; in.ExclusiveStartTableName == "" {
			return names, nil
		}
	}
}

// tableInfo is a table as a line of JSON.
type tableInfo struct {
	Type     string `json:"type"` // "table"
	Name     string `json:"name"`
	Resource string `json:"resource,omitempty"`
	Items    int64  `json:"items"`
	Bytes    int64  `json:"bytes"`
}

func (c *cli) listTables(ctx context.Context, t *node.Tables, asJSON bool) error {
	names, err := tableNames(ctx, t)
	if err != nil {
		return err
	}
	if len(names) == 0 && !asJSON {
		fmt.Fprintln(c.stderr, "suiro: there are no tables")
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, name := range names {
		var out struct {
			Table struct{ ItemCount, TableSizeBytes int64 }
		}
		if err := t.Call(ctx, "DescribeTable", map[string]string{"TableName": name}, &out); err != nil {
			return err
		}
		info := tableInfo{"table", name, resourceOf(t, name), out.Table.ItemCount, out.Table.TableSizeBytes}
		if asJSON {
			err = json.NewEncoder(c.stdout).Encode(info)
		} else {
			_, err = fmt.Fprintf(w, "%s\t%s\t%s\n", name, count(info.Items, "item"), size(info.Bytes))
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// resourceOf is the logical id of a table, empty when that is not known.
func resourceOf(t *node.Tables, name string) string {
	for id, physical := range t.Resources {
		if physical == name {
			return id
		}
	}
	return ""
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}

// noTable explains a refusal because a table is not there.
func noTable(ctx context.Context, t *node.Tables, name string, err error) error {
	var refused *node.APIError
	if !errors.As(err, &refused) || refused.Name != "ResourceNotFoundException" {
		return err
	}
	names, listed := tableNames(ctx, t)
	if listed != nil || len(names) == 0 {
		return userError{fmt.Errorf("there is no table %s", name)}
	}
	return userError{fmt.Errorf("there is no table %s\nhint: the tables are %s", name, strings.Join(names, ", "))}
}

// tableNamed is the table that a name or a logical id of a running app means.
func tableNamed(t *node.Tables, name string) string {
	if physical := t.Resources[name]; physical != "" {
		return physical
	}
	return name
}

func (c *cli) scanTable() *cobra.Command {
	var f tablesFlags
	limit := 0
	cmd := &cobra.Command{
		Use: "scan TABLE [PATH]", Short: "print a table's items, one JSON object a line", Args: tableAndPath,
		Long: `Scan prints the items of a table as plain JSON, one a line: numbers as numbers,
sets as lists, binary as base64. TABLE is a table's name or, while the app
runs, its logical id.`,
	}
	f.register(cmd)
	_ = cmd.Flags().MarkHidden("output")
	cmd.Flags().IntVarP(&limit, "limit", "n", 0, "end after so many items")
	cmd.RunE = f.run(1, func(ctx context.Context, t *node.Tables, args []string) error {
		return c.eachItem(ctx, t, args[0], limit, func(item map[string]json.RawMessage) (any, error) { return plainItem(item) })
	})
	return cmd
}

func (c *cli) exportTable() *cobra.Command {
	var f tablesFlags
	cmd := &cobra.Command{
		Use: "export TABLE [PATH]", Short: "write a table's items as DynamoDB JSON", Args: tableAndPath,
		Long: `Export writes the items of a table to stdout as DynamoDB JSON, in the form of
AWS's own exports: {"Item":{…}} on each line. Import reads it back.`,
	}
	f.register(cmd)
	_ = cmd.Flags().MarkHidden("output")
	cmd.RunE = f.run(1, func(ctx context.Context, t *node.Tables, args []string) error {
		return c.eachItem(ctx, t, args[0], 0, func(item map[string]json.RawMessage) (any, error) {
			return map[string]any{"Item": item}, nil
		})
	})
	return cmd
}

// eachItem writes every item of a table as a line of JSON.
func (c *cli) eachItem(ctx context.Context, t *node.Tables, name string, limit int, show func(map[string]json.RawMessage) (any, error)) error {
	name = tableNamed(t, name)
	w := bufio.NewWriter(c.stdout)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	in := map[string]any{"TableName": name}
	for shown := 0; ; {
		var page struct {
			Items            []map[string]json.RawMessage
			LastEvaluatedKey json.RawMessage
		}
		if err := t.Call(ctx, "Scan", in, &page); err != nil {
			return noTable(ctx, t, name, err)
		}
		for _, item := range page.Items {
			line, err := show(item)
			if err == nil {
				err = lines.Encode(line)
			}
			if err != nil {
				return err
			}
			if shown++; shown == limit {
				return w.Flush()
			}
		}
		if err := w.Flush(); err != nil || page.LastEvaluatedKey == nil {
			return err
		}
		in["ExclusiveStartKey"] = page.LastEvaluatedKey
	}
}

func plainItem(item map[string]json.RawMessage) (map[string]any, error) {
	out := make(map[string]any, len(item))
	for name, raw := range item {
		v, err := plainValue(raw)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// plainValue is an attribute value without its type.
func plainValue(raw json.RawMessage) (any, error) {
	var v struct {
		S, B   *string
		N      json.Number
		BOOL   *bool
		NULL   bool
		SS, BS []string
		NS     []json.Number
		L      *[]json.RawMessage
		M      *map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	switch {
	case v.S != nil:
		return *v.S, nil
	case v.N != "":
		return v.N, nil
	case v.B != nil:
		return *v.B, nil
	case v.BOOL != nil:
		return *v.BOOL, nil
	case v.SS != nil:
		return v.SS, nil
	case v.NS != nil:
		return v.NS, nil
	case v.BS != nil:
		return v.BS, nil
	case v.M != nil:
		return plainItem(*v.M)
	case v.L != nil:
		list := make([]any, len(*v.L))
		for i, e := range *v.L {
			var err error
			if list[i], err = plainValue(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, nil
}

func (c *cli) importTable() *cobra.Command {
	var f tablesFlags
	file := ""
	cmd := &cobra.Command{
		Use: "import TABLE [PATH]", Short: "put items of DynamoDB JSON into a table", Args: tableAndPath,
		Long: `Import reads {"Item":{…}} lines, as export and AWS's own exports write them, and
puts each item into the table, which must exist: items with the same key are
replaced, others stay.`,
	}
	f.register(cmd)
	_ = cmd.Flags().MarkHidden("output")
	cmd.Flags().StringVar(&file, "file", "-", "`file` to read, - for stdin")
	cmd.RunE = f.run(1, func(ctx context.Context, t *node.Tables, args []string) error {
		in := io.Reader(cmd.InOrStdin())
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return userError{err}
			}
			defer func() { _ = opened.Close() }()
			in = opened
		}
		i := &importing{tables: t, table: tableNamed(t, args[0])}
		err := i.run(ctx, in)
		fmt.Fprintf(c.stderr, "suiro: %s put into %s\n", count(int64(i.done), "item"), i.table)
		return noTable(ctx, t, i.table, err)
	})
	return cmd
}

// batchSize is the most items of a BatchWriteItem.
const batchSize = 25

// maxLine is the longest line of an import: an item of 400 KB, whose numbers,
// escapes and base64 take more room as text.
const maxLine = 4 << 20

// importing puts lines of items into a table.
type importing struct {
	tables *node.Tables
	table  string
	done   int
}

// importLine is an item with the number of its line.
type importLine struct {
	number int
	item   json.RawMessage
}

func (i *importing) run(ctx context.Context, in io.Reader) error {
	r := bufio.NewScanner(in)
	r.Buffer(make([]byte, 64<<10), maxLine)
	var batch []importLine
	number := 0
	for r.Scan() {
		number++
		text := bytes.TrimSpace(r.Bytes())
		if len(text) == 0 {
			continue
		}
		var line struct{ Item json.RawMessage }
		if err := json.Unmarshal(text, &line); err != nil || line.Item == nil {
			return userError{fmt.Errorf("line %d is not {\"Item\":{…}}\nhint: items are read as suiro tables export writes them", number)}
		}
		if batch = append(batch, importLine{number, slices.Clone(line.Item)}); len(batch) == batchSize {
			if err := i.put(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	switch err := r.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return userError{fmt.Errorf("line %d is longer than an item can be", number+1)}
	case err != nil:
		return fmt.Errorf("line %d: %w", number+1, err)
	}
	return i.put(ctx, batch)
}

// put writes a batch. One that is refused as a whole is written item by item:
// it may name one item twice, and otherwise the line at fault is told.
func (i *importing) put(ctx context.Context, batch []importLine) error {
	if len(batch) == 0 {
		return nil
	}
	requests := make([]any, len(batch))
	for n, line := range batch {
		requests[n] = map[string]any{"PutRequest": map[string]any{"Item": line.item}}
	}
	items := map[string]json.RawMessage{}
	items[i.table], _ = json.Marshal(requests) // of valid JSON
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		var out struct{ UnprocessedItems map[string]json.RawMessage }
		err := i.tables.Call(ctx, "BatchWriteItem", map[string]any{"RequestItems": items}, &out)
		var refused *node.APIError
		if errors.As(err, &refused) && refused.Name == "ValidationException" {
			return i.putEach(ctx, batch)
		}
		if err != nil {
			return err
		}
		if items = out.UnprocessedItems; len(items) == 0 {
			i.done += len(batch)
			return nil
		}
		if pause > 10*time.Second {
			return fmt.Errorf("the endpoint leaves items unprocessed; those up to line %d are there", batch[0].number-1)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (i *importing) putEach(ctx context.Context, batch []importLine) error {
	for _, line := range batch {
		var out struct{}
		err := i.tables.Call(ctx, "PutItem", map[string]any{"TableName": i.table, "Item": line.item}, &out)
		var refused *node.APIError
		if errors.As(err, &refused) && refused.Name == "ValidationException" {
			return userError{fmt.Errorf("line %d: %s", line.number, refused.Message)}
		}
		if err != nil {
			return err
		}
		i.done++
	}
	return nil
}
