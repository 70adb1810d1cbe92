# Blackstart. `make help` lists what there is.
SHELL   := /bin/bash
VERSION := $(shell .ci/version)
ifneq (,$(findstring dev-unknown,$(VERSION))) # git refuses the checkout, so go must not ask it for the commit
export GOFLAGS += -buildvcs=false
endif
SCENARIO ?= scenarios/finrag/region-partition.yaml
NAME     := $(basename $(notdir $(SCENARIO)))
OUT      ?= out
DIST     ?= dist
SUMS     ?= $(DIST)/SHA256SUMS
N        ?= 20
DRILLS   ?=
PAGES    ?= docs
# the tools have a module of their own: what they need is nothing that the product needs
TOOL := go tool -modfile=tools/go.mod
# harness/measure is pure, and has no goroutine that could race;
# tests that lay out reports dozens of times: under the race detector, twenty times slower, they take a quarter of an hour
MANY_REPORTS := Forger|Told|FirstPage|Attack|Unchanged|Hostile|NewRunKey|Large

.DEFAULT_GOAL := help
.PHONY: help build release reproduce rehearse rehearse-containers base-image test check integration drills drills-containers drills-external drills-means stores compare spread bench wrk fuzz golden mutate short lint fmt clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build: ## bin/blackstart, bin/finrag and the build before it, bin/finrag-previous
	VERSION=$(VERSION) .ci/build bin

release: ## a signed release of linux/amd64 and linux/arm64 in DIST (default dist); RELEASE_KEY= the key's file; see docs/release.md
	.ci/release $(DIST)

reproduce: ## builds the programs of a release again and compares their digests; SUMS= its SHA256SUMS (default that in DIST)
	.ci/reproduce $(SUMS)

rehearse: build ## start two regions, cut one off under load, write a signed pack and verify it
	bin/blackstart run $(SCENARIO) --out $(OUT)
	bin/blackstart verify $(OUT)/$(NAME).zip --recompute --root $(OUT)/$(NAME).root.pem

rehearse-containers: build ## the same with every component in a container; needs a Docker-compatible engine
	bin/blackstart run $(SCENARIO) --on containers --out $(OUT)
	bin/blackstart verify $(OUT)/$(NAME).zip --recompute --root $(OUT)/$(NAME).root.pem

base-image: ## debian:bookworm-slim by debootstrap, where it cannot be pulled (root)
	docker/base-image.sh

test: build ## everything: unit, conformance, command line, end-to-end drills with real servers
	go vet ./...
	go test -race -timeout 25m $$(go list ./... | grep -v -e /e2e -e '/evidence$$' -e '/measure$$')
	go test ./harness/measure
	go test -race -skip '$(MANY_REPORTS)' ./evidence
	go test -run '$(MANY_REPORTS)' ./evidence
	go test -timeout 45m -v -run . ./cmd/blackstart/e2e

check: ## the quick part of the tests
	go vet ./...
	go test ./... -short

drills: build ## every scenario of scenarios/finrag on processes, with its expected end; a table at the end; DRILLS picks some
	go test -count 1 -timeout 45m -v -run '^TestDrills$$/$(DRILLS)' ./cmd/blackstart/e2e

drills-containers: build ## the same in containers; needs a Docker-compatible engine
	BLACKSTART_NEEDS_ENGINE=1 go test -count 1 -timeout 45m -v -run '^TestDrillsOnContainers$$/$(DRILLS)' ./cmd/blackstart/e2e

drills-external: ROUNDS = 10
drills-external: build ## the drill of testdata/estates/finrag by the hands of its people, and the same on processes, ROUNDS times; needs root
	BLACKSTART_NEEDS_ENGINE=1 BLACKSTART_ROUNDS=$(ROUNDS) go test -count 1 -timeout 60m -v -run '^(TestDrillsByHands|TestPeopleWho|TestKillNineWhilePeople|TestAnEstateIsOnly)' ./cmd/blackstart/e2e

drills-means: build ## drills that the harness breaks by means on the estate of testdata/estates/finrag, and each way that they can be cut short; needs root
	BLACKSTART_NEEDS_ENGINE=1 go test -count 1 -timeout 60m -v -run '^(TestDrillByMeans|TestDrillsOfComponents|TestKillNineHoldingALease|TestAbortWithoutUs|TestSuspendedBeyondItsLease)' ./cmd/blackstart/e2e

stores: ## evidence stores in buckets, against a server of S3 built for it: conformance, and two writers x 500 appends killed at every step
	go build -modfile=tools/s3server/go.mod -o bin/versitygw github.com/versity/versitygw/cmd/versitygw
	BLACKSTART_S3_SERVER=$(CURDIR)/bin/versitygw BLACKSTART_APPENDS=500 go test -count 1 -v -run 'Server|Killed' ./evidence/register/s3store

compare: N = 5
compare: build ## N runs of every scenario on both targets (default 5; about 25 minutes each); every run goes to docs/targets.md
	@rm -f bin/rows.jsonl
	for i in $$(seq $(N)); do BLACKSTART_ROWS=$(CURDIR)/bin/rows.jsonl $(MAKE) -k drills drills-containers \
	  || echo "round $$i had another end than expected: its runs are shown too"; done
	go run ./cmd/blackstart/spread -rows bin/rows.jsonl -md $(PAGES)/targets.md

spread: build ## N rehearsals in a row (default 20); the spread goes to docs/performance.md
	go run ./cmd/blackstart/spread -n $(N) -bin bin/blackstart -scenario $(SCENARIO) -md $(PAGES)/performance.md

bench: build wrk ## the performance table of docs/measurement.md, with vegeta and wrk in the same run (about 6 minutes, nothing else running)
	go run ./cmd/blackstart/lossbench $(QUICK) -out bin/lossbench.json
	go run ./cmd/blackstart/packbench $(QUICK) -bin bin/blackstart -scenario $(SCENARIO) -out bin/packbench.json
	go run ./loadgen/bench $(QUICK) -rows bin/packbench.json -rows bin/lossbench.json -out $(PAGES)/performance.json -md $(PAGES)/performance.md

wrk:
	@command -v wrk >/dev/null || { echo "installing wrk: the performance table compares with it"; apt-get install -y -qq --no-install-recommends wrk; }

fuzz: ## every parser of foreign bytes, FUZZTIME each (default 10s)
	@set -e; for pkg in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -rhoE '^func Fuzz[A-Za-z0-9_]+' $$pkg/*_test.go | awk '{print $$2}'); do \
	    echo "== $$pkg $$f"; go test $$pkg -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} -fuzzminimizetime 1x; done; done

mutate: ## takes each check out of verify and demands that one attack then passes (about 15 minutes)
	rm -rf bin/attacks && mkdir -p bin/attacks
	BLACKSTART_ATTACKS=$(CURDIR)/bin/attacks go test -count 1 -run Attack ./evidence
	go run ./cmd/blackstart/mutate -attacks bin/attacks

golden: ## rewrite golden files and generated pages
	go test ./injectors ./harness/measure ./scenarios ./cmd/blackstart -update

short: SHORT := N=1 DRILLS=null SCENARIO=scenarios/finrag/null.yaml QUICK=-quick FUZZTIME=1s PAGES=bin/pages
short: ## what takes long, in the shortest form that shows that it works; judges no figure and leaves the tree as it was
	@mkdir -p bin/pages
	@tree() { git status --porcelain; git diff; }; before="$$(tree)"; \
	env -u BLACKSTART_SOME $(MAKE) golden fmt fuzz bench spread compare rehearse-containers $(SHORT) && \
	{ test "$$before" = "$$(tree)" || { echo "the tree has changed:"; tree; exit 1; }; }

lint: ## gofmt, go.mod, vet, and the linters of tools/go.mod: golangci-lint, staticcheck, deadcode
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go mod tidy -diff
	go vet ./...
	$(TOOL) golangci-lint run
	$(TOOL) staticcheck ./...
	@dead=$$($(TOOL) deadcode -test ./...) && test -z "$$dead" || { echo "$$dead"; exit 1; }

fmt: ## gofmt
	gofmt -w $$(git ls-files '*.go')

clean: ## remove bin and out
	rm -rf bin $(OUT)
