# `make` shows what there is. Everything works offline once the modules are there.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo check test race lint chaos soak bench bench-goodput fmt need npm

# A machine without a home still has somewhere to cache.
ifeq ($(HOME),)
export HOME := $(CURDIR)/.cache
endif
# Tests need no facts about the commit, and a checkout may belong to someone else.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

# Debian packages by what is done, as PACKAGE:PROBE (scripts/need.sh).
NEED      := git:git ca-certificates:/etc/ssl/certs/ca-certificates.crt
NEED_RACE := gcc:gcc libc6-dev:/usr/include/stdlib.h
NEED_E2E  := nodejs:node npm:npm
NEED_PG   := postgresql:/usr/lib/postgresql/*/bin/pg_ctl

GO_FILES = find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*'
RACE     = CGO_ENABLED=1 go test -race -timeout 60m
# The modules of their own that are tested with the real thing.
E2E      = $(patsubst %/go.mod,%,$(wildcard e2e/go.mod))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## one image through simulated projects; no key, no cost
	@go run ./cmd/plantain demo --once

check: ## what to run before a commit: formatting, vet and the quick tests
	@unformatted=$$($(GO_FILES) -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "run make fmt for:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go test -short ./...

test: NEED += $(NEED_RACE) $(NEED_E2E) $(NEED_PG)
test: need npm ## everything once, as CI does
	go vet ./...
	@scripts/test.sh $(E2E)

race: NEED += $(NEED_RACE) $(NEED_E2E) $(NEED_PG)
race: need npm ## everything under the race detector; takes long
	$(RACE) ./...
	@for module in $(E2E); do echo "cd $$module && go test -race ./..."; (cd $$module && $(RACE) ./...) || exit 1; done

lint: .tools/golangci-lint-v2.15.0 ## golangci-lint; builds it once
	$< run ./...
	@for module in $(E2E); do (cd $$module && $(CURDIR)/$< run ./...) || exit 1; done

# SEED=N repeats a run; REQUESTS=N makes it another length; STORE=postgres has the books there.
chaos: ## 10,000 requests through kills, a full disk and every failure, in minutes; run it as root for the disk
	cd e2e && go test -count=1 -timeout 20m -run '^TestChaos$$' -v . -chaos.requests $(or $(REQUESTS),10000) -chaos.seed $(or $(SEED),0) -chaos.store $(or $(STORE),sqlite)

# FOR=1h soaks longer.
soak: ## ten minutes of every kind of load; what it leaves in memory, files and on the disk must not grow
	cd e2e && go test -count=1 -timeout 0 -run '^TestSoak$$' -v . -soak.for $(or $(FOR),10m)

bench: ## every benchmark, and the gateway beside Go's ReverseProxy; writes e2e/bench.json and e2e/bench-h2.json
	go test -run '^$$' -bench . -benchmem ./...
	cd e2e && go run ./bench && go run ./bench -upstream h2

bench-goodput: ## images made beside what the limits allow, in simulated time and, for two minutes, in real time
	go test -count=1 -timeout 30m -tags goodput -run Goodput -v ./relay
	cd e2e && go test -count=1 -timeout 10m -tags goodput -run Goodput -v .

fmt: ## gofmt
	@$(GO_FILES) -exec gofmt -w {} +

need:
	@scripts/need.sh $(NEED)

npm: e2e/js/node_modules/.package-lock.json

e2e/js/node_modules/.package-lock.json: e2e/js/package-lock.json
	cd e2e/js && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error

.tools/golangci-lint-v%:
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$*
	@mv .tools/golangci-lint $@
