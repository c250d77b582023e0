package process

// await reads what comes next and hands it over.
func (o *output) await() error {
	buf := make([]byte, readSize)
	n, err := o.file.Read(buf)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.take(buf[:n])
	return err
}

// flush can only end the line begun: a pipe cannot be read here without
// waiting, so lines may arrive a moment after the invocation they belong to.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endLine()
}
