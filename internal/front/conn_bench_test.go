package front

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// BenchmarkHijackedConnection measures what a connection costs while its
// owner holds it, client side included, with net/http alone and through the
// front: the difference is the price of deciding by the first byte.
func BenchmarkHijackedConnection(b *testing.B) {
	held := make(chan net.Conn, 1<<16)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			held <- c
		}
	})
	f, err := New(Config{CADir: b.TempDir(), FirstPort: 23400})
	if err != nil {
		b.Fatal(err)
	}
	l, err := f.Open(b.Context(), Endpoint{Resource: "Api", Kind: "websocket", Handler: handler})
	if err != nil {
		b.Fatal(err)
	}
	plain := httptest.NewServer(handler)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(handler)
	secure.TLS = f.tls.config(false)
	secure.StartTLS()
	defer secure.Close()
	for _, c := range []struct {
		name, address string
		tls           bool
	}{
		{"plaintext/net-http", plain.Listener.Addr().String(), false},
		{"plaintext/front", fmt.Sprintf("127.0.0.1:%d", l.Port()), false},
		{"TLS/net-http", secure.Listener.Addr().String(), true},
		{"TLS/front", fmt.Sprintf("127.0.0.1:%d", l.Port()), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			const n = 1000
			for b.Loop() {
				before := inUse()
				var clients []net.Conn
				for range n {
					client, err := net.Dial("tcp", c.address)
					if err != nil {
						b.Fatal(err)
					}
					if c.tls {
						client = tls.Client(client, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // memory is measured
					}
					fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					if _, err := bufio.NewReaderSize(client, 64).ReadString('\n'); err != nil {
						b.Fatal(err)
					}
					clients = append(clients, client)
				}
				time.Sleep(50 * time.Millisecond) // handlers return
				b.ReportMetric(float64(inUse()-before)/n, "B/conn")
				for range n {
					_ = (<-held).Close()
				}
				for _, client := range clients {
					_ = client.Close()
				}
			}
		})
	}
	_ = f.Close(b.Context())
}

func inUse() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkRequest compares a small request on a kept connection.
func BenchmarkRequest(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	f, err := New(Config{CADir: b.TempDir(), FirstPort: 23400})
	if err != nil {
		b.Fatal(err)
	}
	l, err := f.Open(b.Context(), Endpoint{Resource: "Api", Kind: "http-api", Handler: handler})
	if err != nil {
		b.Fatal(err)
	}
	plain := httptest.NewServer(handler)
	defer plain.Close()
	for name, url := range map[string]string{"net-http": plain.URL, "front": l.URL("http")} {
		b.Run(name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := client.Get(url)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
	_ = f.Close(b.Context())
}
