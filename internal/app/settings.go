package app

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// SettingsFile holds, beside the template, what the template cannot say. No
// app needs one to start. docs/suiro.schema.json describes it for editors.
const SettingsFile = "suiro.yaml"

// Settings are the contents of SettingsFile.
type Settings struct {
	// Ports by logical id of an endpoint's resource; "aws" is the AWS API.
	Ports map[string]int
	// Parameters of the template.
	Parameters map[string]string
	// Variables answer ${cf:…}, ${ssm:…} and ${s3:…} of a Serverless file,
	// by the whole text between the braces.
	Variables map[string]string
	// AccountID stands for AWS::AccountId.
	AccountID string
	// AWS says where functions' calls to what does not run here go: "deny"
	// (the default), "passthrough" or "local".
	AWS string
	// StreamLimits holds streamed responses to AWS's speed and size.
	StreamLimits bool
	// Tables is the URL of the DynamoDB that holds the app's tables; empty:
	// they are kept in the state folder.
	Tables string
	// Watch holds folders and files to watch besides the app's own.
	Watch []string
	// Images says, by logical id, what runs in place of a container image.
	Images map[string]ImageStart
	// WebSocket shortens what is long in production.
	WebSocket WebSocket
}

// ImageStart runs in place of a container image.
type ImageStart struct {
	Command []string
	Dir     string // absolute; "" is the image's own build context
	// Port makes it an HTTP server behind the web adapter; 0: it speaks the
	// Runtime API.
	Port int
}

// WebSocket are the timers of WebSocket APIs; zero is API Gateway's own.
type WebSocket struct {
	IdleTimeout, MaxDuration time.Duration
}

// fields lists every key of the file and how it is read.
var fields = map[string]func(*Settings, *document.Node, *diag.List){
	"ports":        readPorts,
	"parameters":   func(s *Settings, n *document.Node, l *diag.List) { s.Parameters = texts("parameters", n, l) },
	"variables":    func(s *Settings, n *document.Node, l *diag.List) { s.Variables = texts("variables", n, l) },
	"accountId":    readAccount,
	"aws":          readAWS,
	"streamLimits": readStreamLimits,
	"tables":       readTables,
	"watch":        func(s *Settings, n *document.Node, l *diag.List) { s.Watch = n.Strings() },
	"webSocket":    readWebSocket,
	"images":       readImages,
}

func readSettings(dir string) (*Settings, diag.List) {
	s := &Settings{Ports: map[string]int{}, Parameters: map[string]string{}, Variables: map[string]string{}}
	path := filepath.Join(dir, SettingsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, diag.List{diag.Errorf(diag.Position{File: path}, "", "%v", err)}
	}
	root, msgs := document.Parse(path, data)
	if root == nil {
		return s, msgs
	}
	if root.Kind != document.Map {
		msgs.Add(diag.Errorf(root.Pos, "", "settings are an object of keys, not a %s", root.Kind))
		return s, msgs
	}
	for _, m := range root.Members {
		read := fields[m.Key]
		if read == nil {
			msgs.Add(diag.Errorf(m.KeyPos, m.Key, "no such setting").WithHint("known: accountId, aws, images, parameters, ports, streamLimits, tables, variables, watch, webSocket"))
			continue
		}
		read(s, m.Value, &msgs)
	}
	return s, msgs
}

func readPorts(s *Settings, n *document.Node, msgs *diag.List) {
	if n.Kind != document.Map {
		msgs.Add(diag.Errorf(n.Pos, "ports", "takes logical ids and port numbers"))
		return
	}
	for _, m := range n.Members {
		port, ok := m.Value.Integer()
		if !ok || port < 1 || port > 65535 {
			msgs.Add(diag.Errorf(m.Value.Pos, "ports."+m.Key, "not a port number from 1 to 65535"))
			continue
		}
		s.Ports[m.Key] = port
	}
}

func readImages(s *Settings, n *document.Node, msgs *diag.List) {
	s.Images = make(map[string]ImageStart)
	if n.Kind != document.Map {
		msgs.Add(diag.Errorf(n.Pos, "images", "takes logical ids of functions"))
		return
	}
	for _, m := range n.Members {
		key := "images." + m.Key
		start := ImageStart{Command: m.Value.Get("command").Strings()}
		if text, ok := m.Value.Get("command").Scalar(); ok {
			start.Command = []string{"/bin/sh", "-c", text}
		}
		if dir := m.Value.Get("dir").TextOr(""); dir != "" {
			start.Dir = dir
			if !filepath.IsAbs(dir) {
				start.Dir = filepath.Join(filepath.Dir(n.Pos.File), dir)
			}
		}
		for _, k := range m.Value.Keys() {
			if k != "command" && k != "dir" && k != "port" {
				msgs.Add(diag.Errorf(m.Value.Get(k).Pos, key+"."+k, "no such setting").WithHint("known: command, dir, port"))
			}
		}
		if port := m.Value.Get("port"); !port.IsNull() {
			var ok bool
			if start.Port, ok = port.Integer(); !ok || start.Port < 1 || start.Port > 65535 {
				msgs.Add(diag.Errorf(port.Pos, key+".port", "not a port number from 1 to 65535"))
			}
		}
		if len(start.Command) == 0 {
			msgs.Add(diag.Errorf(m.KeyPos, key+".command", "takes a command: a text, or a list of a program and its arguments"))
		}
		s.Images[m.Key] = start
	}
}

func readWebSocket(s *Settings, n *document.Node, msgs *diag.List) {
	timers := map[string]*time.Duration{"idleTimeout": &s.WebSocket.IdleTimeout, "maxDuration": &s.WebSocket.MaxDuration}
	if n.Kind != document.Map {
		msgs.Add(diag.Errorf(n.Pos, "webSocket", "takes idleTimeout and maxDuration, in seconds"))
		return
	}
	for _, m := range n.Members {
		timer := timers[m.Key]
		if timer == nil {
			msgs.Add(diag.Errorf(m.KeyPos, "webSocket."+m.Key, "no such setting").WithHint("known: idleTimeout, maxDuration"))
			continue
		}
		seconds, ok := m.Value.Integer()
		if !ok || seconds < 1 {
			msgs.Add(diag.Errorf(m.Value.Pos, "webSocket."+m.Key, "takes a number of seconds"))
			continue
		}
		*timer = time.Duration(seconds) * time.Second
	}
}

func readStreamLimits(s *Settings, n *document.Node, msgs *diag.List) {
	limits, ok := n.Truth()
	if s.StreamLimits = limits; !ok {
		msgs.Add(diag.Errorf(n.Pos, "streamLimits", "is true or false"))
	}
}

// readTables reads a URL; whoever uses it checks the rest of it.
func readTables(s *Settings, n *document.Node, msgs *diag.List) {
	s.Tables = n.TextOr("")
	if u, err := url.Parse(s.Tables); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		msgs.Add(diag.Errorf(n.Pos, "tables", "takes the URL of a DynamoDB endpoint, such as http://localhost:8000"))
	}
}

// Elsewhere are the values of the setting aws.
var Elsewhere = []string{"deny", "passthrough", "local"}

func readAWS(s *Settings, n *document.Node, msgs *diag.List) {
	s.AWS = n.TextOr("")
	if !slices.Contains(Elsewhere, s.AWS) {
		msgs.Add(diag.Errorf(n.Pos, "aws", "is one of %s", strings.Join(Elsewhere, ", ")))
	}
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func readAccount(s *Settings, n *document.Node, msgs *diag.List) {
	s.AccountID = n.TextOr("")
	if !accountID.MatchString(s.AccountID) {
		msgs.Add(diag.Errorf(n.Pos, "accountId", "an account id has 12 digits"))
	}
}

func texts(key string, n *document.Node, msgs *diag.List) map[string]string {
	out := make(map[string]string)
	if n.Kind != document.Map {
		msgs.Add(diag.Errorf(n.Pos, key, "takes names and values"))
		return out
	}
	for _, m := range n.Members {
		if v, ok := m.Value.Scalar(); ok {
			out[m.Key] = v
			continue
		}
		if m.Value.Kind == document.List {
			out[m.Key] = strings.Join(m.Value.Strings(), ",")
			continue
		}
		msgs.Add(diag.Errorf(m.Value.Pos, key+"."+m.Key, "takes a text, not a %s", m.Value.Kind))
	}
	return out
}
