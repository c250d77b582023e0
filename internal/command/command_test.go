package command

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The program itself is a command of the scripts, so that what is tested is
// what people type.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"suiro": func() { os.Exit(Main()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/.config")
			e.Setenv("SUIRO_CACHE", e.WorkDir+"/.cache")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

// status runs a command line in this process and compares its exit status:
// status 2 suiro check nowhere
func status(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || neg {
		ts.Fatalf("usage: status N args...")
	}
	here, _ := os.Getwd()
	defer os.Chdir(here)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	got := Run(context.Background(), args[1:], ts.Stdout(), ts.Stderr())
	if want := args[0]; string(rune('0'+got)) != want {
		ts.Fatalf("status %d, want %s", got, want)
	}
}
