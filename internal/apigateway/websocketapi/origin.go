package websocketapi

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// origin is where a connection comes from and goes to. Connections of the same
// client to the same stage share one.
type origin struct {
	api    *API
	meters *counters // of the stage; nil when there is none
	whence
}

// whence is what tells one origin from another.
type whence struct {
	stage        string
	domain       string
	sourceIP     string
	userAgent    string
	hasUserAgent bool
}

// credentials are what a client has shown with its handshake.
type credentials struct {
	caller     *awsapi.Caller
	authorizer *principal
	key        *Key // nil: none was asked for
}

// anonymous are those of most connections. They do not change.
var anonymous credentials

// known returns credentials that are the connection's own.
func (c *connection) known() *credentials {
	if c.credentials == &anonymous {
		c.credentials = new(credentials)
	}
	return c.credentials
}

// maxOrigins bounds what is kept of clients that may be gone.
const maxOrigins = 256

// origin finds the origin that others have who came the same way.
func (a *API) origin(w whence) *origin {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.origins[w]; o != nil {
		return o
	}
	if len(a.origins) == maxOrigins {
		clear(a.origins)
	}
	// What came is pieces of the request, which would stay with them.
	w.stage, w.domain = strings.Clone(w.stage), strings.Clone(w.domain)
	w.sourceIP, w.userAgent = strings.Clone(w.sourceIP), strings.Clone(w.userAgent)
	o := &origin{api: a, meters: a.meters.of(dimensions{stage: w.stage}), whence: w}
	a.origins[w] = o
	return o
}
