package config

import (
	"strings"
	"testing"
)

var dotenvCases = []struct{ name, in, want string }{
	{"plain", "A=1", "A=1"},
	{"spaces", "  A = 1  ", "A=1"},
	{"export", "export A=1", "A=1"},
	{"colon", "A: 1", "A=1"},
	{"empty", "A=", "A="},
	{"comment lines", "# A=0\nA=1 # not 2\n", "A=1"},
	{"hash inside quotes", `A="1 # 2"`, "A=1 # 2"},
	{"single quotes", `A='1\n2'`, `A=1\n2`},
	{"double quotes", `A="1\n2"`, "A=1\n2"},
	{"several lines", "A=\"1\n2\"\nB=3", "A=1\n2|B=3"},
	{"equals sign in the value", "A=b=c", "A=b=c"},
	{"windows line ends", "A=1\r\nB=2\r\n", "A=1|B=2"},
	{"nonsense", "what\n=x\nA=1", "A=1"},
	{"reference", "A=1\nB=${A}$A-\\$A", "A=1|B=11-$A"},
	{"reference with default", "B=${NONE:-x}${NONE}", "B=x"},
}

func TestDotenv(t *testing.T) {
	for _, c := range dotenvCases {
		known := map[string]string{}
		var got []string
		for _, v := range parseDotenv(c.in) {
			v.value = expandDotenv(v.value, func(name string) (string, bool) { s, ok := known[name]; return s, ok })
			known[v.name] = v.value
			got = append(got, v.name+"="+v.value)
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: got %q, want %q", c.name, s, c.want)
		}
	}
}

func FuzzDotenv(f *testing.F) {
	for _, c := range dotenvCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, v := range parseDotenv(in) {
			if v.name == "" || strings.ContainsAny(v.name, " =\n") {
				t.Fatalf("name %q", v.name)
			}
			expandDotenv(v.value, func(string) (string, bool) { return "", false })
		}
	})
}
