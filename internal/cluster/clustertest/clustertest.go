// Package clustertest is the contract of cluster.Connections, to be run by
// every implementation.
package clustertest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/cluster"
)

// Run holds an implementation to the contract; open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) cluster.Connections) {
	t.Run("a registered connection gets what is delivered, in order", func(t *testing.T) {
		c, here := open(t), &target{}
		mustRegister(t, c, alice, here)
		for _, text := range []string{"one", "two", "three"} {
			if err := c.Deliver(t.Context(), alice, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if got := here.texts(); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("delivered %q", got)
		}
	})
	t.Run("unknown, forgotten and ending connections are gone", func(t *testing.T) {
		c := open(t)
		wantGone(t, c, alice)
		mustRegister(t, c, alice, &target{})
		wantGone(t, c, cluster.Address{API: "other", Connection: alice.Connection})
		c.Forget(alice)
		c.Forget(alice)
		wantGone(t, c, alice)
		mustRegister(t, c, alice, &target{ending: true})
		if err := c.Deliver(t.Context(), alice, nil); !errors.Is(err, cluster.ErrGone) {
			t.Errorf("Deliver to an ending connection: %v", err)
		}
	})
	t.Run("an address is taken once", func(t *testing.T) {
		c := open(t)
		mustRegister(t, c, alice, &target{})
		if err := c.Register(alice, &target{}); !errors.Is(err, cluster.ErrTaken) {
			t.Errorf("second Register: %v", err)
		}
	})
	t.Run("info is the connection's own", func(t *testing.T) {
		c := open(t)
		want := cluster.Info{SourceIP: "192.0.2.7", UserAgent: "test", ConnectedAt: time.UnixMilli(1).UTC(), LastActiveAt: time.UnixMilli(2).UTC()}
		mustRegister(t, c, alice, &target{info: want})
		got, err := c.Info(t.Context(), alice)
		if err != nil || got != want {
			t.Errorf("Info: %+v, %v", got, err)
		}
	})
	t.Run("of many closers one succeeds", func(t *testing.T) {
		c, here := open(t), &target{}
		mustRegister(t, c, alice, here)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if c.Close(t.Context(), alice) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || here.closed.Load() != 1 {
			t.Errorf("%d closes succeeded, the connection was closed %d times", won.Load(), here.closed.Load())
		}
		wantGone(t, c, alice)
	})
}

var alice = cluster.Address{API: "a1b2c3d4e5", Connection: "gbgA_S5PGQAYKEilZA=="}

func mustRegister(t *testing.T, c cluster.Connections, a cluster.Address, to *target) {
	t.Helper()
	if err := c.Register(a, to); err != nil {
		t.Fatal(err)
	}
}

func wantGone(t *testing.T, c cluster.Connections, a cluster.Address) {
	t.Helper()
	_, err := c.Info(t.Context(), a)
	for call, err := range map[string]error{
		"Deliver": c.Deliver(t.Context(), a, []byte("x")),
		"Close":   c.Close(t.Context(), a),
		"Info":    err,
	} {
		if !errors.Is(err, cluster.ErrGone) {
			t.Errorf("%s: %v, want ErrGone", call, err)
		}
	}
}

// target is a connection that remembers.
type target struct {
	info   cluster.Info
	ending bool
	closed atomic.Int32
	mu     sync.Mutex
	got    []string
}

func (t *target) Push(payload []byte) error {
	if t.ending {
		return errors.New("ending")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, string(payload))
	return nil
}

func (t *target) Disconnect()        { t.closed.Add(1) }
func (t *target) Info() cluster.Info { return t.info }

func (t *target) texts() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.got)
}
