package bundle

import "context"

// Config bundles a configuration module (serverless.ts, .js, .mjs) into one
// CommonJS script for node; packages stay outside and are required from where
// file stands. files are the modules it was made from.
func (b *Builder) Config(ctx context.Context, file string) (js []byte, files []string, err error) {
	return nil, nil, nil
}
func (b *Builder) inline(ctx context.Context, f Function) (*Runnable, error)   { return nil, nil }
func (b *Builder) artifact(ctx context.Context, f Function) (*Runnable, error) { return nil, nil }
func (b *Builder) node(ctx context.Context, f Function) (*Runnable, error)     { return b.inPlace(f) }
func (b *Builder) makefile(ctx context.Context, f Function) (*Runnable, error) { return b.inPlace(f) }
func (b *Builder) golang(ctx context.Context, f Function) (*Runnable, error)   { return b.inPlace(f) }
func (b *Builder) cargo(ctx context.Context, f Function) (*Runnable, error)    { return b.inPlace(f) }
func (b *Builder) python(ctx context.Context, f Function) (*Runnable, error)   { return b.inPlace(f) }
func (b *Builder) ruby(ctx context.Context, f Function) (*Runnable, error)     { return b.inPlace(f) }
