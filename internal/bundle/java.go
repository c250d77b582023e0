package bundle

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// java makes a Java function: a Maven project is compiled and its classes and
// the jars it needs are laid out as `sam build` does and Lambda searches them,
// classes at the top and jars in lib. A folder without a project is that
// layout already.
func (b *Builder) java(ctx context.Context, f Function) (*Runnable, error) {
	switch {
	case isFile(filepath.Join(f.Dir, "pom.xml")):
		return b.maven(ctx, f)
	case isFile(filepath.Join(f.Dir, "build.gradle")), isFile(filepath.Join(f.Dir, "build.gradle.kts")):
		return nil, f.errorf("Suiro does not build Gradle projects yet").
			WithHint("run ./gradlew build in %s and point CodeUri at the jar or zip it makes", f.showDir(f.Dir))
	}
	return b.inPlace(f)
}

func (b *Builder) maven(ctx context.Context, f Function) (*Runnable, error) {
	mvn := filepath.Join(f.Dir, "mvnw")
	if !isFile(mvn) {
		var err error
		if mvn, err = exec.LookPath("mvn"); err != nil {
			return nil, f.errorf("%s is a Maven project, and mvn is not installed", f.showDir(f.Dir)).
				WithHint("install Maven (apt install maven, brew install maven), or point CodeUri at a jar that you built")
		}
	}
	key, err := b.javaKey(f.Dir)
	if err != nil {
		return nil, err
	}
	w := cache.Work{Slot: "maven-" + cache.Hash(f.Dir), Key: key, Text: "building Maven project " + f.showDir(f.Dir), Function: f.Name, Resource: f.LogicalID}
	dir, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		// In a copy, so that the project's own target folder stays as it is.
		copied := filepath.Join(dir, ".project")
		if err := copyJava(f.Dir, copied); err != nil {
			return err
		}
		args := []string{"-q", "-B", "-DskipTests", "process-classes", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory=" + filepath.Join(dir, "lib")}
		if _, err := b.tool(ctx, Tool{Path: mvn, Args: args, Dir: copied}); err != nil {
			return f.toolMessage(err, "run mvn process-classes in %s", f.showDir(f.Dir))
		}
		if err := moveContent(filepath.Join(copied, "target", "classes"), dir); err != nil {
			return err
		}
		return os.RemoveAll(copied)
	})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: dir, Sources: []string{f.Dir}, Hash: key}, nil
}

// eachJava visits the files of a project that are not made by building it.
func eachJava(root string, visit func(path, rel string) error) error {
	return WalkSources(root, func(path, rel string, info fs.FileInfo) error {
		if strings.HasPrefix(rel, "target/") || !info.Mode().IsRegular() {
			return nil
		}
		return visit(path, rel)
	})
}

func (b *Builder) javaKey(root string) (string, error) {
	var files []string
	err := eachJava(root, func(path, _ string) error { files = append(files, path); return nil })
	if err != nil {
		return "", err
	}
	return b.digests.named("maven", files)
}

func copyJava(root, to string) error {
	return eachJava(root, func(path, rel string) error { return copyFile(path, filepath.Join(to, filepath.FromSlash(rel))) })
}

// moveContent moves what is in a folder; a folder that is not there is empty.
func moveContent(from, to string) error {
	entries, err := os.ReadDir(from)
	if os.IsNotExist(err) {
		return nil
	}
	for _, e := range entries {
		if err == nil {
			err = os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
	}
	return err
}
