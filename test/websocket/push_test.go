package websocket

import (
	"encoding/json"
	"testing"
)

// Code pushes as it does on AWS, whatever its SDK: to the names of the event, to
// a name that the template gave it, and to AWS's own name, which it makes itself
// and which nobody but Suiro answers to: the API's id is not known on AWS.
func TestSDKsPushUnmodified(t *testing.T) {
	s := startApp(t, "testdata/pushers", "")
	c := s.open(t, "Echo", "")
	for _, by := range []string{"event", "template", "code"} {
		for _, sdk := range []string{"js3", "js2", "python", "go1", "go2"} {
			t.Run("endpoint of the "+by+", "+sdk, func(t *testing.T) {
				text := sdk + " by " + by
				message, _ := json.Marshal(map[string]string{"action": sdk, "by": by, "text": text})
				c.send(string(message))
				c.want(text)
			})
		}
	}
}
