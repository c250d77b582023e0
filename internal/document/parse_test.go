package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Input text and the tree as JSON; CloudFormation's reading of YAML.
var parseCases = []struct{ name, in, want string }{
	{"scalars keep their text", "a: 012\nb: 2010-09-09\nc: 1.50\nd: yes\ne: 'true'\nf: True\ng: ~\nh:\n", `{"a":"012","b":"2010-09-09","c":1.50,"d":"yes","e":"true","f":true,"g":null,"h":null}`},
	{"ref", "!Ref Table", `{"Ref":"Table"}`},
	{"getatt dotted", "a: !GetAtt Fn.Arn", `{"a":{"Fn::GetAtt":["Fn","Arn"]}}`},
	{"getatt nested attribute", "!GetAtt Stack.Outputs.Url", `{"Fn::GetAtt":["Stack","Outputs.Url"]}`},
	{"getatt list", "!GetAtt [Fn, Arn]", `{"Fn::GetAtt":["Fn","Arn"]}`},
	{"sub with a number inside stays text", "!Sub 12", `{"Fn::Sub":"12"}`},
	{"nested tags", "!Join ['-', [!Ref A, !Sub 'x${B}']]", `{"Fn::Join":["-",[{"Ref":"A"},{"Fn::Sub":"x${B}"}]]}`},
	{"condition", "!If [C, !Ref A, !Ref 'AWS::NoValue']", `{"Fn::If":["C",{"Ref":"A"},{"Ref":"AWS::NoValue"}]}`},
	{"the last duplicate counts", "a: 1\nb: 2\na: 3\n", `{"a":3,"b":2}`},
	{"merge keys", "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n", `{"x":{"a":1,"b":2},"y":{"b":3,"a":1}}`},
	{"json with tabs", "{\n\t\"a\": [1, true, null]\n}", `{"a":[1,true,null]}`},
	{"byte order mark", "\ufeffa: b", `{"a":"b"}`},
	{"empty", "", `{}`},
	{"only a comment", "# nothing\n", `{}`},
	{"block text", "a: |\n  x\n  y\n", `{"a":"x\ny\n"}`},
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		t.Run(c.name, func(t *testing.T) {
			n, msgs := Parse("t.yml", []byte(c.in))
			if n == nil {
				t.Fatal(msgs)
			}
			if got := n.JSON(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

var badCases = []struct{ name, in, want string }{
	{"broken flow list", "a: 1\nb: [1, 2\nc: 3\n", "t.yml:"},
	{"unknown tag", "a: 1\nb: !Nope x\n", "t.yml:2:4: !Nope: unknown tag"},
	{"getatt without attribute", "!GetAtt Fn", `!GetAtt: "Fn" names no attribute`},
	{"alias in itself", "a: &x [*x]\n", "t.yml"},
	{"tab indentation in YAML", "a:\n\tb: 1\n", "t.yml:2"},
}

func TestParseErrorsNameTheLine(t *testing.T) {
	for _, c := range badCases {
		t.Run(c.name, func(t *testing.T) {
			_, msgs := Parse("t.yml", []byte(c.in))
			if !msgs.HasErrors() || !strings.Contains(msgs.Error(), c.want) {
				t.Errorf("got %q, want it to contain %q", msgs.Error(), c.want)
			}
		})
	}
}

func TestDuplicateKeyWarnsWithBothLines(t *testing.T) {
	n, msgs := Parse("t.yml", []byte("Out:\n  A: 1\n  A: 2\n"))
	if msgs.HasErrors() || len(msgs) != 1 || msgs[0].Position.Line != 3 || !strings.Contains(msgs[0].Text, "line 2") {
		t.Fatalf("messages: %v", msgs)
	}
	if p := n.Get("Out").Get("A").Pos; p.Line != 3 {
		t.Errorf("position %v", p)
	}
}

func TestAliasBombIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 10; i++ {
		p := string(rune('0' + i - 1))
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.Repeat("*a"+p+",", 9) + "*a" + p + "]\n")
	}
	if _, msgs := Parse("t.yml", []byte(b.String())); !msgs.HasErrors() {
		t.Fatal("accepted")
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	if _, _, err := ReadFile(filepath.Join(t.TempDir(), "none.yml")); err == nil || !os.IsNotExist(unwrap(err)) {
		t.Fatal(err)
	}
}

func unwrap(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = u.Unwrap()
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add(c.in)
	}
	for _, c := range badCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, msgs := Parse("f.yml", []byte(in))
		if n == nil {
			if !msgs.HasErrors() {
				t.Fatal("no tree and no reason")
			}
			return
		}
		if _, err := FromJSON([]byte(n.JSON()), n.Pos); err != nil {
			t.Fatalf("%v in %s", err, n.JSON())
		}
	})
}
