package front

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRealClientsTrustTheFront starts the clients that functions are written
// with and gives them TrustEnv and nothing else.
func TestRealClientsTrustTheFront(t *testing.T) {
	if testing.Short() {
		t.Skip("starts node, python3, curl and go programs")
	}
	f := newFront(t, Config{CADir: t.TempDir(), StateFile: filepath.Join(t.TempDir(), "ports.json")})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "websocket", Hosts: []string{apiHost}})
	goClient := buildGoClient(t)
	for _, c := range []struct {
		name    string
		command []string
	}{
		{"node https", []string{"node", "-e", `require("https").get(process.argv[1], r => r.pipe(process.stdout)).on("error", e => console.log(e))`}},
		{"node fetch", []string{"node", "-e", `fetch(process.argv[1]).then(r => r.text()).then(console.log, e => console.log(e.cause))`}},
		{"node http", []string{"node", "-e", `require("http").get(process.argv[1].replace("https", "http"), r => r.pipe(process.stdout))`}},
		{"python urllib", []string{"python3", "-c", `import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())`}},
		{"botocore session", []string{"python3", "-c", `
import sys
from botocore.session import Session
from botocore.httpsession import URLLib3Session
from botocore.awsrequest import AWSRequest
verify = Session().get_config_variable("ca_bundle")
print(URLLib3Session(verify=verify).send(AWSRequest("GET", sys.argv[1]).prepare()).text)`}},
		{"curl", []string{"curl", "-sS", "--http1.1"}},
		{"curl on IPv6", []string{"curl", "-sS", "-6"}},
		{"curl, AWS host name", []string{"curl", "-sS", "--connect-to", "::localhost:", "-o", "-", "https://" + apiHost + ":" + strings.Split(l.Authority(), ":")[1], "-o", "/dev/null"}},
		{"go", []string{goClient}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.command[0]); err != nil {
				t.Skip(err)
			}
			if c.name == "curl on IPv6" {
				needIPv6(t)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, c.command[0], append(c.command[1:], l.URL("https")+"/dev")...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
			for k, v := range f.TrustEnv() {
				cmd.Env = append(cmd.Env, k+"="+v)
			}
			out, err := cmd.CombinedOutput()
			want := "GET HTTP/1.1 tls=" + map[bool]string{true: "false", false: "true"}[c.name == "node http"]
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// buildGoClient makes a program that prints what a URL answers; Go reads
// SSL_CERT_FILE once, so it has to be another process.
func buildGoClient(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := `package main

import ("io"; "net/http"; "os"; "fmt")

func main() {
	resp, err := http.Get(os.Args[1])
	if err != nil { fmt.Println(err); os.Exit(1) }
	_, _ = io.Copy(os.Stdout, resp.Body)
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", "client", "main.go")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "client")
}

func TestTrustFilesHoldWhatTheUserTrusts(t *testing.T) {
	users, err := openAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	state := filepath.Join(dir, "ports.json")
	for name, set := range map[string]string{"SSL_CERT_FILE": users.certFile, nodeVariable: users.certFile, "AWS_CA_BUNDLE": "/no/such/file"} {
		t.Setenv(name, set)
	}
	f, err := New(Config{CADir: filepath.Join(dir, "user"), StateFile: state})
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	own, usersPEM := read(f.CA().CertFile), read(users.certFile)
	bundle, node := read(f.CA().BundleFile), read(f.CA().NodeFile)
	for name, ok := range map[string]bool{
		"the bundle holds our certificate":         bytes.Contains(bundle, own),
		"the bundle holds the user's, once":        bytes.Count(bundle, usersPEM) == 1,
		"Node gets exactly the user's and ours":    bytes.Equal(node, append(usersPEM, own...)),
		"the system's roots are in the bundle":     len(systemRoots()) == 0 || bytes.Count(bundle, []byte("BEGIN")) > 10,
		"the bundle lies beside the app's state":   filepath.Dir(f.CA().BundleFile) == dir,
		"each language has its variable":           len(f.TrustEnv()) == 5 && f.TrustEnv()[nodeVariable] == f.CA().NodeFile,
		"without an authority there is no promise": (&Front{}).TrustEnv() == nil && (&Front{}).CA() == CA{},
	} {
		if !ok {
			t.Error("not so: " + name)
		}
	}
}

func TestManyProgramsMakeOneAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "suiro")
	const n = 16
	serials := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a, err := openAuthority(dir)
			if err != nil {
				t.Error(err)
				return
			}
			serials[i] = a.cert.SerialNumber.String()
		})
	}
	wg.Wait()
	for _, s := range serials {
		if s != serials[0] {
			t.Fatalf("several authorities: %v", serials)
		}
	}
	certFile, keyFile := authorityFiles(dir)
	if info, err := os.Stat(keyFile); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info.Mode(), err)
	}

	// A crash can leave a key without its certificate, or half a file.
	if err := os.WriteFile(certFile, []byte("-----BEGIN CERT"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := openAuthority(dir)
	if err != nil || again.cert.SerialNumber.String() == serials[0] {
		t.Errorf("a damaged authority is not replaced: %v", err)
	}
}
