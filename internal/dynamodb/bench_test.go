package dynamodb_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb"
)

// Items of 200 bytes, as programs have them; no network, but the disk is real.
func BenchmarkOperations(b *testing.B) {
	service, err := dynamodb.New(dynamodb.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	c := &client{b, service}
	c.table("tab", "pk S, sk N")
	c.table("idx", "pk S, sk N, g S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "ALL")+`]`)
	text := strings.Repeat("x", 150)
	for i := range 1000 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"user-%d"},"sk":{"N":"%d"},"x":{"S":"%s"}}}`, i/10, i%10, text))
	}
	var n atomic.Int64
	for _, o := range []struct {
		name, operation string
		body            func(i int64) string
	}{
		{"put", "PutItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"bench-%d"},"sk":{"N":"1"},"x":{"S":"%s"}}}`, i, text)
		}},
		{"put indexed", "PutItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"idx","Item":{"pk":{"S":"bench-%d"},"sk":{"N":"1"},"g":{"S":"%d"},"x":{"S":"%s"}}}`, i, i%100, text)
		}},
		{"update", "UpdateItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"tab","Key":{"pk":{"S":"user-%d"},"sk":{"N":"1"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`, i%100)
		}},
		{"get", "GetItem", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"tab","Key":{"pk":{"S":"user-%d"},"sk":{"N":"1"}}}`, i%100)
		}},
		{"query 10", "Query", func(i int64) string {
			return fmt.Sprintf(`{"TableName":"tab","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"user-%d"}}}`, i%100)
		}},
	} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/callers=%d", o.name, callers), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(callers)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(o.body(n.Add(1))))
						r.Header.Set("Content-Type", "application/x-amz-json-1.0")
						r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+o.operation)
						w := httptest.NewRecorder()
						if service.ServeHTTP(w, r); w.Code != http.StatusOK {
							b.Error(w.Body)
						}
					}
				})
			})
		}
	}
}
