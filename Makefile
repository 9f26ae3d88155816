# Two commands are enough: `make dev` and `make test`. Options go through ARGS:
#   make dev ARGS="--http 127.0.0.1:9000"     make test ARGS=--quick
ARGS ?=

.PHONY: help tools dev test prove audit bench

help:
	@echo 'make dev     install what is missing, build, start everything, print where to go'
	@echo 'make test    install what is missing, run every test (ARGS=--quick: without contracts)'
	@echo 'make prove   the long runs: contract fuzzing and invariants at depth'
	@echo 'make bench   measure (ARGS="mint": which bench)'
	@echo 'make audit   known vulnerabilities of dependencies (needs the network)'
	@echo 'make tools   only install what is missing'

tools:
	@scripts/install-tools.sh

dev: tools
	cargo run --package stoa -- dev $(ARGS)

test: tools
	cargo xtask test $(ARGS)

prove: tools
	cargo xtask prove $(ARGS)

bench: tools
	cargo xtask bench $(ARGS)

audit:
	cargo xtask audit $(ARGS)
