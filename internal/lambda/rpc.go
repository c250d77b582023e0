package lambda

// speaksRPC tells whether a Go binary knows only the net/rpc protocol of the
// retired go1.x runtime.
func speaksRPC(*revision) bool { return false }
