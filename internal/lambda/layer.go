package lambda

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// layer is a layer version whose content lies in a folder or an archive. On AWS
// it is unpacked to /opt, which no user of this machine may write: see opt.go.
type layer struct {
	arn       string
	logicalID string
	source    string // the folder or archive
	dir       string // the content; of an archive only once it was unpacked
	// built layers hold a runtime's modules at their top, as SAM's Metadata
	// BuildMethod has them before it builds.
	buildMethod string
}

// layerHandler makes AWS::Lambda::LayerVersion real.
type layerHandler struct{ s *Service }

func (layerHandler) Schema() resource.Schema {
	return resource.Schema{
		"Content":                 {Required: true},
		"LayerName":               {},
		"Description":             {},
		"CompatibleRuntimes":      {},
		"CompatibleArchitectures": {},
		"LicenseInfo":             {},
	}
}

func (layerHandler) Check(spec resource.Spec) (out diag.List) {
	n := spec.Properties.Get("Content")
	if !n.IsNull() && n.Kind == document.Map && !resource.Unknown(n) {
		out.Add(diag.Errorf(n.Pos, spec.LogicalID+".Content", "the layer lies in S3; Suiro uses local files").
			WithHint("set ContentUri or Content to a local folder"))
	}
	return out
}

func (h layerHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	content := spec.Properties.Get("Content")
	key := spec.LogicalID + ".Content"
	dir := localPath(spec.Dir, content.TextOr(""))
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, diag.Errorf(at(content, spec), key, "there is no %s", dir)
	case !info.IsDir() && filepath.Ext(dir) != ".zip":
		return nil, diag.Errorf(at(content, spec), key, "%s is neither a folder nor a .zip file", dir)
	}
	name := spec.Properties.Get("LayerName").TextOr("")
	if name == "" {
		name = generatedName(spec.Stack, spec.LogicalID)
	}
	base := strings.Replace(functionARN(spec.Stack, name), ":function:", ":layer:", 1)
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	number := 1
	for ; h.s.layers[base+":"+strconv.Itoa(number)] != nil; number++ {
	}
	l := &layer{arn: base + ":" + strconv.Itoa(number), logicalID: spec.LogicalID, source: dir, buildMethod: spec.Metadata.Get("BuildMethod").TextOr("")}
	h.s.layers[l.arn] = l
	return &resource.Instance{PhysicalID: l.arn, Attributes: resource.Texts("LayerVersionArn", l.arn)}, nil
}

// Update makes another version: layer versions do not change.
func (h layerHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h layerHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	delete(h.s.layers, old.PhysicalID)
	return nil
}

// layerPermissionHandler takes AWS::Lambda::LayerVersionPermission: sharing
// with other accounts, of which there are none here.
type layerPermissionHandler struct{}

func (layerPermissionHandler) Schema() resource.Schema {
	why := "layers are not shared with other accounts here"
	return resource.Schema{
		"Action":          {Support: resource.Accepted, Why: why, Required: true},
		"LayerVersionArn": {Support: resource.Accepted, Why: why, Required: true},
		"Principal":       {Support: resource.Accepted, Why: why, Required: true},
		"OrganizationId":  {Support: resource.Accepted, Why: why},
	}
}

func (layerPermissionHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	id := generatedName(spec.Stack, spec.LogicalID)
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}

func (layerPermissionHandler) Update(_ context.Context, _ resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return old, nil
}

func (layerPermissionHandler) Delete(context.Context, resource.Spec, *resource.Instance) error {
	return nil
}

// findLayers finds those that exist here, with their content as it is now;
// missingLayers tells about the others.
func (s *Service) findLayers(ctx context.Context, arns []string) ([]*layer, error) {
	s.mu.Lock()
	var out []*layer
	for _, a := range arns {
		if l := s.layers[a]; l != nil {
			found := *l
			out = append(out, &found)
		}
	}
	s.mu.Unlock()
	for _, l := range out {
		info, err := os.Stat(l.source)
		if l.dir = l.source; err != nil || info.IsDir() {
			continue
		}
		if l.dir, err = s.cfg.Builder.Unpack(ctx, l.source, l.logicalID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// missingLayers lists the ARNs that name no layer of this app.
func (s *Service) missingLayers(arns []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(arns), func(a string) bool { return s.layers[a] != nil })
}

// variables are the lists by which a runtime finds the layer's content, as in
// the table of the Developer Guide, Packaging your layer content.
func (l *layer) variables(runtime string) map[string]string {
	in := func(parts ...string) string { return filepath.Join(append([]string{l.dir}, parts...)...) }
	v := map[string]string{"PATH": in("bin"), "LD_LIBRARY_PATH": in("lib")}
	major := strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		v["NODE_PATH"] = joinPath(in("nodejs", "node"+major, "node_modules"), in("nodejs", "node_modules"))
		if l.buildMethod != "" {
			v["NODE_PATH"] = joinPath(v["NODE_PATH"], in("node_modules"))
		}
	case strings.HasPrefix(runtime, "python"):
		v["PYTHONPATH"] = joinPath(in("python"), in("python", "lib", runtime, "site-packages"))
		if l.buildMethod != "" {
			v["PYTHONPATH"] = joinPath(v["PYTHONPATH"], l.dir)
		}
	case strings.HasPrefix(runtime, "ruby"):
		version := strings.TrimPrefix(runtime, "ruby")
		v["GEM_PATH"] = in("ruby", "gems", version+".0")
		v["RUBYLIB"] = in("ruby", "lib")
	}
	return v
}
