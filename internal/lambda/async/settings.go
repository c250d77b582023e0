package async

import (
	"fmt"
	"time"
)

// Settings are an EventInvokeConfig as templates and Lambda's API give it; what
// is nil was not given.
type Settings struct {
	MaximumRetryAttempts     *int          `json:"MaximumRetryAttempts,omitempty"`
	MaximumEventAgeInSeconds *int          `json:"MaximumEventAgeInSeconds,omitempty"`
	DestinationConfig        *Destinations `json:"DestinationConfig,omitempty"`
}

// Destinations are where the records of events go.
type Destinations struct {
	OnSuccess Destination `json:"OnSuccess"`
	OnFailure Destination `json:"OnFailure"`
}

// Destination is an ARN, or nothing.
type Destination struct {
	Destination string `json:"Destination,omitempty"`
}

// Policy is what the settings mean, with Lambda's defaults.
func (s Settings) Policy() Policy {
	p := Default()
	if s.MaximumRetryAttempts != nil {
		p.Retries = *s.MaximumRetryAttempts
	}
	if s.MaximumEventAgeInSeconds != nil {
		p.MaxAge = time.Duration(*s.MaximumEventAgeInSeconds) * time.Second
	}
	if d := s.DestinationConfig; d != nil {
		p.OnSuccess, p.OnFailure = d.OnSuccess.Destination, d.OnFailure.Destination
	}
	return p
}

// With are the settings with those of next in their place, where given.
func (s Settings) With(next Settings) Settings {
	if next.MaximumRetryAttempts != nil {
		s.MaximumRetryAttempts = next.MaximumRetryAttempts
	}
	if next.MaximumEventAgeInSeconds != nil {
		s.MaximumEventAgeInSeconds = next.MaximumEventAgeInSeconds
	}
	if next.DestinationConfig != nil {
		s.DestinationConfig = next.DestinationConfig
	}
	return s
}

// Fault is what the API says of settings out of bounds, "" when nothing is
// (API Reference, PutFunctionEventInvokeConfig: 0–2 retries, 60–21,600 s).
func (s Settings) Fault() string {
	for _, f := range []struct {
		name        string
		value       *int
		least, most int
	}{
		{"maximumRetryAttempts", s.MaximumRetryAttempts, 0, 2},
		{"maximumEventAgeInSeconds", s.MaximumEventAgeInSeconds, 60, 21600},
	} {
		const text = "1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must have value %s than or equal to %d"
		switch {
		case f.value == nil:
		case *f.value < f.least:
			return fmt.Sprintf(text, *f.value, f.name, "greater", f.least)
		case *f.value > f.most:
			return fmt.Sprintf(text, *f.value, f.name, "less", f.most)
		}
	}
	return ""
}
