// Package cdk reads the folder that `cdk synth` writes (cdk.out): which
// stacks an app has, in which order they come up, and where their code lies.
//
// The templates are plain CloudFormation but for three things. Code lies
// beside them as assets, which `cdk deploy` would put into S3; here Code and
// Content become a text, the path of the asset. The parameter and the rule
// that check the bootstrap stack are taken out, for nothing is bootstrapped
// here. And helpers that only matter in AWS (see helpers) are left out with a
// note.
package cdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Stack is one stack of a CDK app.
type Stack struct {
	// Name is the stack's name; ID the path of its construct ("Prod/Chat"),
	// by which `cdk deploy` takes it.
	Name, ID string
	// Account and Region are "" when the stack is environment-agnostic.
	Account, Region string
	// Dir is the assembly folder the template lies in; local paths in the
	// template are relative to it.
	Dir string
	// DependsOn names the stacks that must exist first.
	DependsOn []string
	// Root is the template.
	Root *document.Node
}

// maxDepth bounds how deep assemblies (CDK stages) may nest.
const maxDepth = 16

// Load reads a cdk.out folder with its nested assemblies. Stacks come in
// dependency order, in the order of the manifest among equals.
func Load(dir string) ([]Stack, diag.List) {
	l := &loader{}
	l.assembly(dir, 0)
	if len(l.stacks) == 0 && !l.msgs.HasErrors() {
		l.msgs.Add(diag.Errorf(diag.Position{File: filepath.Join(dir, "manifest.json")}, "artifacts", "the app has no stacks"))
	}
	return l.stacks, l.msgs
}

type loader struct {
	stacks []Stack
	msgs   diag.List
}

// assembly reads one manifest.json.
func (l *loader) assembly(dir string, depth int) {
	manifest := l.read(filepath.Join(dir, "manifest.json"))
	if manifest == nil || depth > maxDepth {
		return
	}
	artifacts := manifest.Get("artifacts")
	done := map[string]int{} // 1: being read, 2: read
	for _, id := range artifacts.Keys() {
		l.artifact(dir, artifacts, id, done)
	}
	for _, id := range artifacts.Keys() {
		a := artifacts.Get(id)
		if a.Get("type").TextOr("") != "cdk:cloud-assembly" {
			continue
		}
		if sub, ok := local(dir, a.Get("properties").Get("directoryName")); ok {
			l.assembly(sub, depth+1)
		} else {
			l.msgs.Add(diag.Errorf(a.Pos, id, "the nested assembly names no folder inside cdk.out"))
		}
	}
}

// artifact reads a stack after the stacks it depends on.
func (l *loader) artifact(dir string, artifacts *document.Node, id string, done map[string]int) {
	a := artifacts.Get(id)
	if a.Get("type").TextOr("") != "aws:cloudformation:stack" || done[id] == 2 {
		return
	}
	if done[id] == 1 {
		l.msgs.Add(diag.Errorf(a.Pos, id, "the stack depends on itself"))
		return
	}
	done[id] = 1
	var needs []string
	for _, d := range a.Get("dependencies").Strings() {
		if artifacts.Get(d).Get("type").TextOr("") == "aws:cloudformation:stack" {
			l.artifact(dir, artifacts, d, done)
			needs = append(needs, stackName(artifacts.Get(d), d))
		}
	}
	done[id] = 2
	props := a.Get("properties")
	file, ok := local(dir, props.Get("templateFile"))
	if !ok {
		l.msgs.Add(diag.Errorf(a.Pos, id, "the stack names no template file inside cdk.out"))
		return
	}
	root := l.read(file)
	if root == nil {
		return
	}
	s := Stack{Name: stackName(a, id), ID: a.Get("displayName").TextOr(id), Dir: dir, DependsOn: needs}
	s.Account, s.Region = environment(a.Get("environment").TextOr(""))
	c := cleaner{dir: dir, msgs: &l.msgs, assets: l.assets(dir, artifacts, a)}
	s.Root = c.clean(root)
	l.stacks = append(l.stacks, s)
}

// Nested turns the template of a nested stack, which lies in the assembly dir
// and is no artifact of its own, into one that runs here.
func Nested(dir string, root *document.Node) (*document.Node, diag.List) {
	l := &loader{}
	all := assetFiles{files: map[string]string{}, images: map[string]imageSource{}}
	manifests, _ := filepath.Glob(filepath.Join(dir, "*.assets.json"))
	for _, file := range manifests {
		l.readAssets(file, all)
	}
	c := cleaner{dir: dir, msgs: &l.msgs, assets: all}
	return c.clean(root), l.msgs
}

// Helper tells whether a type is a custom resource that CDK adds on its own:
// its function does things to an AWS account that are not done here.
func Helper(resourceType string) bool { return helpers[resourceType] != "" }

// stackName is the name a stack is deployed under; without one of its own it is
// the artifact's key.
func stackName(artifact *document.Node, id string) string {
	return artifact.Get("properties").Get("stackName").TextOr(id)
}

// environment reads aws://account/region.
func environment(s string) (account, region string) {
	account, region, _ = strings.Cut(strings.TrimPrefix(s, "aws://"), "/")
	if account == "unknown-account" {
		account = ""
	}
	if region == "unknown-region" {
		region = ""
	}
	return account, region
}

// read parses a JSON file of the assembly; nil when that is not possible.
func (l *loader) read(file string) *document.Node {
	n, msgs, err := document.ReadFile(file)
	l.msgs.Add(msgs...)
	if err != nil {
		if !msgs.HasErrors() {
			l.msgs.Add(diag.Errorf(diag.Position{File: file}, "", "%v", err).WithHint("run cdk synth first"))
		}
		return nil
	}
	return n
}

// local is a path of the manifest, which must stay inside the assembly.
func local(dir string, n *document.Node) (string, bool) {
	name, ok := n.Scalar()
	if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", false
	}
	return filepath.Join(dir, filepath.FromSlash(name)), true
}

// assetFiles maps what a template says to where the asset lies, relative to
// the assembly: files by their key in S3, images by their tag. The templates
// of version 1 know a file by parameters that its command line would set.
type assetFiles struct {
	files      map[string]string
	images     map[string]imageSource
	parameters map[string]string
}

type imageSource struct{ directory, dockerfile string }

// assets reads the asset manifests a stack depends on, for templates that
// were written without asset metadata.
func (l *loader) assets(dir string, artifacts, stack *document.Node) assetFiles {
	out := assetFiles{files: map[string]string{}, images: map[string]imageSource{}, parameters: map[string]string{}}
	for _, at := range members(stack.Get("metadata")) {
		if at.Value == nil {
			continue
		}
		for _, entry := range at.Value.Items {
			data := entry.Get("data")
			bucket, path := data.Get("s3BucketParameter").TextOr(""), data.Get("path").TextOr("")
			if entry.Get("type").TextOr("") == "aws:cdk:asset" && bucket != "" && path != "" {
				out.parameters[bucket] = path
			}
		}
	}
	for _, d := range stack.Get("dependencies").Strings() {
		a := artifacts.Get(d)
		if a.Get("type").TextOr("") != "cdk:asset-manifest" {
			continue
		}
		file, ok := local(dir, a.Get("properties").Get("file"))
		if !ok {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			continue // old manifests; metadata says the same
		}
		l.readAssets(file, out)
	}
	return out
}

// readAssets adds what one asset manifest lists.
func (l *loader) readAssets(file string, out assetFiles) {
	manifest := l.read(file)
	for _, m := range members(manifest.Get("files")) {
		for _, dest := range members(m.Value.Get("destinations")) {
			out.files[dest.Value.Get("objectKey").TextOr("")] = m.Value.Get("source").Get("path").TextOr("")
		}
	}
	for _, m := range members(manifest.Get("dockerImages")) {
		source := m.Value.Get("source")
		for _, dest := range members(m.Value.Get("destinations")) {
			out.images[dest.Value.Get("imageTag").TextOr("")] = imageSource{
				source.Get("directory").TextOr(""), source.Get("dockerFile").TextOr("Dockerfile"),
			}
		}
	}
	delete(out.files, "")
	delete(out.images, "")
}

func members(n *document.Node) []document.Member {
	if n == nil {
		return nil
	}
	return n.Members
}

// path checks that an asset is there, and returns its path as the template
// gets it.
func (c *cleaner) path(n *document.Node, name string) (*document.Node, error) {
	full := filepath.FromSlash(name)
	if !filepath.IsAbs(full) {
		full = filepath.Join(c.dir, full)
	}
	if _, err := os.Stat(full); err != nil {
		return nil, fmt.Errorf("the asset %s is not in cdk.out", name)
	}
	return document.Str(name, n.Position()), nil
}
