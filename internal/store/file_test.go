package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileKeepsAValueWhole(t *testing.T) {
	f := File(filepath.Join(t.TempDir(), "kept.json"))
	value := map[string]json.RawMessage{"before": json.RawMessage("1")}
	if err := f.Load(&value); err != nil || len(value) != 1 {
		t.Fatalf("without a file: %v, %v", value, err)
	}
	want := `{"b":1,"a":"x"}`
	if err := f.Save(map[string]json.RawMessage{"k": json.RawMessage(want)}); err != nil {
		t.Fatal(err)
	}
	// What cannot be written leaves what was there.
	if err := f.Save(map[string]any{"k": func() {}}); err == nil {
		t.Error("a function was kept")
	}
	if err := os.Mkdir(string(f)+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(map[string]int{}); err == nil {
		t.Error("kept without a place to write")
	}
	value = nil
	if err := f.Load(&value); err != nil || string(value["k"]) != want {
		t.Errorf("%s, %v", value["k"], err)
	}
	if err := File("").Save(value); err != nil {
		t.Error(err)
	}
}

func TestDamagedFileIsNamed(t *testing.T) {
	f := File(filepath.Join(t.TempDir(), "kept.json"))
	if err := os.WriteFile(string(f), []byte(`{"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	var v map[string]string
	if err := f.Load(&v); err == nil || !strings.Contains(err.Error(), string(f)+" is damaged") {
		t.Errorf("error %v", err)
	}
}
