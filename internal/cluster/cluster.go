// Package cluster delivers to connections wherever they are: "send these bytes
// to connection C". A service that pushes asks here and does not know on which
// node the client's socket is.
//
// [Local] is one node alone: a map, and a push is one look-up and one write on
// the caller's goroutine. A clustered implementation will add a subject per
// node on a message bus: connection ids carry their node, so that a delivery
// looks nothing up, publishes once to that node, and waits for its answer
// within the caller's context. What holds for Local holds for it too, and is
// written down in clustertest.
package cluster

import (
	"context"
	"errors"
	"time"
)

// ErrGone means that there is no such connection any more, or never was.
var ErrGone = errors.New("connection is gone")

// ErrFull means that a message was dropped because too many wait for a client
// that does not read them.
var ErrFull = errors.New("the client reads too slowly")

// ErrTaken means that an address is registered already.
var ErrTaken = errors.New("connection id is taken")

// Address names a connection. Ids belong to an API: another API cannot reach
// the connection with them.
type Address struct {
	API        string
	Connection string
}

// Info is what a connection tells about itself (GET @connections).
type Info struct {
	SourceIP     string
	UserAgent    string // "" when the client sent none
	ConnectedAt  time.Time
	LastActiveAt time.Time
}

// Target is a connection as its own node sees it.
type Target interface {
	// Push sends a text message. It waits for at most its own write to the
	// transport, never for messages before it; payload may change after it
	// returns. An error means that the connection is ending, or is ErrFull.
	Push(payload []byte) error
	// Disconnect starts to close the connection and does not wait for its end.
	Disconnect()
	// Info describes the connection.
	Info() Info
}

// Connections finds connections by address. All methods may be called at the
// same time.
type Connections interface {
	// Register makes a connection reachable; its address must be free.
	Register(a Address, t Target) error
	// Forget makes it unreachable; one that is not known is no error.
	Forget(a Address)
	// Deliver pushes a text message: ErrGone when there is nobody to get it,
	// ErrFull when it cannot be kept until it can be sent.
	// Deliveries made one after the other arrive in that order.
	Deliver(ctx context.Context, a Address, payload []byte) error
	// Close forgets the connection and disconnects it; of several calls at
	// the same time one succeeds and the others get ErrGone.
	Close(ctx context.Context, a Address) error
	// Info describes a connection or returns ErrGone.
	Info(ctx context.Context, a Address) (Info, error)
}
