//go:build darwin || windows

package front

import (
	"context"
	"net"
	"strconv"
	"time"
)

// probe refuses a port on which somebody answers. macOS and Windows let a
// program bind 127.0.0.1 while another listens on all addresses, and would
// take its clients away without a word.
func probe(ctx context.Context, network, host string, port int) error {
	d := net.Dialer{Timeout: 100 * time.Millisecond} // Windows retries a refused one for seconds
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	c, err := d.DialContext(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil
	}
	_ = c.Close()
	return errTaken
}
