# Blackstart. `make help` lists what there is.
SHELL   := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD := -trimpath -ldflags "-X main.version=$(VERSION)"
FINRAG_BUILD  := -trimpath -ldflags "-X main.build=$(VERSION)"
PREVIOUS_BUILD := -trimpath -ldflags "-X main.build=$(VERSION)-previous -X blackstart/cmd/finrag/internal/vector.Rule=1"
SCENARIO ?= scenarios/finrag/region-partition.yaml
NAME     := $(basename $(notdir $(SCENARIO)))
OUT      ?= out
N        ?= 20
# tests that lay out reports dozens of times: under the race detector, twenty times slower, they take a quarter of an hour
MANY_REPORTS := Forger|Told|FirstPage

.DEFAULT_GOAL := help
.PHONY: help build rehearse rehearse-containers base-image test check integration drills drills-containers compare spread bench fuzz golden lint fmt clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build: ## bin/blackstart, bin/finrag and the build before it, bin/finrag-previous
	@mkdir -p bin
	go build $(GOFLAGS_BUILD) -o bin/blackstart ./cmd/blackstart
	CGO_ENABLED=0 go build $(FINRAG_BUILD) -o bin/finrag ./cmd/finrag
	CGO_ENABLED=0 go build $(PREVIOUS_BUILD) -o bin/finrag-previous ./cmd/finrag

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
	go test -race -timeout 15m $$(go list ./... | grep -v -e /e2e -e '/evidence$$')
	go test -race -skip '$(MANY_REPORTS)' ./evidence
	go test ./evidence
	go test -timeout 45m -v -run . ./cmd/blackstart/e2e

check: ## the quick part of the tests
	go vet ./...
	go test ./... -short

drills: build ## every scenario of scenarios/finrag on processes, with its expected end; a table at the end
	go test -timeout 45m -v -run '^TestDrills$$' ./cmd/blackstart/e2e

drills-containers: build ## the same in containers; needs a Docker-compatible engine
	BLACKSTART_NEEDS_ENGINE=1 go test -timeout 45m -v -run '^TestDrillsOnContainers$$' ./cmd/blackstart/e2e

integration: drills ## the same as drills

compare: N = 5
compare: build ## N runs of every scenario on both targets (default 5; about 25 minutes each); every run goes to docs/targets.md
	@rm -f bin/rows.jsonl
	for i in $$(seq $(N)); do BLACKSTART_ROWS=$(CURDIR)/bin/rows.jsonl BLACKSTART_NEEDS_ENGINE=1 \
	  go test -count 1 -timeout 60m -run '^TestDrills' ./cmd/blackstart/e2e || echo "round $$i had another end than expected: its runs are shown too"; done
	go run ./cmd/blackstart/spread -rows bin/rows.jsonl -md docs/targets.md

spread: build ## N rehearsals in a row (default 20); the spread goes to docs/performance.md
	go run ./cmd/blackstart/spread -n $(N) -bin bin/blackstart -scenario $(SCENARIO) -md docs/performance.md

bench: ## the performance table of docs/measurement.md, against vegeta in the same run
	@mkdir -p bin
	go run ./cmd/blackstart/lossbench -out bin/lossbench.json
	go run ./loadgen/bench -rows bin/lossbench.json -out docs/performance.json -md docs/performance.md

fuzz: ## every parser of foreign bytes, FUZZTIME each (default 10s)
	@set -e; for pkg in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -rhoE '^func Fuzz[A-Za-z0-9_]+' $$pkg/*_test.go | awk '{print $$2}'); do \
	    echo "== $$pkg $$f"; go test $$pkg -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} -fuzzminimizetime 1x; done; done

golden: ## rewrite golden files and generated pages
	go test ./injectors ./scenarios ./cmd/blackstart -update

lint: ## gofmt, vet, and golangci-lint where it is installed
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed: gofmt and vet only"; fi

fmt: ## gofmt
	gofmt -w $$(git ls-files '*.go')

clean: ## remove bin and out
	rm -rf bin $(OUT)
