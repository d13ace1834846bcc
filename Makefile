.DEFAULT_GOAL := help
.PHONY: help deps build test lint format run bench clean
scripts := deploy/install-dependencies .ci/run Tests/run

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the libraries Martlet needs (Debian)
	deploy/install-dependencies

build: deps ## build everything (debug)
	swift build

test: deps ## run all tests, and see that they leave nothing behind
	swift build --build-tests
	Tests/run

lint: ## check format, imports and shell scripts
	swift format lint --strict --parallel --recursive Sources Tests Package.swift
	swift build --explicit-target-dependency-import-check error
	if command -v shellcheck >/dev/null; then shellcheck $(scripts); fi

format: ## format the Swift sources in place
	swift format --in-place --parallel --recursive Sources Tests Package.swift

run: deps ## run all of Martlet here: make run PORT=9000 DATA=./var2
	swift build -c release
	.build/release/martlet run $(if $(PORT),--port $(PORT)) $(if $(DATA),--data '$(DATA)')

bench: deps ## measure: make bench ARGS="load p2p-socket --pairs 50"
	swift build -c release
	"$$(swift build -c release --show-bin-path)/martlet-bench" $(or $(ARGS),load)

clean: ## remove what was built; data folders stay
	swift package clean
