package lambda

import (
	"os"
	"testing"
)

func TestBinariesBeforeTheRuntimeAPI(t *testing.T) {
	for version, want := range map[string]bool{
		"v1.17.0": true, "v1.0.0": true, "v1.18.0": false, "v1.55.1": false, "v2.1.0": false, "(devel)": false, "": false,
		"v1.13.4-0.20200101000000-abcdef": true,
	} {
		if got := beforeRuntimeAPI(version); got != want {
			t.Errorf("%s: %v, want %v", version, got, want)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if speaksRPC(self) || speaksRPC("") || speaksRPC("rpc.go") {
		t.Error("what is no old binary is taken for one")
	}
}
