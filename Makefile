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

# WITHIN is how long it waits for alerts, BEFORE how long the services run healthily.
WITHIN ?= 30m
BEFORE ?= 10m
.PHONY: howsoon
howsoon: ## measure how long after a fault the alert of each scenario comes, at default settings (up to 45 minutes)
	@$(TOOLS)/install.sh prometheus alertmanager redis >/dev/null
	GOROWATCH_HOWSOON=$(WITHIN) GOROWATCH_HOWSOON_BEFORE=$(BEFORE) $(GO) test -count=1 -timeout=3h -run='TestHowSoon$$' ./test/e2e -v | grep -v '^=== \|^--- \|^ok \|^PASS'

.PHONY: leakbench
leakbench: ## score gorowatch on labelled data: SEEDS="1 2" CLASSES=hard PER_CLASS=4 PROFILES=1
	test/leakbench/run.sh $(SEEDS)

.PHONY: sensitivity
sensitivity: ## score gorowatch with each constant of its judge 20 % larger and smaller (an hour)
	test/leakbench/vary.sh $(SEEDS)

# SPEED=8 takes a quarter of an hour. CASES="ants sse" shows these alone.
SPEED ?= 1
FOR   ?= 2h
comma := ,
empty :=
space := $(empty) $(empty)
SHOW   = $(GO) -C $(MUSEUM) run ./run -for=$(FOR) -speed=$(SPEED) -cases=$(subst $(space),$(comma),$(strip $(CASES)))

.PHONY: museum
museum: ## show gorowatch the museum of leaks for two hours, write docs/evidence.md: SPEED=8 FOR=2h CASES="ants sse"
	@$(TOOLS)/install.sh prometheus alertmanager consul etcd kubernetes victoriametrics >/dev/null
	$(SHOW) -docs=$(CURDIR)/docs

.PHONY: museum-data
museum-data: ## the same, and keep series, profiles and truth in dist/museum-data
	@$(TOOLS)/install.sh prometheus alertmanager consul etcd kubernetes victoriametrics >/dev/null
	$(SHOW) -docs=$(CURDIR)/docs -keep=$(CURDIR)/dist/museum-data

.PHONY: museum-verify
museum-verify: ## does each program of the museum leak what its cases.yaml says, and its twin not?
	@$(TOOLS)/install.sh etcd >/dev/null
	$(SHOW) -verify

.PHONY: lint
lint: ## check style and common mistakes
	@tools=$$($(TOOLS)/install.sh lint actionlint) && lint=$$tools/lint/current/golangci-lint && set -x && \
	"$$tools/actionlint/current/actionlint" && \
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

.PHONY: docs
docs: ## serve the documentation at http://127.0.0.1:8000: DOCS=127.0.0.1:0
	$(GO) run ./docs/site -listen=$(or $(DOCS),127.0.0.1:8000)

.PHONY: docs-site
docs-site: ## write the documentation to dist/site and check its links
	$(GO) run ./docs/site -out=dist/site -base=/gorowatch

.PHONY: picture
picture: ## take the picture of the leak page for README.md, with Chromium and the demo
	docs/picture.sh

.PHONY: notice
notice: ## write NOTICE: the licences of every module that the program links
	$(GO) -C $(TOOLS)/notice run . -root=$(CURDIR) >$(CURDIR)/NOTICE.new && mv NOTICE.new NOTICE

.PHONY: third-party-licenses
third-party-licenses: # their full texts, for release archives
	@mkdir -p dist-extra && $(GO) -C $(TOOLS)/notice run . -root=$(CURDIR) -texts=$(CURDIR)/dist-extra/THIRD_PARTY_LICENSES >/dev/null

.PHONY: vulncheck
vulncheck: ## look for known vulnerabilities in the code that the program calls; needs vuln.go.dev
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./cmd/gorowatch

.PHONY: release
release: # on a tag, in the release workflow: build, sign and publish with goreleaser
	$$($(TOOLS)/install.sh goreleaser)/goreleaser/current/goreleaser release --clean

.PHONY: release-chart
release-chart: # on a tag, in the release workflow: publish and sign the chart
	helm=$$($(TOOLS)/install.sh helm)/helm/current/helm && mkdir -p dist && \
	"$$helm" package deploy/helm/gorowatch --destination dist && \
	"$$helm" push dist/gorowatch-*.tgz oci://ghcr.io/gorowatch/charts 2>&1 | tee dist/chart-push.log && \
	cosign sign --yes "ghcr.io/gorowatch/charts/gorowatch@$$(sed -n 's/^Digest: //p' dist/chart-push.log)"

.PHONY: tidy
tidy: ## tidy every module; those of the tests hold sums of what the product needs too
	for module in . $(SCENARIOS) $(GRAFANA) $(BROWSER) $(KIT) $(MUSEUM); do (cd $$module && $(GO) mod tidy) || exit 1; done
	$(MUSEUM)/fixed.sh

.PHONY: clean
clean: ## remove what was built here
	rm -rf gorowatch dist dist-extra
