package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/suiro-dev/suiro/bench/function"
)

// direct answers as the functions do, in the same process.
func direct(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		query := make(map[string]string)
		for k, v := range r.URL.Query() {
			query[k] = v[0]
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		flush := http.NewResponseController(w).Flush
		_ = function.Produce(query, w, func() { _ = flush() })
		return
	}
	var g function.Greeting
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &g) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	greeted, _ := function.Hello(r.Context(), g)
	answer, _ := json.Marshal(greeted)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// newProxy is net/http's reverse proxy in front of a direct server.
func newProxy() (http.Handler, int, error) {
	address, backend, err := startDirect()
	if err != nil {
		return nil, 0, err
	}
	return proxyTo(address), backend, nil
}

// newProxies is a reverse proxy in front of as many direct servers, each of
// which has one request at a time, as functions have.
func newProxies(count int) (http.Handler, []int, error) {
	free := make(chan http.Handler, count)
	var backends []int
	for range count {
		p, backend, err := newProxy()
		if err != nil {
			return nil, nil, err
		}
		free <- p
		backends = append(backends, backend)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := <-free
		defer func() { free <- p }()
		p.ServeHTTP(w, r)
	}), backends, nil
}

// startDirect starts a direct server in a process of its own.
func startDirect() (address string, pid int, err error) {
	backend := exec.CommandContext(context.Background(), os.Args[0], "floor", "direct")
	backend.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := backend.StdoutPipe()
	if err != nil {
		return "", 0, err
	}
	if err := backend.Start(); err != nil {
		return "", 0, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return "", 0, err
	}
	var ready Ready
	if err := json.Unmarshal(line, &ready); err != nil {
		return "", 0, err
	}
	return ready.Address, backend.Process.Pid, nil
}

func proxyTo(address string) http.Handler {
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	p.FlushInterval = -1
	p.Transport = &http.Transport{MaxIdleConnsPerHost: 2000, DisableCompression: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else net/http closes the request's body with the response's header,
		// while the transport may still read it, and breaks 1 stream in 10,000.
		_ = http.NewResponseController(w).EnableFullDuplex()
		p.ServeHTTP(w, r)
	})
}

// table answers the DynamoDB API from a drawer: what the SDK and HTTP cost.
func table(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	body := []byte(`{}`)
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "GetItem":
		body = oneItem
	case "Query":
		body = tenItems
	case "Scan":
		body = manyItems
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	_, _ = w.Write(body)
}

var (
	item      = `{"pk":{"S":"p1"},"sk":{"S":"s1"},"v":{"S":"` + strings.Repeat("x", 180) + `"}}`
	oneItem   = []byte(`{"Item":` + item + `}`)
	tenItems  = items(10)
	manyItems = items(100)
)

func items(n int) []byte {
	return fmt.Appendf(nil, `{"Count":%d,"ScannedCount":%d,"Items":[%s]}`, n, n, strings.Repeat(item+",", n-1)+item)
}
