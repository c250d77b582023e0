package lambda

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/image"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

// images gives a service the real builder of images too.
func images(t *testing.T, starts map[string]Start) *place {
	t.Helper()
	p := real(t)
	p.cfg.Images, p.cfg.Starts = image.New(image.Config{CacheDir: filepath.Join(t.TempDir(), "images")}), starts
	return p
}

func (p *place) createImage(properties string) error {
	p.t.Helper()
	spec := p.spec("Fn", "AWS::Lambda::Function", `{FunctionName: fn, Timeout: 20, PackageType: Image, Code: {ImageUri: "fn:latest"}, `+properties+`}`)
	spec.Metadata, _ = document.Parse("template.yaml", []byte(`{Dockerfile: Dockerfile, DockerContext: .}`))
	_, err := p.Handlers()[spec.Type].Create(context.Background(), spec)
	return err
}

// Container images: a web server behind the adapter, a handler on AWS's base
// image, and a program that speaks the Runtime API.
func TestContainerImages(t *testing.T) {
	for _, c := range []struct{ name, tool, dockerfile, file, code, properties, want string }{
		{"web server", "node", `FROM node:20-slim
COPY --from=public.ecr.aws/awsguru/aws-lambda-adapter:1.0.0 /lambda-adapter /opt/extensions/lambda-adapter
ENV PORT=3000
WORKDIR /app
COPY server.js ./
CMD ["node", "server.js"]`, "server.js", strings.Replace(nodeServer, "PORT", "process.env.PORT", 1), `Environment: {Variables: {WHO: me}}`, "node /here?a=1 fn"},
		{"web server with its port on the command line", "python3", `FROM python:3.12-slim
COPY --from=public.ecr.aws/awsguru/aws-lambda-adapter:1.0.0 /lambda-adapter /opt/extensions/lambda-adapter
COPY server.py /srv/
ENTRYPOINT ["python"]
CMD ["/srv/server.py", "--port", "8080"]`, "server.py", strings.Replace(pythonServer, `os.environ["PORT"]`, `__import__("sys").argv[2]`, 1), ``, "python /here?a=1"},
		{"handler", "node", `FROM public.ecr.aws/lambda/nodejs:20
COPY app.js ${LAMBDA_TASK_ROOT}
CMD ["app.nothing"]`, "app.js", `exports.handler = async (event) => ({ statusCode: 200, body: "handler " + event.rawPath + process.env.WHO });`,
			`ImageConfig: {Command: [app.handler]}, Environment: {Variables: {WHO: "!"}}`, "handler /here!"},
		{"runtime of its own", "curl", `FROM alpine
COPY bootstrap /
ENTRYPOINT ["/bin/sh", "/bootstrap"]`, "bootstrap", `url=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
  id=$(curl -sS -o "$TMPDIR/event" -D - $url/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //pI')
  curl -sS -d '{"statusCode":200,"body":"own"}' $url/$id/response
done
`, ``, "own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skipf("%s is not installed", c.tool)
			}
			p := images(t, nil)
			p.write("Dockerfile", c.dockerfile)
			p.write(c.file, c.code)
			if err := p.createImage(c.properties); err != nil {
				t.Fatal(err)
			}
			p.answers(c.want)
		})
	}
}

// answers calls the function with an HTTP event.
func (p *place) answers(want string) {
	p.t.Helper()
	body, end := p.call("fn", request)
	var result struct {
		StatusCode int
		Body       string
	}
	_ = json.Unmarshal([]byte(body), &result)
	if end.Outcome != invoke.Complete || result.StatusCode != 200 || result.Body != want {
		p.t.Errorf("%v %s", end, body)
	}
}

func TestSettingsRunInPlaceOfAnImage(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	p := images(t, map[string]Start{"Fn": {Command: []string{"node", "server.js"}, Port: 3000}})
	p.write("server.js", strings.Replace(nodeServer, "PORT", "process.env.PORT", 1))
	spec := p.spec("Fn", "AWS::Lambda::Function", `{FunctionName: fn, Timeout: 20, PackageType: Image, Code: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"}}`)
	if _, err := p.Handlers()[spec.Type].Create(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	p.answers("node /here?a=1 fn")
}

func TestImageChecks(t *testing.T) {
	p := newPlace(t)
	h := p.Handlers()["AWS::Lambda::Function"].(resource.Checker)
	spec := p.spec("X", "AWS::Lambda::Function", `{Code: {ImageUri: "repo/app:1"}, PackageType: Image}`)
	if got := h.Check(spec).Error(); got != "template.yaml:1:8: X.Code: the image repo/app:1 comes from a registry, and Suiro runs what it can build itself "+
		"(name its Dockerfile in Metadata (Dockerfile, DockerContext), or say in suiro.yaml what to run: images: {X: {command: […], dir: …}})" {
		t.Error(got)
	}
	spec.Metadata, _ = document.Parse("template.yaml", []byte(`{Dockerfile: Dockerfile.prod, DockerContext: .}`))
	if got := h.Check(spec).Error(); got != "template.yaml:1:14: X.Metadata.Dockerfile: there is no "+filepath.Join(p.dir, "Dockerfile.prod") {
		t.Error(got)
	}
	p.write("Dockerfile.prod", "FROM a")
	if msgs := h.Check(spec); msgs.HasErrors() {
		t.Error(msgs)
	}
}
