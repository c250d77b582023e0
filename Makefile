# make demo    run the chat example
# make test    every test (installs what it needs: Debian, npm and Python packages)
# make apps    other people's apps, unmodified (needs checkouts or internet)
# make check   what to run every few minutes: format, vet, laws, short tests, cross builds

GO      ?= go
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

.PHONY: all build demo test check unit short cross fmt lint tools journeys apps compat bench clean

all: build

build: bin/suiro

bin/suiro: FORCE
	@mkdir -p bin
	@$(GO) build -trimpath -ldflags="-s -w" -o $@ ./cmd/suiro
FORCE:

demo: build
	@tools/need go node
	@echo "chat page: file://$(CURDIR)/examples/chat-go/web/index.html  (open it in two tabs)"
	@echo "or:        npx wscat -c ws://localhost:3000/dev"
	@exec bin/suiro dev examples/chat-go

# Everything, as .ci/run does it on a clean checkout.
test: tools fmt vet unit cross journeys

check: fmt vet short cross

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not gofmt-ed:"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...

short:
	$(GO) test -short ./...

unit:
	SUIRO_RIC=$(CURDIR)/test/.tools/ric $(GO) test -race -timeout 20m ./...
	cd bench && $(GO) test -race ./...

cross:
	@for p in $(PLATFORMS); do \
	  GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/suiro || { echo "does not build for $$p"; exit 1; }; \
	  echo "builds for $$p"; done

# What the tests need beyond Go: browsers, interpreters, clients.
tools:
	tools/install

# Real apps, clients and browsers against a real suiro.
journeys: build
	cd test && SUIRO=$(CURDIR)/bin/suiro $(GO) test -count=1 -timeout 30m ./...

# Public apps from their unmodified files (docs/apps.md); APPS=folder of checkouts, ONLY=id,… picks some.
apps: build
	cd test && SUIRO=$(CURDIR)/bin/suiro $(GO) run ./apps $(if $(APPS),-apps $(abspath $(APPS))) $(if $(ONLY),-only $(ONLY)) $(if $(JOBS),-jobs $(JOBS)) \
	  $(if $(MARKDOWN),-markdown $(abspath $(MARKDOWN))) $(if $(JSON),-json $(abspath $(JSON)))

lint:
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

# The tables' promise: 200 kills in the midst of writes lose nothing.
crash:
	SUIRO_KILLS=200 $(GO) test -count=1 -timeout 60m -run TestAcknowledgedItemsSurviveKill9 -v ./internal/dynamodb

# How many of AWS's behaviours are copied, each with a test that exists.
compat:
	@$(GO) test -count=1 -run TestCompatibility -v . | grep -E 'behaviours|names|FAIL|^ok'

# Suiro against floors and peers (docs/performance.md); ONLY=name,… picks some.
bench: build
	cd bench && SUIRO=$(CURDIR)/bin/suiro $(GO) run . $(BENCHFLAGS) $(ONLY)

clean:
	rm -rf bin
