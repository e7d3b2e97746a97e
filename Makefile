# mxseal: the two commands a newcomer needs are “make run” and “make test”.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
REAL    := ./testdata/real
BROWSER := ./testdata/browser
FAULTS  := ./testdata/faults
CLIENTS := ./testdata/clients
HOUSE   := ./testdata/house
# Unbound as the oracle of our validator; below the room that it may import.
ORACLE  := ./checks/internal/resolve/testdata/differential
# Processes that share a PostgreSQL; below the room that it may import too.
SHARED  := ./checks/internal/egress/testdata/processes

.PHONY: help run build test test-real real-servers real-rest real-busy test-browser test-tls test-faults test-ops test-examples test-clients bench-peers bench-load bench-survey profile bench-loss screenshots bench house texts check generate fmt lint golden fuzz vuln lab image hooks

# What is built to be tried out is built quickly: the profile is for programs that serve a crowd. With it
# the packages of the command stand twice in the lists that the measurements of the house are made from.
run test test-real test-browser test-tls test-clients test-ops test-examples house: export GOFLAGS := $(GOFLAGS) -pgo=off

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: ## serve the website with the lab's example domains on http://localhost:8080
	$(GO) run ./cmd/mxseal serve --lab --admin-listen=

build: ## the one binary, static, in ./bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.release=$(VERSION)" -o bin/mxseal ./cmd/mxseal

test: ## everything that needs only Go
	$(GO) test ./...

test-real: ## real mail, name and web servers on loopback; installs what is missing (Debian, root)
	$(REAL)/install.sh
	$(REAL)/machines.sh
	$(REAL)/tls/install.sh
	$(BROWSER)/install.sh
	+$(MAKE) -j3 -k -O real-servers real-rest real-busy

# Three suites side by side: the first two wait for real servers most of the time; the last computes, and has
# testssl.sh and Chromium one after the other. What each prints comes whole, when it has ended.
real-servers:
	$(GO) test -count=1 -timeout 30m -skip '^TestFixes$$' $(REAL)

real-rest:
	$(GO) test -count=1 -timeout 20m -parallel 16 -v -run '^TestFixes$$' $(REAL)
	$(GO) test -count=1 -v -run '^TestCitations$$' ./checks
	$(GO) test -count=1 -timeout 30m $(REAL)/postgres
	$(GO) test -count=1 -v $(ORACLE)
	$(GO) test -count=1 -timeout 30m $(SHARED)

real-busy:
	$(MAKE) test-tls
	$(MAKE) test-browser

test-browser: ## the pages in headless Chromium with axe-core; installs what is missing (Debian, root)
	$(BROWSER)/install.sh
	$(GO) test -count=1 -timeout 45m $(BROWSER)

test-tls: ## suite lists and connection counts against real TLS stacks, with sslscan and testssl.sh as oracles
	$(REAL)/tls/install.sh
	$(GO) test -count=1 -timeout 45m $(REAL)/tls

test-faults: ## killed, full, read-only, without DNS, wrong clock, slow and hostile strangers; installs what is missing (Debian, root)
	$(REAL)/install.sh
	$(GO) test -count=1 -v -timeout 12m $(FAULTS)

test-ops: ## the systemd unit of OPERATING.md, as systemd sees it; installs what is missing (Debian, root)
	./testdata/ops/unit.sh

test-examples: ## what MONITORING.md shows for Nagios, Prometheus, cron and CI, run by the real programs; installs them (Debian, root)
	./testdata/examples/install.sh
	$(GO) test -count=1 ./testdata/examples

test-clients: ## linters, generated clients, promtool, xmllint, librsvg, mandoc, systemd and nginx with Chromium against the program; installs them (Debian, npm, root)
	$(CLIENTS)/install.sh
	$(GO) test -count=1 -timeout 10m $(CLIENTS)
	$(GO) test -count=1 -run '^(TestAlertRules|TestTextfile)$$' ./testdata/examples
	./testdata/ops/unit.sh

bench-peers: ## mxseal, sslscan, testssl.sh and nmap on the same servers at 0, 20 and 100 ms: tables, 40 minutes
	$(REAL)/tls/install.sh
	$(GO) run $(REAL)/peers -servers default,hardened

bench-load: ## a thousand readers and fifty fresh checks a second: waits, errors, memory
	$(GO) run ./testdata/load

profile: ## what the compiler optimizes for (cmd/mxseal/default.pgo): the program under thirty fresh checks a second
	$(GO) run ./testdata/load -checks 30 -goal 0 -profile cmd/mxseal/default.pgo

bench-survey: ## a survey of ten thousand domains, 50 ms away: rate, processor, memory, looks, kills; what a million take; the page of a million
	$(GO) run ./testdata/surveys

bench-loss: ## letters over a path that loses packets and from a resolver that does not answer everything: a table, half an hour (Debian, root)
	$(GO) run ./testdata/loss

screenshots: ## pictures of the pages, light and dark, phone and desktop, into testdata/browser/shots
	$(BROWSER)/install.sh
	$(GO) run $(BROWSER)/screenshots

bench: ## round trips, connections, wall time and memory of a check; judging; pages and badges; reminders, TLS reports, 200 tests of senders at a time
	$(GO) test -count=1 -run '^$$' -bench 'RoundTrips|CheckOnLoopback' -benchtime 5x ./cmd/mxseal ./checks
	$(GO) test -count=1 -run '^$$' -bench . -benchtime 5x ./checks/internal/resolve
	$(GO) test -count=1 -run '^$$' -bench 'Judge' -benchtime 2s ./checks
	$(GO) test -count=1 -run '^$$' -bench 'CachedReport|Badge$$|ColdPNG' -benchtime 2s ./web
	$(GO) test -count=1 -run '^$$' -bench 'Next|TenThousandReports' ./checks/watching ./checks/tlsreport
	$(GO) test -count=1 -run '^$$' -bench 'Senders' -benchtime 1x ./cmd/mxseal

house: ## how the code hangs together, measured: who knows each check, arrows between files, what is too long
	$(GO) test $(HOUSE)
	$(GO) run $(HOUSE)

texts: ## every text that people can be shown, in testdata/texts/texts.txt: how easy it is to read, and sentences that are long
	$(GO) run ./testdata/texts/print

check: generate ## what must hold before a commit that matters
	$(GO) vet ./... $(REAL)/... $(ORACLE) $(SHARED) $(BROWSER)/... $(FAULTS)/... ./testdata/load ./testdata/loss ./testdata/space ./testdata/examples ./testdata/texts/... $(CLIENTS) $(HOUSE)
	$(GO) tool staticcheck ./... $(REAL)/... $(ORACLE) $(SHARED) $(BROWSER)/... $(FAULTS)/... ./testdata/load ./testdata/loss ./testdata/space ./testdata/examples ./testdata/texts/... $(CLIENTS) $(HOUSE)
	$(GO) test -race -shuffle=on ./...
	$(GO) mod tidy -diff
	git diff --exit-code

generate: ## page templates → Go
	$(GO) tool templ generate -path templates
	gofmt -w templates

fmt: ## format
	gofmt -w checks cmd web templates static testdata
	$(GO) tool templ fmt templates

lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

golden: ## rewrite the golden reports after a change that was meant
	$(GO) test ./cmd/mxseal ./web -update

FUZZTIME ?= 30s
fuzz: ## every fuzz target, one after another; what they begin with is in testdata/fuzz of each package
	@set -e; for d in $$($(GO) list -f '{{.Dir}}' ./...); do \
	  for f in $$(grep -hos '^func Fuzz[A-Za-z0-9_]*' $$d/*_test.go | sed 's/func //'); do \
	    echo "$$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$d; done; done

vuln: ## known vulnerabilities in what we import
	$(GO) tool govulncheck ./...

lab: ## the example internet on loopback sockets, for other tools
	$(GO) run ./cmd/mxseal lab

image: ## container image
	docker build -t mxseal .

hooks: ## run generate, fmt and lint before each commit
	git config core.hooksPath .githooks
