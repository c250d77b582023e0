package dynamodb_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb"
)

// Bytes that changed on disk are never served: an item comes back as it was
// written, or the answer is an error that names the file.
func TestDamagedTablesAreNotServed(t *testing.T) {
	const items = 40
	dir := t.TempDir()
	file := filepath.Join(dir, dynamodb.StoreFile)
	onDisk := func(c *dynamodb.Config) { c.Store, c.Dir = nil, dir }
	item := func(i int) string {
		return fmt.Sprintf(`{"pk":{"S":"key-%03d"},"text":{"S":"%s"}}`, i, strings.Repeat(fmt.Sprintf("text %d ", i), 50))
	}
	t.Run("write", func(t *testing.T) {
		c := newClient(t, onDisk)
		c.table("tab", "pk S")
		for i := range items {
			c.ok("PutItem", `{"TableName":"tab","Item":`+item(i)+`}`)
		}
	})
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for round := range 25 {
		random := rand.New(rand.NewPCG(uint64(round), 1))
		damaged := append([]byte(nil), content...)
		for range 1 + random.IntN(len(content)/1000) {
			damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
		}
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			// A folder of its own: a file whose writing failed half-way stays
			// locked until the process ends.
			dir := t.TempDir()
			file := filepath.Join(dir, dynamodb.StoreFile)
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			service, err := dynamodb.New(dynamodb.Config{Dir: dir})
			if err != nil {
				refused++
				if !strings.Contains(err.Error(), file) {
					t.Errorf("%v does not name %s", err, file)
				}
				return
			}
			defer func() { _ = service.Close() }()
			c := &client{t, service}
			for i := range items {
				status, got := c.raw("GetItem", fmt.Sprintf(`{"TableName":"tab","Key":{"pk":{"S":"key-%03d"}}}`, i))
				switch {
				case status == 200 && got != `{}`:
					same(t, "item", got, `{"Item":`+item(i)+`}`)
				case status == 500:
					refused++
					if !strings.Contains(got, file) {
						t.Errorf("%s does not name %s", got, file)
					}
				}
			}
		})
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}
