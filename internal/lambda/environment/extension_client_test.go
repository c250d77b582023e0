//go:build linux

package environment

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// extensionClient is the test binary as an external extension: EXTENSION says
// how it behaves, NAME what it is called.
type extensionClient struct {
	base, name, id string
}

func extensionMain(kind string) {
	x := &extensionClient{base: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API"), name: os.Getenv("NAME")}
	run := extensions[kind]
	if run == nil {
		run = serveEvents
	}
	run(x)
}

// call makes a request and returns status and body.
func (x *extensionClient) call(method, path, body string, headers ...string) (int, string, http.Header) {
	req, err := http.NewRequest(method, x.base+path, strings.NewReader(body))
	check(err)
	if x.id != "" {
		req.Header.Set("Lambda-Extension-Identifier", x.id)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	check(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	check(err)
	return res.StatusCode, string(text), res.Header
}

func (x *extensionClient) register(events string) (int, string) {
	status, body, h := x.call("POST", "/2020-01-01/extension/register", `{"events":`+events+`}`,
		"Lambda-Extension-Name", x.name, "Lambda-Extension-Accept-Feature", "accountId")
	if status == 200 {
		x.id = h.Get("Lambda-Extension-Identifier")
	}
	return status, body
}

type heard struct {
	EventType, ShutdownReason, RequestID, InvokedFunctionARN string
	DeadlineMs                                               int64
	Tracing                                                  tracing
}

func (x *extensionClient) next() (e heard, text string) {
	status, body, h := x.call("GET", "/2020-01-01/extension/event/next", "")
	if status != 200 || h.Get("Lambda-Extension-Event-Identifier") == "" {
		fmt.Println("next:", status, body)
		os.Exit(9)
	}
	check(json.Unmarshal([]byte(body), &e))
	return e, body
}

// serveEvents prints each event, and ends with SHUTDOWN.
func serveEvents(x *extensionClient) {
	status, body := x.register(`["INVOKE","SHUTDOWN"]`)
	fmt.Printf("%s registered: %d %s", x.name, status, body)
	for {
		e, text := x.next()
		fmt.Println(x.name, "got", text)
		if e.EventType == "SHUTDOWN" {
			fmt.Printf("%s has %v\n", x.name, time.Until(time.UnixMilli(e.DeadlineMs)) > 500*time.Millisecond)
			os.Exit(0)
		}
	}
}

var extensions = map[string]func(*extensionClient){
	"hang":       func(*extensionClient) { select {} },
	"crash-init": func(*extensionClient) { os.Exit(3) },
	"crash": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		x.next()
		os.Exit(7)
	},
	"crash-midway": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		x.next()
		awaitFile("die")
		os.Exit(7)
	},
	"crash-idle": func(x *extensionClient) {
		x.register(`[]`)
		go func() { awaitFile("crash"); os.Exit(7) }()
		x.next()
	},
	"leave": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		x.next()
		os.Exit(0)
	},
	"init-error": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		status, body, _ := x.call("POST", "/2020-01-01/extension/init/error", `{"errorMessage":"no key","errorType":"Config"}`, "Lambda-Extension-Function-Error-Type", "Extension.NoKey")
		fmt.Printf("init/error: %d %s", status, body)
		os.Exit(1)
	},
	"exit-error": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		x.next()
		status, body, _ := x.call("POST", "/2020-01-01/extension/exit/error", `{}`, "Lambda-Extension-Function-Error-Type", "Extension.Lost")
		fmt.Printf("exit/error: %d %s", status, body)
		os.Exit(1)
	},
	// slow-init asks for its first event when the test lets it.
	"slow-init": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		awaitFile("init")
		for {
			x.next()
		}
	},
	// hold takes its time after each invocation.
	"hold": func(x *extensionClient) {
		x.register(`["INVOKE"]`)
		for {
			x.next()
			awaitFile("release")
		}
	},
	// stubborn hears SHUTDOWN and stays; deaf does not want to know.
	"stubborn": func(x *extensionClient) {
		x.register(`["SHUTDOWN"]`)
		e, _ := x.next()
		check(os.WriteFile("heard-"+e.EventType, nil, 0o600))
		select {}
	},
	"deaf": func(x *extensionClient) {
		x.register(`[]`)
		x.next()
	},
	"refused": func(x *extensionClient) {
		tell := func(what string, status int, body string, _ http.Header) { fmt.Printf("%s: %d %s", what, status, body) }
		register := func(what, body string, name string) {
			status, text, h := x.call("POST", "/2020-01-01/extension/register", body, "Lambda-Extension-Name", name)
			tell(what, status, text, h)
		}
		next := "/2020-01-01/extension/event/next"
		register("no name", `{}`, "")
		register("no JSON", `{`, x.name)
		register("keys", `{"configurationKeys":["a"]}`, x.name)
		register("event", `{"events":["START"]}`, x.name)
		register("internal SHUTDOWN", `{"events":["SHUTDOWN"]}`, "inside")
		s, b, h := x.call("GET", next, "")
		tell("no identifier", s, b, h)
		s, b, h = x.call("GET", next, "", "Lambda-Extension-Identifier", "x")
		tell("no UUID", s, b, h)
		s, b, h = x.call("GET", next, "", "Lambda-Extension-Identifier", requestID)
		tell("unknown", s, b, h)
		x.register(`["INVOKE","SHUTDOWN"]`)
		register("again", `{}`, x.name)
		s, b, h = x.call("POST", "/2020-01-01/extension/init/error", "{}")
		tell("no error type", s, b, h)
		s, b, h = x.call("PUT", "/2022-07-01/telemetry", `{"schemaVersion":"2022-12-13"}`)
		tell("telemetry", s, b, h)
		fmt.Println()
		go x.next()
		time.Sleep(50 * time.Millisecond) // the first one is there
		s, b, h = x.call("GET", next, "")
		tell("two at once", s, b, h)
		s, b, h = x.call("POST", "/2020-01-01/extension/init/error", "{}", "Lambda-Extension-Function-Error-Type", "E")
		tell("init error after init", s, b, h)
		awaitFile("late")
		id := x.id
		x.id = ""
		register("late", `{}`, "late")
		x.id = id
		s, b, h = x.call("PUT", "/2022-07-01/telemetry", `{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1234"}}`)
		tell("late telemetry", s, b, h)
		fmt.Println("done")
		select {}
	},
	"telemetry": func(x *extensionClient) { subscribeAndPrint(x, "/2022-07-01/telemetry", "2022-12-13", "HTTP") },
	"tcp":       func(x *extensionClient) { subscribeAndPrint(x, "/2022-07-01/telemetry", "2022-12-13", "TCP") },
	"logs":      func(x *extensionClient) { subscribeAndPrint(x, "/2020-08-15/logs", "2021-03-18", "HTTP") },
}

// subscribeAndPrint writes each event that it is sent to the file "telemetry".
func subscribeAndPrint(x *extensionClient, path, version, protocol string) {
	x.register(`["SHUTDOWN"]`)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	file, err := os.OpenFile("telemetry", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	port := l.Addr().(*net.TCPAddr).Port
	destination := fmt.Sprintf(`{"protocol":"TCP","port":%d}`, port)
	if protocol == "TCP" {
		go func() {
			conn, err := l.Accept()
			check(err)
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				fmt.Fprintf(file, "%s\n", lines.Bytes())
			}
		}()
	} else {
		destination = fmt.Sprintf(`{"protocol":"HTTP","URI":"http://sandbox.localdomain:%d/in"}`, port)
		go func() {
			check(http.Serve(l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var events []json.RawMessage
				check(json.NewDecoder(r.Body).Decode(&events))
				if r.URL.Path != "/in" || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
					fmt.Fprintln(file, r.Method, r.URL, r.Header)
				}
				for _, e := range events {
					fmt.Fprintf(file, "%s\n", e)
				}
			})))
		}()
	}
	status, body, _ := x.call("PUT", path, `{"schemaVersion":"`+version+`","types":["platform","function","extension"],"buffering":{"timeoutMs":25},"destination":`+destination+`}`)
	fmt.Printf("subscribed: %d %s", status, body)
	x.next() // SHUTDOWN
	time.Sleep(100 * time.Millisecond)
	os.Exit(0)
}
