package websocketapi

import "github.com/suiro-dev/suiro/internal/apigateway/mapping"

// templates makes one template under $default; "" is none.
func templates(text string) Templates {
	if text == "" {
		return Templates{}
	}
	t, err := mapping.Parse(text)
	if err != nil {
		panic(err)
	}
	return Templates{ByKey: map[string]*mapping.Template{"$default": t}}
}

// mock makes a MOCK integration of its request and its response template.
func mock(request, response string) *Integration {
	return &Integration{
		Type: Mock, Request: templates(request),
		Responses: []*Response{{Key: "$default", Templates: templates(response)}},
	}
}
