package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// maxLeaves bounds the certificates kept, one for each server name asked for.
const maxLeaves = 256

// certificates makes server certificates on demand, signed by the local
// authority. They live in memory: what clients trust is the authority.
type certificates struct {
	authority *authority
	trust     CA
	key       *ecdsa.PrivateKey // one for all leaves of this process
	own       []string          // names and addresses that every certificate holds
	known     func(name string) bool

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by server name; "" serves who asks for none
}

func newCertificates(c Config, known func(string) bool) (*certificates, error) {
	a, err := openAuthority(c.CADir)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	trust, err := writeTrust(c, a)
	if err != nil {
		return nil, err
	}
	return &certificates{authority: a, trust: trust, key: key, own: ownNames(c.Host), known: known,
		leaves: map[string]*tls.Certificate{}}, nil
}

// ownNames are what this machine is called, by itself, its containers and,
// when it listens on all addresses, its network.
func ownNames(host string) []string {
	names := []string{"localhost", "*.localhost", "127.0.0.1", "::1", "host.docker.internal"}
	if host == "" {
		return names
	}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		names = append(names, name)
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsUnspecified() {
		return append(names, host)
	}
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// config is the TLS configuration of one listener.
func (c *certificates) config(http2 bool) *tls.Config {
	protocols := []string{"http/1.1"}
	if http2 {
		protocols = []string{"h2", "http/1.1"}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: c.get}
}

// get chooses the certificate for a client's hello. A name that is not ours
// gets the common certificate: the client then says itself what is wrong.
func (c *certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !strings.HasSuffix(name, ".localhost") && !c.known(name) {
		name = ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if leaf := c.leaves[name]; leaf != nil && time.Until(leaf.Leaf.NotAfter) > renewBefore {
		return leaf, nil
	}
	leaf, err := c.issue(name)
	if err != nil {
		return nil, err
	}
	if len(c.leaves) >= maxLeaves {
		clear(c.leaves)
	}
	c.leaves[name] = leaf
	return leaf, nil
}

// issue signs a certificate for our own names and one more.
func (c *certificates) issue(name string) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"Suiro"}},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range append([]string{name}, c.own...) {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if n != "" {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.authority.cert, &c.key.PublicKey, c.authority.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.key, Leaf: leaf}, nil
}
