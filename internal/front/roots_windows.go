package front

import (
	"encoding/pem"
	"unsafe"

	"golang.org/x/sys/windows"
)

// systemRoots are the certificates that Windows trusts, as PEM.
func systemRoots() []byte {
	name, err := windows.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil
	}
	store, err := windows.CertOpenSystemStore(0, name)
	if err != nil {
		return nil
	}
	defer windows.CertCloseStore(store, 0)
	var out []byte
	var cert *windows.CertContext
	for {
		// The call frees the context it is given.
		if cert, err = windows.CertEnumCertificatesInStore(store, cert); err != nil || cert == nil {
			return out
		}
		der := unsafe.Slice(cert.EncodedCert, cert.Length)
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
}
