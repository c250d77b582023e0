package expression

import (
	"container/list"
	"strings"
	"sync"
)

// Compiler parses expressions and remembers the ones used lately. Programs
// send few different texts, so a request normally parses nothing. It is safe
// for concurrent use.
type Compiler struct {
	mu      sync.Mutex
	limit   int
	entries map[cacheKey]*list.Element
	recent  *list.List // of *cacheEntry, the latest in front
}

type cacheKey struct {
	parameter Parameter
	text      string
}

type cacheEntry struct {
	key  cacheKey
	expr *parsed
}

// NewCompiler makes a compiler that remembers up to limit expressions. Each
// takes at most a few times the 4 KB its text may have.
func NewCompiler(limit int) *Compiler {
	return &Compiler{limit: limit, entries: make(map[cacheKey]*list.Element), recent: list.New()}
}

// parse returns the parsed expression, or the error that its text gives.
// Texts with syntax errors are not remembered.
func (c *Compiler) parse(parameter Parameter, text string) (*parsed, string) {
	if c == nil || c.limit <= 0 {
		return parse(parameter, text)
	}
	key := cacheKey{parameter, text}
	if expr := c.find(key); expr != nil {
		return expr, ""
	}
	// The text may be a part of a request's body, which must not be kept.
	key.text = strings.Clone(text)
	expr, message := parse(parameter, key.text)
	if message == "" {
		c.keep(key, expr)
	}
	return expr, message
}

func (c *Compiler) find(key cacheKey) *parsed {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cacheEntry).expr
}

func (c *Compiler) keep(key cacheKey, expr *parsed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[key]; ok {
		return // another request was faster
	}
	c.entries[key] = c.recent.PushFront(&cacheEntry{key, expr})
	if c.recent.Len() > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(*cacheEntry)
		delete(c.entries, oldest.key)
	}
}
