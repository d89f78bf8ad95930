# Everything here makes its own .venv and needs only Python 3.12; the browser tests also want Debian's chromium.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
INSTALLED := $(VENV)/.installed
WORKERS ?= 2
ARGS ?=

.PHONY: help install demo test test-slow bench lint format migration lock clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(INSTALLED) ## Make .venv and install Backroute into it

demo: $(INSTALLED) ## Load the sample company and open the board (ARGS=--no-serve to stop before serving)
	@$(VENV)/bin/backroute demo $(ARGS)

test: $(INSTALLED) ## Run the tests (ARGS passes on to pytest)
	$(PY) -m pytest -n $(WORKERS) --dist loadfile -m "not slow and not bench" $(ARGS)

test-slow: $(INSTALLED) ## Run the tests that take longer, and look for new counterexamples
	$(PY) -m pytest -m slow $(ARGS)
	$(PY) -m pytest -m "hypothesis and not slow" --hypothesis-profile explore $(ARGS)

bench: $(INSTALLED) ## Measure, alone on the machine, into bench.md (ARGS=tests/benchmarks/test_plans.py for a part)
	$(PY) -m pytest -m bench -s $(ARGS)

lint: $(INSTALLED) ## Check style, types and who imports whom
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(INSTALLED) ## Lay the code out
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

migration: $(INSTALLED) ## Write the migration for what changed in data/tables (WHY="Vehicles have a colour")
	$(PY) -m data.migrate "$(WHY)"
	$(VENV)/bin/ruff check --quiet --fix data/migrations/versions
	$(VENV)/bin/ruff format --quiet data/migrations/versions

# The lock holds hashes but no address, so that any index with the same files will do.
lock: $(VENV)/.created ## Write requirements.lock anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(PIP) install --quiet 'uv>=0.9'
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet \
		--output-file requirements.lock $(ARGS)
	@echo "requirements.lock names $$(grep -c '==' requirements.lock) packages."

clean: ## Remove .venv and everything else that make and the tests made
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache test-results
	rm -rf web/static/vendor tests/vendor
	find routing data web tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv that is already there and fits is kept, also one made by another tool.
# A python3.12 on PATH may be pyenv's stand-in, which fails when that version is not chosen: so each is tried by running it.
$(VENV)/.created:
	@is_312() { [ -n "$$1" ] && "$$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' >/dev/null 2>&1; }; \
	candidates() { \
		[ -z "$${PYTHON:-}" ] || echo "$$PYTHON"; \
		command -v python3.12 || true; \
		command -v python3 || true; \
		ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12*/bin/python 2>/dev/null | sort -rV || true; \
		! command -v pyenv >/dev/null || echo "$$(pyenv prefix 3.12 2>/dev/null || true)/bin/python"; \
		! command -v uv >/dev/null || uv python find 3.12 2>/dev/null || true; \
	}; \
	if is_312 $(PY) && $(PY) -m pip --version >/dev/null 2>&1; then touch $@; exit 0; fi; \
	found=; \
	while read -r python; do if is_312 "$$python"; then found=$$python; break; fi; done < <(candidates); \
	if [ -z "$$found" ]; then \
		echo "Backroute needs Python 3.12 with venv, and none was found: install it (\`apt install python3.12-venv\`," \
			"\`pyenv install 3.12\` or \`uv python install 3.12\`), or name one with \`PYTHON=/path/to/python3.12 make\`." >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$found"; \
	"$$found" -m venv --clear $(VENV); \
	touch $@

# Two steps, because pip can't check the hash of the folder it stands in.
$(INSTALLED): $(VENV)/.created requirements.lock pyproject.toml hatch_build.py package-lock.json
	@echo "Installing $$(grep -c '==' requirements.lock) packages, about 2 minutes ..."
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@echo "Installing Backroute and what the browser loads ..."
	@$(PIP) install --quiet --no-deps -e .
	@echo "Compiling the search, about a minute ..."
	@$(PY) -c "from routing.engines.solver.walk import warm; warm()"
	@touch $@
