package webadapter

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/process"
)

// The test binary, started again by an environment, is the web server; SERVER
// says how it starts, the path of a request what it does.
func TestMain(m *testing.M) {
	process.Main()
	if how := os.Getenv("SERVER"); how != "" {
		serve(how)
		return
	}
	goleak.VerifyTestMain(m)
}

// serve is a web server as people write them.
func serve(how string) {
	port := os.Getenv("PORT")
	status := http.StatusOK
	switch how {
	case "fixed":
		port = os.Getenv("FIXED")
	case "never":
		select {}
	case "unhealthy":
		status = http.StatusServiceUnavailable
	case "exits":
		fmt.Println("no database")
		os.Exit(3)
	}
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM)
	go func() {
		<-terms
		_ = os.WriteFile("terminated", []byte("bye"), 0o600)
		os.Exit(0)
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if how == "late" && r.URL.Path == "/" {
			if _, err := os.Stat("open"); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(status)
	})
	mux.HandleFunc("/echo/", echo)
	mux.HandleFunc("/events", echo)
	mux.HandleFunc("/gated", gated)
	mux.HandleFunc("/die", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		os.Exit(7)
	})
	mux.HandleFunc("/hangup", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header()["X-Many"] = []string{"one", "two"}
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `no "luck"`)
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte{0, 1, 2, 255})
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		line := strings.Repeat("x", 1023) + "\n"
		for range 8 << 10 {
			_, _ = io.WriteString(w, line)
		}
	})
	l, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = http.Serve(l, mux)
}

// echo answers with what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "target": r.RequestURI, "host": r.Host, "header": r.Header, "body": string(body), "pid": os.Getpid(),
	})
}

// gated writes one line for each file that appears: a line is only followed by
// the next when the test has seen it.
func gated(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, line := range []string{"one", "two", "three"} {
		_, _ = io.WriteString(w, line+"\n")
		_ = http.NewResponseController(w).Flush()
		for {
			if _, err := os.Stat("seen-" + line); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}
