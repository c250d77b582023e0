package runtime

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// javaClient is AWS's own client for Java, fetched from Maven Central when a
// function first needs it. Its native part exists for Linux alone.
const javaClient = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>suiro</groupId><artifactId>client</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>aws-lambda-java-runtime-interface-client</artifactId>
      <version>[2.8,3)</version>
    </dependency>
  </dependencies>
</project>
`

// javas remembers the Java programs that were asked for their version.
type javas struct {
	mu    sync.Mutex
	known map[string]int
}

// java is how AWS's start script runs a Java function: the client's main class
// with the function's classes and jars, then the layers', on its class path.
func (r *Runtimes) java(ctx context.Context, f Function, n name) (*Command, error) {
	if goruntime.GOOS != "linux" {
		return nil, f.errorf("Java functions run on Linux only: AWS's client for Java has no native part for %s", goruntime.GOOS).
			WithHint("leave the function out, or run Suiro in a Linux machine")
	}
	program, version := r.findJava(ctx, atoi(n.version))
	if program == "" {
		return nil, f.errorf("%s needs Java, which is not installed", f.Runtime).
			WithHint("apt install openjdk-%s-jdk-headless (or default-jdk-headless) and maven, or your system's own packages", n.version)
	}
	if version < atoi(n.version) {
		return nil, f.errorf("%s needs Java %s; the newest one here is %d (%s)", f.Runtime, n.version, version, program).
			WithHint("install a JDK %s and put it into PATH or JAVA_HOME", n.version)
	}
	client, err := r.javaClient(ctx, f)
	if err != nil {
		return nil, err
	}
	path := []string{filepath.Join(client, "*"), f.Root, filepath.Join(f.Root, "lib", "*")}
	for _, layer := range f.Layers {
		path = append(path, filepath.Join(layer, "java", "lib", "*"))
	}
	c := &Command{
		Path: program,
		Args: []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}, // as AWS starts it: short lives
		Env:  map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_" + f.Runtime},
	}
	if version >= 17 {
		c.Args = append(c.Args, "--add-opens=java.base/java.io=ALL-UNNAMED") // the client's own need
	}
	reach, err := r.javaWays(ctx, f, program)
	if err != nil {
		return nil, err
	}
	c.Args = append(c.Args, reach...)
	c.Args = append(c.Args, "-cp", strings.Join(path, string(os.PathListSeparator)),
		"com.amazonaws.services.lambda.runtime.api.client.AWSLambda", f.Handler)
	if version != atoi(n.version) {
		c.Notes = r.once(c.Notes, fmt.Sprintf("%s runs on Java %d, the nearest one here", f.Runtime, version))
	}
	return c, nil
}

// javaClient is the folder with the client's jars.
func (r *Runtimes) javaClient(ctx context.Context, f Function) (string, error) {
	w := cache.Work{Slot: "java-client", Key: cache.Hash(javaClient), Text: "fetching AWS's runtime client for Java", Function: f.Name}
	return r.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(javaClient), 0o644); err != nil {
			return err
		}
		t := bundle.Tool{Path: "mvn", Args: []string{"-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + dir}, Dir: dir}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		if _, err := t.Run(ctx); err != nil {
			return f.errorf("AWS's runtime client for Java could not be fetched: %v", err).
				WithHint("Maven fetches it (apt install maven); it needs the network once")
		}
		return nil
	})
}

// findJava finds the program for a version: that very one, else the nearest
// newer one, else the newest. Its version is 0 when there is none.
func (r *Runtimes) findJava(ctx context.Context, want int) (program string, version int) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*/bin/java") // Debian, Fedora
	for _, candidate := range append(candidates, installed...) {
		v := r.javaVersion(ctx, candidate)
		better := v >= want && (version < want || v < version) || v < want && v > version && version < want
		if v > 0 && better {
			program, version = candidate, v
		}
		if version == want {
			break
		}
	}
	return program, version
}

// javaVersion asks a Java program for its version: 17, 21; 0 for an old one.
func (r *Runtimes) javaVersion(ctx context.Context, program string) int {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	r.javas.mu.Lock()
	defer r.javas.mu.Unlock()
	if v, ok := r.javas.known[program]; ok {
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := bundle.Tool{Path: program, Args: []string{"--version"}}.Run(ctx)
	if ctx.Err() != nil {
		return 0
	}
	v := 0
	if fields := strings.Fields(string(out)); err == nil && len(fields) > 1 {
		digits := strings.IndexFunc(fields[1]+".", func(r rune) bool { return r < '0' || r > '9' })
		v, _ = strconv.Atoi(fields[1][:digits]) // openjdk 17.0.15 2025-04-15, java 25-ea
	}
	if r.javas.known == nil {
		r.javas.known = make(map[string]int)
	}
	r.javas.known[program] = v
	return v
}
