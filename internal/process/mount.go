package process

// Mount makes a folder or file of this machine be seen at another path, which
// must exist, by one child and what that starts; they cannot write to it. It
// is how code that names /opt finds its layers there.
type Mount struct{ Source, Target string }
