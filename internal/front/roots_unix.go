//go:build !windows

package front

import "os"

// rootFiles are where systems keep the certificates they trust, as PEM:
// Debian and Alpine, Fedora, SUSE, NixOS, and macOS with the BSDs.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
}

// systemRoots are the certificates that the system trusts, as PEM.
func systemRoots() []byte {
	for _, name := range rootFiles {
		if data, err := os.ReadFile(name); err == nil {
			return data
		}
	}
	return nil
}
