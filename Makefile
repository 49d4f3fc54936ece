# The commands of gorowatch. `make help` lists them.

GO      ?= go
BINARY  ?= gorowatch
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PREFIX  := github.com/prometheus/common/version
# What of Google's storage library is for its gRPC alone, which gs:// does not use,
# stays out: a seventh of the program.
TAGS    := disable_grpc_modules,grpcnotrace
LDFLAGS := -s -w -X $(PREFIX).Version=$(VERSION) -X $(PREFIX).Revision=$(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# Modules besides the main one that have code of ours.
SCENARIOS := test/scenarios
GRAFANA   := grafana
BROWSER   := test/browser
KIT       := test/leakbench/kit
MUSEUM    := test/museum

# gotestsum runs `go test` and counts. Its own module keeps what it needs out
# of ours.
TOOLS     := test/tools
GOTESTSUM  = $(GO) -C $(TOOLS)/gotestsum build -o $(CURDIR)/dist/gotestsum gotest.tools/gotestsum

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

.PHONY: build
build: ## build ./gorowatch, or BINARY
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/gorowatch

.PHONY: demo
demo: ## watch a leaky service and its fixed twin; needs nothing but Go
	@CGO_ENABLED=0 $(GO) build -tags slim -o dist/demo ./cmd/gorowatch && exec dist/demo demo

.PHONY: test
test: ## run all tests, installing what they need
	@$(MAKE) --no-print-directory test-tools
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-scenarios
	@$(MAKE) --no-print-directory test-grafana
	@$(MAKE) --no-print-directory test-leakbench
	@$(MAKE) --no-print-directory test-museum
	@$(MAKE) --no-print-directory test-e2e
	@$(MAKE) --no-print-directory test-attack
	@$(MAKE) --no-print-directory test-browser

.PHONY: test-tools
test-tools: dist/gotestsum
	@$(TOOLS)/install.sh >/dev/null

.PHONY: test-unit
test-unit: dist/gotestsum ## run the unit tests, with the race detector
	dist/gotestsum --format=pkgname-and-test-fails --format-hide-empty-pkg -- -race -timeout=15m $$($(GO) list ./... | grep -vE '/test/(e2e|attack)')

.PHONY: test-scenarios
test-scenarios: dist/gotestsum ## run the tests of the leaky services
	cd $(SCENARIOS) && $(CURDIR)/dist/gotestsum --format=pkgname-and-test-fails --format-hide-empty-pkg -- -race -timeout=5m ./...

.PHONY: test-grafana
test-grafana: dist/gotestsum ## run the tests of the dashboards and rules
	cd $(GRAFANA) && $(CURDIR)/dist/gotestsum --format=pkgname-and-test-fails --format-hide-empty-pkg -- -timeout=5m ./...

.PHONY: test-leakbench
test-leakbench: dist/gotestsum ## run the tests of the kit that makes labelled data
	cd $(KIT) && $(CURDIR)/dist/gotestsum --format=pkgname-and-test-fails --format-hide-empty-pkg -- -timeout=10m ./...

.PHONY: test-museum
test-museum: dist/gotestsum ## show gorowatch a part of the museum of leaks, at 30 times the speed of life
	cd $(MUSEUM) && $(CURDIR)/dist/gotestsum --format=standard-verbose -- -count=1 -timeout=20m ./run

.PHONY: test-e2e
test-e2e: dist/gotestsum ## run gorowatch against real servers
	dist/gotestsum --format=standard-verbose -- -count=1 -timeout=25m ./test/e2e

.PHONY: test-attack
test-attack: dist/gotestsum ## attack a real gorowatch: every promise of docs/security.md
	dist/gotestsum --format=standard-verbose -- -count=1 -timeout=15m ./test/attack

.PHONY: test-browser
test-browser: dist/gotestsum ## open the pages in a Chromium; screenshots are in dist/screenshots
	cd $(BROWSER) && GOROWATCH_SCREENSHOTS=$(CURDIR)/dist/screenshots $(CURDIR)/dist/gotestsum --format=standard-verbose -- -count=1 -timeout=15m ./...

.PHONY: test-kubernetes
test-kubernetes: dist/gotestsum ## run gorowatch against a real Kubernetes API server
	@$(TOOLS)/install.sh kubernetes kubectl helm prometheus alertmanager >/dev/null
	dist/gotestsum --format=standard-verbose -- -count=1 -timeout=20m ./test/e2e/kubernetes

.PHONY: soak
soak: test-tools ## kill gorowatch 200 times, and take its servers away for 10 minutes each (an hour)
	GOROWATCH_SOAK=10m dist/gotestsum --format=standard-verbose -- -count=1 -timeout=2h -run='TestKillsAtRandomPoints|TestOutagesInRandomOrder' ./test/e2e

dist/gotestsum: $(TOOLS)/gotestsum/go.sum
	@$(GOTESTSUM)

.PHONY: bench
bench: ## run the benchmarks
	$(GO) test -run='^$$' -bench=. -benchmem $$($(GO) list ./... | grep -v /test/)

.PHONY: bench-scale
bench-scale: ## measure gorowatch on 10,000 instances, beside Prometheus' own rule, and on healthy programs
	$(GO) test -count=1 -timeout=45m -v ./test/scale -instances=10000 -steady=12m

.PHONY: leakbench
leakbench: ## score gorowatch on labelled data: SEEDS="1 2" CLASSES=hard PER_CLASS=4 PROFILES=1
	test/leakbench/run.sh $(SEEDS)

# SPEED=8 takes a quarter of an hour. CASES="ants sse" shows these alone.
SPEED ?= 1
FOR   ?= 2h
comma := ,
empty :=
space := $(empty) $(empty)
SHOW   = $(GO) -C $(MUSEUM) run ./run -for=$(FOR) -speed=$(SPEED) -cases=$(subst $(space),$(comma),$(strip $(CASES)))

.PHONY: museum
museum: ## show gorowatch the museum of leaks for two hours, write docs/evidence.md: SPEED=8 FOR=2h CASES="ants sse"
	@$(TOOLS)/install.sh prometheus etcd victoriametrics >/dev/null
	$(SHOW) -docs=$(CURDIR)/docs

.PHONY: museum-data
museum-data: ## the same, and keep series, profiles and truth in dist/museum-data
	@$(TOOLS)/install.sh prometheus etcd victoriametrics >/dev/null
	$(SHOW) -docs=$(CURDIR)/docs -keep=$(CURDIR)/dist/museum-data

.PHONY: museum-verify
museum-verify: ## does each program of the museum leak what its cases.yaml says, and its twin not?
	@$(TOOLS)/install.sh etcd >/dev/null
	$(SHOW) -verify

.PHONY: lint
lint: ## check style and common mistakes
	@lint=$$($(TOOLS)/install.sh lint)/lint/current/golangci-lint && set -x && \
	for module in . $(SCENARIOS) $(GRAFANA) $(BROWSER); do (cd $$module && "$$lint" run --allow-parallel-runners ./...) || exit 1; done

.PHONY: fmt
fmt: ## format the code
	@lint=$$($(TOOLS)/install.sh lint)/lint/current/golangci-lint && \
	for module in . $(SCENARIOS) $(GRAFANA) $(BROWSER); do (cd $$module && "$$lint" fmt ./...); done

.PHONY: generate
generate: ## write dashboards, rules, and what is rendered from the chart
	cd $(GRAFANA) && $(GO) test . -update
	$(GO) test ./deploy -update

.PHONY: release-check
release-check: ## check the release files with goreleaser, which takes minutes to build once
	$$($(TOOLS)/install.sh goreleaser)/goreleaser/current/goreleaser check

.PHONY: tidy
tidy: ## tidy every module; those of the tests hold sums of what the product needs too
	for module in . $(SCENARIOS) $(GRAFANA) $(BROWSER) $(KIT) $(MUSEUM); do (cd $$module && $(GO) mod tidy) || exit 1; done
	$(MUSEUM)/fixed.sh

.PHONY: clean
clean: ## remove what was built here
	rm -rf gorowatch dist
