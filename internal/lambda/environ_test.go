package lambda

import (
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func TestEnvironmentsShareTheirVariables(t *testing.T) {
	own := func() []string {
		return []string{strings.Clone("A=1"), strings.Clone("B=2"), strings.Clone("TMPDIR=here")}
	}
	first, second := own(), own()
	second[2] = "TMPDIR=there"
	share(second, first)
	if want := []string{"A=1", "B=2", "TMPDIR=there"}; !slices.Equal(second, want) {
		t.Fatalf("%q", second)
	}
	for i := range 2 {
		if unsafe.StringData(first[i]) != unsafe.StringData(second[i]) {
			t.Errorf("%s is in memory twice", second[i])
		}
	}
}
