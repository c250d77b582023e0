package functionurl

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// cors is a URL's Cors configuration.
type cors struct {
	credentials bool
	headers     []string
	methods     []string
	origins     []string
	expose      []string
	maxAge      int
}

func readCORS(n *document.Node) *cors {
	if n.IsNull() {
		return nil
	}
	return &cors{
		credentials: n.Get("AllowCredentials").TruthOr(false),
		headers:     n.Get("AllowHeaders").Strings(),
		methods:     n.Get("AllowMethods").Strings(),
		origins:     n.Get("AllowOrigins").Strings(),
		expose:      n.Get("ExposeHeaders").Strings(),
		maxAge:      n.Get("MaxAge").IntegerOr(0),
	}
}

// isPreflight tells whether r is a browser's question before a request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// allow sets the headers that every answer to an allowed origin carries and
// tells whether the origin is one. With credentials a browser accepts no star,
// so that the origin is named.
func (c *cors) allow(h http.Header, origin string) bool {
	star := slices.Contains(c.origins, "*")
	if origin == "" || !star && !slices.Contains(c.origins, origin) {
		return false
	}
	if star && !c.credentials {
		origin = "*"
	} else {
		h.Add("Vary", "Origin")
	}
	h.Add("Access-Control-Allow-Origin", origin)
	if c.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// preflight answers instead of the function.
func (c *cors) preflight(w http.ResponseWriter, origin string) {
	h := w.Header()
	if c.allow(h, origin) {
		setList(h, "Access-Control-Allow-Methods", c.methods)
		setList(h, "Access-Control-Allow-Headers", c.headers)
		setList(h, "Access-Control-Expose-Headers", c.expose)
		if c.maxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.maxAge))
		}
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// answer adds the configuration's headers to those of the function: both are
// sent, and two origins make browsers refuse the answer, as on AWS.
func (c *cors) answer(h http.Header, origin string) {
	if c.allow(h, origin) {
		setList(h, "Access-Control-Expose-Headers", c.expose)
	}
}

func setList(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
