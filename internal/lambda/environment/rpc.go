package environment

import (
	"net"
	"strconv"
)

// freePort asks the system for a port that is free now.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func (e *Environment) serveRPC(l *life, port string) {}
