// An HTTP server that sends foo, bar and baz, 200 ms apart, in three ways:
//
//	/transfer-encoding  as pieces of one response
//	/sse                as server-sent events
//	/websocket          as WebSocket messages
//
// The page at / shows all three arriving. The server runs by itself, behind
// the Lambda Web Adapter, and as a custom runtime (template.yaml has both).
package main

import (
	_ "embed"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambdaurl"
	"github.com/coder/websocket"
)

//go:embed index.html
var page []byte

var words = []string{"foo", "bar", "baz"}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	mux.HandleFunc("GET /transfer-encoding", chunks)
	mux.HandleFunc("GET /sse", events)
	mux.HandleFunc("GET /websocket", messages)

	// Lambda without the web adapter, which has variables of its own: the
	// program is its own runtime.
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" && os.Getenv("AWS_LWA_INVOKE_MODE") == "" {
		lambdaurl.Start(mux)
		return
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	log.Printf("listening on http://localhost:%s", port)
	log.Fatal(http.ListenAndServe(net.JoinHostPort("", port), mux))
}

// each calls send with one word after the other until the client is gone.
func each(r *http.Request, send func(word string) error) {
	for i, word := range words {
		if i > 0 {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
		if send(word) != nil {
			return
		}
	}
}

func chunks(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	each(r, func(word string) error {
		_, err := fmt.Fprintln(w, word)
		flush(w)
		return err
	})
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	each(r, func(word string) error {
		_, err := fmt.Fprintf(w, "data: %s\n\n", word)
		flush(w)
		return err
	})
}

// flush sends what is written. As a custom runtime there is nothing to flush:
// every write goes out at once.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// messages needs the connection itself, which a function never has: there the
// answer is 426 Upgrade Required.
func messages(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	each(r, func(word string) error { return conn.Write(r.Context(), websocket.MessageText, []byte(word)) })
	conn.Close(websocket.StatusNormalClosure, "")
}
