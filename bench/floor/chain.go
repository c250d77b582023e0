package floor

import (
	"encoding/json"
	"fmt"
)

// event is a message's event as API Gateway sends it: what the function has to
// read is then the same on both sides. The arguments are the message's id, the
// connection's, the address and the stage, and the body as JSON.
const event = `{"requestContext":{"routeKey":"post","messageId":"%[1]s","eventType":"MESSAGE","extendedRequestId":"%[1]s",` +
	`"requestTime":"30/Nov/2026:00:00:00 +0000","messageDirection":"IN","stage":"dev","connectedAt":1796083200000,` +
	`"requestTimeEpoch":1796083200000,"identity":{"sourceIp":"127.0.0.1"},"requestId":"%[1]s","domainName":"%[3]s",` +
	`"connectionId":"%[2]s","apiId":"abcdefghij"},"body":%[4]s,"isBase64Encoded":false}`

// message hands a message to a function and does not wait for it. What the
// function answers is sent, when there is something.
func (f *functions) message(c *conn, text []byte) {
	body, err := json.Marshal(string(text))
	if err != nil {
		return
	}
	e := fmt.Appendf(nil, event, c.id, c.id, f.address, body)
	go func() {
		answer, err := f.invoke(e)
		if err != nil || !f.answers {
			return
		}
		var r struct {
			Body string `json:"body"`
		}
		if json.Unmarshal(answer, &r) == nil {
			_ = c.send(frame([]byte(r.Body)))
		}
	}()
}
