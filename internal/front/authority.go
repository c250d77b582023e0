package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 90 * 24 * time.Hour
	// renewBefore is how long a certificate must still be good to be used.
	renewBefore = 30 * 24 * time.Hour
)

// authority is a user's local certificate authority: one for all apps, made
// once, so that a user who adds it to the browser does so once.
type authority struct {
	cert     *x509.Certificate
	key      *ecdsa.PrivateKey
	certFile string
}

func authorityFiles(dir string) (cert, key string) {
	return filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem")
}

// openAuthority loads the authority in dir or makes it. Several programs may
// do so at the same time: one makes it, under a lock, and all use that one.
func openAuthority(dir string) (*authority, error) {
	if a, err := loadAuthority(dir); err == nil {
		return a, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "ca.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	if a, err := loadAuthority(dir); err == nil {
		return a, nil // somebody made it while we waited
	}
	return makeAuthority(dir)
}

var errUnusable = errors.New("no usable certificate authority")

// loadAuthority reads what is there. A pair that does not fit together, which
// a crash between writing one and the other leaves, is as good as none.
func loadAuthority(dir string) (*authority, error) {
	certFile, keyFile := authorityFiles(dir)
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, errUnusable
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) || time.Until(cert.NotAfter) < leafLife {
		return nil, errUnusable
	}
	return &authority{cert: cert, key: key, certFile: certFile}, nil
}

func makeAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := "Suiro local CA"
	if host, err := os.Hostname(); err == nil {
		name += " (" + host + ")" // tells several machines apart in a browser's list
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{"Suiro"}, CommonName: name},
		NotBefore:             time.Now().Add(-24 * time.Hour), // clocks differ
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	certFile, keyFile := authorityFiles(dir)
	if err := writeFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	if err := writeFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	return loadAuthority(dir)
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
