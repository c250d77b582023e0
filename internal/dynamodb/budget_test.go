//go:build !race

package dynamodb_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/store"
)

// nowhere is a ResponseWriter that is used again.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// What calls may allocate between the request's header and the answer; an item
// of a page nothing. Raise the numbers only with a reason.
func TestAllocationBudget(t *testing.T) {
	rows := store.OpenMemory()
	defer func() { _ = rows.Close() }()
	service, err := dynamodb.New(dynamodb.Config{Store: rows})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	c := &client{t, service}
	c.table("tab", "pk S, sk N")
	for i := range 100 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"p%d"},"sk":{"N":"%d"},"x":{"S":"%s"}}}`, i/10, i%10, strings.Repeat("x", 180)))
	}
	for _, o := range []struct {
		operation, body string
		most            float64
	}{
		{"GetItem", `{"TableName":"tab","Key":{"pk":{"S":"p1"},"sk":{"N":"1"}}}`, 26},
		{"Query", `{"TableName":"tab","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p1"}}}`, 56},
		{"Scan", `{"TableName":"tab","Limit":10}`, 45},
		{"Scan", `{"TableName":"tab"}`, 40},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"p1"},"sk":{"N":"1"},"x":{"S":"x"}}}`, 40},
		{"UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"p1"},"sk":{"N":"1"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`, 70},
	} {
		body := bytes.NewReader([]byte(o.body))
		r, err := http.NewRequest(http.MethodPost, "/", io.NopCloser(body))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = int64(len(o.body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+o.operation)
		w := &nowhere{header: http.Header{}}
		n := testing.AllocsPerRun(50, func() {
			body.Reset([]byte(o.body))
			clear(w.header)
			service.ServeHTTP(w, r)
		})
		if w.status != http.StatusOK {
			t.Errorf("%s: %d", o.operation, w.status)
		}
		if n > o.most {
			t.Errorf("%s: %v allocations, %v are allowed", o.operation, n, o.most)
		}
	}
}
