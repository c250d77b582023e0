package async

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// EventConfig is an EventInvokeConfig that exists.
type EventConfig struct {
	Settings
	Qualifier string // "" is the unqualified function's
	Modified  time.Time
}

// EventConfigs are the EventInvokeConfigs of one function, one for each qualifier.
// They are safe for concurrent use.
type EventConfigs struct {
	mu sync.Mutex
	by map[string]EventConfig // by qualifier
}

// NewEventConfigs makes an empty set.
func NewEventConfigs() *EventConfigs { return &EventConfigs{by: make(map[string]EventConfig)} }

// Get finds the configuration of a qualifier.
func (s *EventConfigs) Get(qualifier string) (EventConfig, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.by[qualifier]
	return c, ok
}

// Put makes or replaces it.
func (s *EventConfigs) Put(qualifier string, set Settings) EventConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := EventConfig{set, qualifier, time.Now()}
	s.by[qualifier] = c
	return c
}

// Update changes what is given in next; false when there is none to change.
func (s *EventConfigs) Update(qualifier string, next Settings) (EventConfig, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.by[qualifier]
	if ok {
		c = EventConfig{c.With(next), qualifier, time.Now()}
		s.by[qualifier] = c
	}
	return c, ok
}

// Delete removes it; false when there is none.
func (s *EventConfigs) Delete(qualifier string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.by[qualifier]
	delete(s.by, qualifier)
	return ok
}

// All lists them by qualifier.
func (s *EventConfigs) All() []EventConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.by), func(a, b EventConfig) int {
		if a.Qualifier < b.Qualifier {
			return -1
		}
		return 1
	})
}
