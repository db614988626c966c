.DEFAULT_GOAL := help

.PHONY: help run test race faults bench check ci

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start a server with the sample modules (go run .)
	go run .

test: ## run the tests (go test ./...)
	go test ./...

race: ## run the tests with the race detector
	go test -race ./...

faults: ## kill, stop and cut nodes of a cluster, also for minutes (docs/cluster.md)
	KUMI_TEST_FAULTS=1 go test -count=1 -timeout 90m -v ./test/cluster

bench: ## run the micro-benchmarks; bench/README.md has the load generator
	go test -run '^$$' -bench . -benchmem ./...

check: ## format and vet
	gofmt -l . && go vet ./...

ci: ## everything that must hold before a change lands
	.ci/run
