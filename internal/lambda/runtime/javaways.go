package runtime

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// javaWays are options that make a Java program trust the local authority and
// reach AWS's own host names here: Java reads system properties for both (Java
// Core Libraries Guide, "Java Networking and Proxies"). SDKs before 2.21 look
// at the plain-HTTP proxy for their TLS connections too.
func (r *Runtimes) javaWays(ctx context.Context, f Function, java string) ([]string, error) {
	if r.ways == nil {
		return nil, nil
	}
	ways := r.ways()
	var options []string
	if ways.Authority != "" {
		store, err := r.javaTrust(ctx, f, java, ways.Authority)
		if err != nil {
			return nil, err
		}
		if store != "" {
			options = append(options, "-Djavax.net.ssl.trustStore="+store, "-Djavax.net.ssl.trustStorePassword="+storePassword)
		}
	}
	if host, port, err := net.SplitHostPort(ways.Proxy); err == nil {
		options = append(options, "-Dhttps.proxyHost="+host, "-Dhttps.proxyPort="+port, "-Dhttp.proxyHost="+host, "-Dhttp.proxyPort="+port,
			"-Dhttp.nonProxyHosts=localhost|127.*|[::1]")
	}
	return options, nil
}

// storePassword is that of every JDK's own store.
const storePassword = "changeit"

// javaTrust is a copy of the JDK's store of certificates with the local
// authority's added; "" for a Java without such a store.
func (r *Runtimes) javaTrust(ctx context.Context, f Function, java, authority string) (string, error) {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(java); err == nil {
		java = real
	}
	bin := filepath.Dir(java)
	roots, err := os.ReadFile(filepath.Join(bin, "..", "lib", "security", "cacerts"))
	if err != nil {
		return "", nil
	}
	w := cache.Work{
		Slot: "java-trust", Key: cache.Hash(java, string(roots), string(certificate)),
		Text: "making a trust store for Java", Function: f.Name,
	}
	dir, err := r.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		store := filepath.Join(dir, "cacerts")
		if err := os.WriteFile(store, roots, 0o644); err != nil {
			return err
		}
		t := bundle.Tool{Path: filepath.Join(bin, "keytool"), Dir: dir, Args: []string{
			"-importcert", "-noprompt", "-alias", "suiro", "-file", authority, "-keystore", store, "-storepass", storePassword,
		}}
		if _, err := t.Run(ctx); err != nil {
			return f.errorf("making a trust store for Java: %v", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "cacerts"), nil
}
