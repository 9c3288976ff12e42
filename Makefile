# Everything a developer runs. Each target sets up what it needs first; `make` alone lists them.
PYTHON ?= python3
export PYTHON UNMASQ_REQUIRE KEEP

BIN := .venv/bin
LAB_PROGRAMS := nginx haproxy apache2 caddy rsyslogd ip ps nft conntrack curl openssl chromium promtool

.PHONY: help setup python demo test faults sanitize fuzz check bench docs screenshots proto lock audit dist clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: python ## make .venv from the lock file and install the programs that tests start
	@scripts/system-packages $(LAB_PROGRAMS)
	@scripts/setup proxies browser
	@scripts/setup audit

python:
	@scripts/setup

demo: setup ## show the whole path on this machine; KEEP=1 leaves it running
	@scripts/with-rights $(BIN)/python -m demo

test: setup ## run the tests; ARGS='-k trust', UNMASQ_REQUIRE=lab turns skips into failures
	@scripts/with-rights $(BIN)/pytest $(ARGS)

faults: setup ## break what can break under load, as root, and print what became of every line; NAME=rename runs some rows
	$(BIN)/python -m tests.faults $(NAME)

sanitize: python ## run the tests of the C extension under a watch on its memory; ARGS='-x'
	scripts/sanitize $(ARGS)

fuzz: python ## look for inputs that break a promise; NAME=walk, SECONDS=60 of each
	@scripts/setup fuzz
	$(BIN)/python -m tests.fuzz "$(NAME)" $(SECONDS)

check: python ## lint, format, types, layers, sizes, and that the documents keep step
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(wildcard src scripts tests bench demo hatch_build.py)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/ratchet.py
	$(BIN)/pytest -q tests/repository

bench: setup ## measure against the references; NAME=parse runs one of them
	@scripts/system-packages fail2ban-regex
	@scripts/setup api
	$(BIN)/python -m bench $(NAME)

docs: python ## write docs/cli.md from the program
	$(BIN)/python scripts/cli_docs.py docs/cli.md

screenshots: setup ## look at each page of the lab's traffic, and keep what is seen in docs/screenshots
	$(BIN)/pytest -q tests/ui/screenshots.py

dist: python ## write the wheel of the last commit and its SBOM to dist/; two builds must not differ in a byte
	$(BIN)/python -m scripts.dist

audit: python ## look all locked packages up in the known vulnerabilities; ADVISORIES=FOLDER asks nobody
	@$(if $(ADVISORIES),,scripts/setup audit)
	$(BIN)/python -m scripts.audit $(if $(ADVISORIES),"$(ADVISORIES)")

proto: python ## write the modules of src/unmasq/model/proto from its .proto files
	@scripts/proto

lock: ## resolve pyproject.toml into the lock files; LOCK_OPTIONS=--upgrade renews all
	scripts/lock

clean: ## remove what the targets made
	rm -rf .fuzz .venv .venv-api .venv-audit .venv-lock src/unmasq/model/_native*.so build dist .coverage .hypothesis .schemathesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
