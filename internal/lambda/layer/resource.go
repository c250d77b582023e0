package layer

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// longestName is what names made here have at most: as function names.
const longestName = 64

// handler makes AWS::Lambda::LayerVersion real.
type handler struct{ r *Registry }

func (handler) Schema() resource.Schema {
	return resource.Schema{
		"Content":                 {Required: true},
		"LayerName":               {},
		"Description":             {},
		"CompatibleRuntimes":      {},
		"CompatibleArchitectures": {},
		"LicenseInfo":             {},
	}
}

func (handler) Check(spec resource.Spec) (out diag.List) {
	n := spec.Properties.Get("Content")
	if !n.IsNull() && n.Kind == document.Map && !resource.Unknown(n) {
		out.Add(diag.Errorf(n.Pos, spec.LogicalID+".Content", "the layer lies in S3; Suiro uses local files").
			WithHint("set ContentUri or Content to a local folder"))
	}
	return out
}

func (h handler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	content := spec.Properties.Get("Content")
	key := spec.LogicalID + ".Content"
	dir := spec.Path(content.TextOr(""))
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, diag.Errorf(spec.At(content), key, "there is no %s", dir)
	case !info.IsDir() && filepath.Ext(dir) != ".zip":
		return nil, diag.Errorf(spec.At(content), key, "%s is neither a folder nor a .zip file", dir)
	}
	name := spec.Properties.Get("LayerName").TextOr("")
	if name == "" {
		name = spec.Stack.GeneratedName(spec.LogicalID, longestName)
	}
	base := spec.Stack.ARN("lambda", "layer:"+name)
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	number := 1
	for ; h.r.versions[base+":"+strconv.Itoa(number)] != nil; number++ {
	}
	l := &Layer{ARN: base + ":" + strconv.Itoa(number), LogicalID: spec.LogicalID, Source: dir}
	if m := spec.Metadata.Get("BuildMethod").TextOr(""); m != "" {
		l.build = &bundle.Function{
			Name: name, LogicalID: spec.LogicalID, Dir: dir, BuildMethod: m, Metadata: spec.Metadata, TemplateDir: spec.Dir, Pos: spec.At(content),
		}
	}
	h.r.versions[l.ARN] = l
	return &resource.Instance{PhysicalID: l.ARN, Attributes: resource.Texts("LayerVersionArn", l.ARN)}, nil
}

// Update makes another version: layer versions do not change.
func (h handler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h handler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	delete(h.r.versions, old.PhysicalID)
	return nil
}

// PermissionHandler takes AWS::Lambda::LayerVersionPermission: sharing
// with other accounts, of which there are none here.
type PermissionHandler struct{}

func (PermissionHandler) Schema() resource.Schema {
	why := "layers are not shared with other accounts here"
	return resource.Schema{
		"Action":          {Support: resource.Accepted, Why: why, Required: true},
		"LayerVersionArn": {Support: resource.Accepted, Why: why, Required: true},
		"Principal":       {Support: resource.Accepted, Why: why, Required: true},
		"OrganizationId":  {Support: resource.Accepted, Why: why},
	}
}

func (PermissionHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	id := spec.Stack.GeneratedName(spec.LogicalID, longestName)
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}

func (PermissionHandler) Update(_ context.Context, _ resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return old, nil
}

func (PermissionHandler) Delete(context.Context, resource.Spec, *resource.Instance) error {
	return nil
}
