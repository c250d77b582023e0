package journeys

import "testing"

// SDKs of before endpoint variables push with the endpoint built from the
// event, without a scheme: they speak TLS to the socket's own port.
func TestOldSDKsPushUnmodified(t *testing.T) {
	r := start(t, copyTree(t, "testdata/old-sdks"))
	c := dial(t, r.url("websocket"))
	c.send(`{"action":"golang","text":"hello"}`)
	c.expect("v1 hello")
	c.send(`{"action":"node","text":"hello"}`)
	c.expect("v2 hello")
	// Hosts of AWS that the code names itself, in Node and in Python.
	c.send(`{"action":"node","text":"hello again","host":true}`)
	c.expect("v2 hello again")
	c.send(`{"action":"python","text":"hello"}`)
	c.expect("py hello")
}
