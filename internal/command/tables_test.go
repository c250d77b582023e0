package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/node"
)

const tableTemplate = `Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: notes
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
`

// tablesCommand is suiro tables on one app.
type tablesCommand struct {
	t    *testing.T
	path string
}

func (c *tablesCommand) run(stdin string, status int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	input := filepath.Join(c.t.TempDir(), "input")
	if err := os.WriteFile(input, []byte(stdin), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if args[0] == "import" {
		args = append(args, "--file", input)
	}
	var out, errs bytes.Buffer
	if got := Run(context.Background(), append([]string{"tables"}, args...), &out, &errs); got != status {
		c.t.Errorf("tables %v: status %d, want %d: %s", args, got, status, errs.String())
	}
	return out.String(), errs.String()
}

func appWithTable(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, ".config"))
	t.Setenv("SUIRO_CACHE", filepath.Join(dir, ".cache"))
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(tableTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startApp(t *testing.T, config node.Config) *node.Node {
	t.Helper()
	config.FirstPort, config.Journal = 24500, new(journal.Journal)
	n, msgs, err := node.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err, msgs)
	}
	return n
}

// Tables can be looked into while the app runs and after it stopped, and what
// export writes import reads.
func TestTables(t *testing.T) {
	dir := appWithTable(t)
	c := &tablesCommand{t, dir}
	if _, errs := c.run("", exitUsage, dir); !strings.Contains(errs, "no tables are stored in "+filepath.Join(dir, ".suiro")) {
		t.Error(errs)
	}
	if _, err := os.Stat(filepath.Join(dir, ".suiro")); err == nil {
		t.Error("looking made a state folder")
	}
	n := startApp(t, node.Config{App: app.Options{Path: dir}})
	lines := strings.Repeat(`{"Item":{"pk":{"S":"<a>"},"n":{"N":"1.50"},"s":{"SS":["x"]},"l":{"L":[{"M":{}},{"NULL":true},{"BOOL":false},{"B":"AAEC"}]}}}`+"\n", 2)
	for i := range 30 {
		lines += `{"Item":{"pk":{"S":"` + string(rune('b'+i)) + `"}}}` + "\n\n"
	}
	if _, errs := c.run(lines, exitOK, "import", "Notes", dir); errs != "suiro: 32 items put into notes\n" { // by its logical id
		t.Error(errs)
	}
	if out, _ := c.run("", exitOK, dir); out != "notes  31 items  117 B\n" {
		t.Errorf("%q", out)
	}
	exported, _ := c.run("", exitOK, "export", "notes", dir)
	if err := n.Close(context.Background()); err != nil {
		t.Fatal(err)
	}

	if out, _ := c.run("", exitOK, dir, "--output", "json"); out != `{"type":"table","name":"notes","items":31,"bytes":117}`+"\n" {
		t.Errorf("%q", out)
	}
	if again, _ := c.run("", exitOK, "export", "notes", dir); again != exported || strings.Count(again, "\n") != 31 {
		t.Errorf("after the app stopped:\n%s\nwhile it ran:\n%s", again, exported)
	}
	c.run(exported, exitOK, "import", "notes", dir)
	out, _ := c.run("", exitOK, "scan", "notes", dir)
	if want := `{"l":[{},null,false,"AAEC"],"n":1.5,"pk":"<a>","s":["x"]}` + "\n"; !strings.Contains(out, want) || strings.Count(out, "\n") != 31 {
		t.Errorf("%s has no %s", out, want)
	}
	if out, _ := c.run("", exitOK, "scan", "notes", dir, "-n", "2"); strings.Count(out, "\n") != 2 {
		t.Errorf("%q", out)
	}
}

func TestTablesSaysWhatIsWrong(t *testing.T) {
	dir := appWithTable(t)
	c := &tablesCommand{t, dir}
	if err := startApp(t, node.Config{App: app.Options{Path: dir}}).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args, stdin, want string // DIR is the app's folder
	}{
		{"scan", "", "which table?"},
		{"scan nope DIR", "", "there is no table nope\nhint: the tables are notes"},
		{"import nope DIR", `{"Item":{"pk":{"S":"a"}}}`, "there is no table nope"},
		{"import notes DIR", "{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n{\"pk\":{\"S\":\"a\"}}", `line 2 is not {"Item":{…}}`},
		{"import notes DIR", "{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n\n{\"Item\":{\"x\":{\"S\":\"a\"}}}", "line 3: One or more parameter values were invalid: Missing the key pk in the item"},
		{"import notes DIR", `{"Item":{"pk":{"S":"` + strings.Repeat("a", maxLine) + `"}}}`, "line 1 is longer than an item can be"},
		{"scan notes a b", "", "one path is enough"},
	} {
		args := strings.Fields(row.args)
		if last := len(args) - 1; args[last] == "DIR" {
			args[last] = dir
		}
		if _, errs := c.run(row.stdin, exitUsage, args...); !strings.Contains(errs, row.want) {
			t.Errorf("tables %s: %q, want %q", row.args, errs, row.want)
		}
	}
	state, err := app.OpenState(filepath.Join(dir, ".suiro"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = state.Close() }()
	if _, errs := c.run("", exitFailed, dir); !strings.Contains(errs, "is locked; stop it") {
		t.Errorf("a folder held by another program: %q", errs)
	}
}
