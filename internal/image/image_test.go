package image

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/journal"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A path that a shell would split is told before RUN does harm with its parts.
func TestRunBelowAPathWithASpaceIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM public.ecr.aws/lambda/nodejs:22\nRUN mkdir -p /opt/a\nCMD [\"index.handler\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	src := Source{Name: "fn", LogicalID: "Fn", Context: dir, File: filepath.Join(dir, "Dockerfile")}
	_, err := New(Config{CacheDir: filepath.Join(t.TempDir(), "my cache")}).Build(t.Context(), src)
	if err == nil || !strings.Contains(err.Error(), "Dockerfile:2: RUN: not run: ") {
		t.Errorf("%v", err)
	}
}

// build builds a context; notes are what was left out.
func build(t *testing.T, dir string, change ...func(*Source)) (img *Image, notes []string, err error) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("RUN needs a shell")
	}
	cache := t.TempDir()
	if strings.ContainsAny(cache, splits) {
		t.Skip("no RUN below " + cache)
	}
	j := new(journal.Journal)
	sub := j.Subscribe(100)
	defer sub.Close()
	src := Source{Name: "fn", LogicalID: "Fn", Context: dir, File: filepath.Join(dir, "Dockerfile")}
	for _, f := range change {
		f(&src)
	}
	img, err = New(Config{CacheDir: cache, Journal: j}).Build(context.Background(), src)
	for len(sub.Entries()) > 0 {
		if e := <-sub.Entries(); e.Kind == journal.Noticed {
			notes = append(notes, e.Text)
		}
	}
	return img, notes, err
}

func TestStagesBecomeFolders(t *testing.T) {
	dir := write(t, map[string]string{
		"Dockerfile": `# syntax=docker/dockerfile:1
ARG BASE=busybox
FROM ${BASE} AS base
ENV GREETING="hello there" PLACE=/app/data

FROM base AS deps
WORKDIR /app
COPY package.json ./
RUN apt-get update && apt-get install -y git \
    # a comment between
    && mkdir -p /app/made && echo "$GREETING from $PLACE" > made/note && rm -rf /var/lib/apt/lists/*

FROM deps AS unused
RUN false

FROM base
COPY --from=public.ecr.aws/awsguru/aws-lambda-adapter:1.0.0 /lambda-adapter /opt/extensions/lambda-adapter
ARG VERSION=1
ENV PORT=3000 VERSION=$VERSION
WORKDIR /srv
WORKDIR app
COPY --from=deps /app/made ./made
COPY --from=other/image /bin/tool /bin/tool
COPY src/*.js conf/ lib/
COPY <<END run.sh
#!/bin/sh
exec node server.js
END
RUN useradd app && chown -R app:app /srv
RUN ["ln", "-s", "made/note", "link"]
RUN curl -fsSL https://example.com/install.sh | sh
USER app
EXPOSE 3000
HEALTHCHECK CMD curl localhost
CMD ["node", "/srv/app/lib/a.js", "--port=3000"]
`,
		".dockerignore":     "**/*.md\nnode_modules\n!conf/keep.md\n",
		"package.json":      "{}",
		"src/a.js":          "a",
		"src/b.js":          "b",
		"conf/c.json":       "c",
		"conf/drop.md":      "d",
		"conf/keep.md":      "k",
		"conf/sub/deep.txt": "deep",
	})
	img, notes, err := build(t, dir, func(s *Source) { s.Args = map[string]string{"VERSION": "7"} })
	if err != nil {
		t.Fatal(err)
	}
	if !img.Adapter || img.WorkDir != "/srv/app" || img.Runtime != "" || img.Env["PORT"] != "3000" || img.Env["VERSION"] != "7" || img.Env["GREETING"] != "hello there" {
		t.Errorf("%+v", img)
	}
	in := func(name string) string {
		text, err := os.ReadFile(filepath.Join(img.Root, "srv", "app", name))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	for name, want := range map[string]string{
		"made/note": "hello there from /app/data\n", "link": "hello there from /app/data\n", "lib/a.js": "a", "lib/b.js": "b", "lib/c.json": "c",
		"lib/keep.md": "k", "lib/sub/deep.txt": "deep", "run.sh": "#!/bin/sh\nexec node server.js\n",
	} {
		if got := in(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := os.Stat(filepath.Join(img.Root, "srv/app/lib/drop.md")); err == nil {
		t.Error("an ignored file is there")
	}
	c := img.Command(Override{})
	if filepath.Base(c.Path) != "node" || !slices.Equal(c.Args, []string{filepath.Join(img.Root, "srv/app/lib/a.js"), "--port=3000"}) || c.Dir != filepath.Join(img.Root, "srv/app") {
		t.Errorf("%+v", c)
	}
	c = img.Command(Override{Entrypoint: []string{"/srv/app/run.sh"}, Cmd: []string{"x"}, WorkDir: "/srv"})
	if c.Path != filepath.Join(img.Root, "srv/app/run.sh") || !slices.Equal(c.Args, []string{"x"}) || c.Dir != filepath.Join(img.Root, "srv") {
		t.Errorf("%+v", c)
	}
	if want := []string{
		"Dockerfile:23: COPY: files of the image other/image are not there; what of it runs must be installed on this machine",
		"Dockerfile:31: RUN: not run, because of curl, sh",
	}; !slices.Equal(notes, want) {
		t.Errorf("notes %q", notes)
	}
}

// Packages of Python go into the image's folder, through every stage.
func TestPythonPackagesStayInTheImage(t *testing.T) {
	dir := write(t, map[string]string{
		"Dockerfile": `FROM python:3.12-slim AS build
WORKDIR /app
COPY pkg pkg
RUN python -m venv /venv && pip install --user --no-index --no-build-isolation --no-deps ./pkg
FROM public.ecr.aws/lambda/python:3.12
COPY --from=build /venv /venv
COPY app.py ${LAMBDA_TASK_ROOT}
CMD ["app.handler"]
`,
		"app.py":             "import hello",
		"pkg/pyproject.toml": "[build-system]\nrequires=[]\nbuild-backend=\"backend\"\nbackend-path=[\".\"]\n[project]\nname=\"hello\"\nversion=\"1\"\n",
		"pkg/backend.py": `import os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "hello-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as z:
        z.writestr("hello.py", "word = 'hello'\n")
        z.writestr("hello-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: hello\nVersion: 1\n")
        z.writestr("hello-1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("hello-1.dist-info/RECORD", "")
    return name
`,
	})
	if testing.Short() {
		t.Skip("runs pip")
	}
	img, _, err := build(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if img.Runtime != "python3.12" || img.WorkDir != "/var/task" || !slices.Equal(img.Cmd, []string{"app.handler"}) {
		t.Errorf("%+v", img)
	}
	env := img.Environ()
	if _, err := os.Stat(filepath.Join(env["PYTHONPATH"], "hello.py")); err != nil || env["LAMBDA_TASK_ROOT"] != filepath.Join(img.Root, "var/task") {
		t.Errorf("%v %v", err, env)
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	for _, c := range []struct{ dockerfile, want string }{
		{"FROM a\nCMD x\nCOPY nothing /app/\n", "Dockerfile:3: COPY: there is no nothing (Suiro builds images without a container engine; say in suiro.yaml what to run instead if it cannot: images: {Fn: {command: […]}})"},
		{"FROM a\nRUN true \\\n  && false\nCMD x\n", "Dockerfile:2: RUN: failed:"},
		{"FROM a\nRUM x\n", `Dockerfile:2: "RUM" is no instruction of a Dockerfile`},
		{"RUN x\nFROM a\n", "Dockerfile:1: RUN: RUN stands before the first FROM"},
		{"FROM a\nWORKDIR /x\n", "Dockerfile:1: the image starts nothing that Suiro knows: there is neither CMD nor ENTRYPOINT (say in suiro.yaml what to run: images: {Fn: {command: […]}})"},
		{"# nothing\n", "Dockerfile:1: the Dockerfile has no FROM"},
	} {
		_, _, err := build(t, write(t, map[string]string{"Dockerfile": c.dockerfile}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.dockerfile, err)
		}
	}
}

// With SAM's ImageConfig.Command a Dockerfile needs no CMD.
func TestImageThatTheTemplateStarts(t *testing.T) {
	dir := write(t, map[string]string{"Dockerfile": "FROM public.ecr.aws/lambda/nodejs:22\nENV A=1\n"})
	if _, _, err := build(t, dir); err == nil {
		t.Error("an image that starts nothing was built")
	}
	img, _, err := build(t, dir, func(s *Source) { s.Started = true })
	if err != nil || img.Runtime != "nodejs22.x" {
		t.Errorf("%+v %v", img, err)
	}
}

func TestBaseImagesOfLambda(t *testing.T) {
	for image, want := range map[string]string{
		"public.ecr.aws/lambda/python:3.12":          "python3.12",
		"public.ecr.aws/lambda/nodejs:22":            "nodejs22.x",
		"public.ecr.aws/lambda/nodejs:20.2024.11.22": "nodejs20.x",
		"amazon/aws-lambda-nodejs:18-x86_64":         "nodejs18.x",
		"public.ecr.aws/lambda/provided:al2023":      "provided.al2023",
		"public.ecr.aws/lambda/ruby:3.3":             "ruby3.3",
		"public.ecr.aws/docker/library/node:20-slim": "",
		"localhost:5000/app":                         "",
		"scratch":                                    "",
	} {
		if got := lambdaRuntime(image); got != want {
			t.Errorf("%s: %q", image, got)
		}
	}
}

func TestCommandsOfScripts(t *testing.T) {
	for script, want := range map[string]string{
		"npm ci && npm run build":                                        "npm npm",
		"GOOS=linux CGO_ENABLED=0 go build -o main . ; rm -rf /x 2>&1":   "go rm",
		"if [ -f yarn.lock ]; then yarn; else echo 'a; b' && exit 1; fi": "[ yarn echo exit",
		"cd app\nmake\n# comment; curl":                                  "cd make",
		"(cd app && ./build.sh) || true":                                 "cd ./build.sh true",
		"curl -s x | sh":                                                 "curl sh",
		"for f in *; do rm $f; done":                                     "for rm",
		"exec env A=1 node x":                                            "exec env node",
	} {
		if got := strings.Join(commands(script), " "); got != want {
			t.Errorf("%q: %s", script, got)
		}
	}
}

// What RUN does stays in the image: this machine's files are not its own.
func TestRunTouchesNothingOfThisMachine(t *testing.T) {
	root := t.TempDir()
	for script, want := range map[string]string{
		"rm -rf /tmp/* /var/lib/apt":                  "rm -rf ROOT/tmp/* ROOT/var/lib/apt",
		"ln -sf /usr/bin/python3.12 /usr/bin/python2": "ln -sf ROOT/usr/bin/python3.12 ROOT/usr/bin/python2",
		"cp app /bin/app && rm -f {/etc/a,/etc/b}":    "cp app ROOT/bin/app && rm -f {ROOT/etc/a,ROOT/etc/b}",
		"/usr/local/bin/pip install x >/dev/null":     "pip install x >/dev/null",
		"ln -s /tmp/cache ./.next/cache":              "ln -s /tmp/cache ./.next/cache",
		"curl https://example.com/a":                  "curl https://example.com/a",
		"PATH=/a/b:/c npm ci":                         "PATH=ROOT/a/b:ROOT/c npm ci",
	} {
		if got := strings.ReplaceAll(mapPaths(root, script, true), root, "ROOT"); got != want {
			t.Errorf("%s: %s", script, got)
		}
	}
	home := t.TempDir()
	kept := filepath.Join(home, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("VICTIM", home)
	_, notes, err := build(t, write(t, map[string]string{"Dockerfile": `FROM a
RUN rm -rf ~/kept $HOME/kept
RUN find / -name kept -delete
RUN rm -rf /$VICTIM/kept
RUN cd / && rm -f kept
CMD x
`}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	if len(notes) != 3 || !strings.Contains(notes[0], "Dockerfile:3: RUN: not run, because of the path /") {
		t.Errorf("notes %q", notes)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# escape=`\nFROM a AS b\nRUN <<EOF\nx\nEOF\nCMD [\"a\"]\n"))
	f.Add([]byte("FROM a\nENV A=\"b c\" D='$E' F=${G:-h}\nCOPY --chown=1:1 a \\\n # x\n b /c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("Dockerfile", data)
		if err != nil {
			return
		}
		for _, in := range file.Instructions {
			in.Words(func(string) string { return "v" })
			in.Pairs(func(string) string { return "v" })
			commands(in.Text)
		}
		_, _ = plan(Source{LogicalID: "F", File: "Dockerfile"}, file)
	})
}
