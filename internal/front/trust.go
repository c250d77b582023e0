package front

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// CA is where the local certificate authority is found on disk.
type CA struct {
	// CertFile is the authority's own certificate, as PEM: what a user adds
	// to a browser.
	CertFile string
	// BundleFile holds it together with everything that the system and the
	// user's environment trust.
	BundleFile string
	// NodeFile holds it together with what the user gave Node in addition.
	NodeFile string
}

// CA returns the paths of the local certificate authority; they are empty
// without one.
func (f *Front) CA() CA {
	if f.tls == nil {
		return CA{}
	}
	return f.tls.trust
}

// Roots are the certificates that a client of Suiro trusts: the system's and
// the authority in dir, if there is one already.
func Roots(dir string) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	certFile, _ := authorityFiles(dir)
	if data, err := os.ReadFile(certFile); err == nil {
		pool.AppendCertsFromPEM(data)
	}
	return pool
}

// bundleVariables name a file of certificates that is used instead of the
// system's: the AWS SDKs, Python requests, OpenSSL with everything that
// follows it (Go, Ruby, Python's ssl), and curl.
var bundleVariables = []string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"}

// nodeVariable names certificates that Node trusts besides its own.
const nodeVariable = "NODE_EXTRA_CA_CERTS"

// TrustEnv is what a process needs in its environment to trust the front's
// certificates, whatever its language; nil without an authority. A Java
// process needs a trust store of its own.
func (f *Front) TrustEnv() map[string]string {
	if f.tls == nil {
		return nil
	}
	env := map[string]string{nodeVariable: f.tls.trust.NodeFile}
	for _, name := range bundleVariables {
		env[name] = f.tls.trust.BundleFile
	}
	return env
}

// writeTrust writes the files that TrustEnv names, beside the app's state.
// Most of the variables replace the system's roots, so the bundle holds
// those, and what the user's own variables named, before our certificate.
func writeTrust(c Config, a *authority) (CA, error) {
	dir := c.CADir
	if c.StateFile != "" {
		dir = filepath.Dir(c.StateFile)
	}
	dir, err := filepath.Abs(dir) // functions run in folders of their own
	if err != nil {
		return CA{}, err
	}
	certFile, err := filepath.Abs(a.certFile)
	if err != nil {
		return CA{}, err
	}
	ca := CA{CertFile: certFile, BundleFile: filepath.Join(dir, "ca-bundle.pem"), NodeFile: certFile}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	parts := [][]byte{systemRoots()}
	for _, name := range append(bundleVariables, nodeVariable) {
		parts = append(parts, namedFile(name))
	}
	if err := writeFile(ca.BundleFile, merge(append(parts, own)...), 0o644); err != nil {
		return CA{}, fmt.Errorf("writing the certificate bundle: %w", err)
	}
	if users := namedFile(nodeVariable); users != nil {
		ca.NodeFile = filepath.Join(dir, "ca-node.pem")
		if err := writeFile(ca.NodeFile, merge(users, own), 0o644); err != nil {
			return CA{}, fmt.Errorf("writing Node's certificate bundle: %w", err)
		}
	}
	return ca, nil
}

// namedFile reads the file that an environment variable names, if there is
// one. A wrong path is the user's own, and shows in their own programs.
func namedFile(variable string) []byte {
	name := os.Getenv(variable)
	if name == "" {
		return nil
	}
	data, _ := os.ReadFile(name)
	return data
}

// merge joins the certificates in several PEM texts, each once.
func merge(parts ...[]byte) []byte {
	seen := map[[sha256.Size]byte]bool{}
	var out []byte
	for i, rest := range parts {
		if slices.ContainsFunc(parts[:i], func(p []byte) bool { return bytes.Equal(p, rest) }) {
			continue // several variables usually name one file
		}
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			sum := sha256.Sum256(block.Bytes)
			if block.Type != "CERTIFICATE" || seen[sum] {
				continue
			}
			seen[sum] = true
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})...)
		}
	}
	return out
}
