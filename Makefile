.DEFAULT_GOAL := help
.PHONY: help demo picture web screenshots test lint format generate chaos bench up down lock setup setup-dev clean
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
# A folder with wheels that a machine may offer (for example a CPU build of torch); pip reads the same variable.
FIND_LINKS := $(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS))
INSTALL := $(UV) pip install -q --python $(PY) $(FIND_LINKS)
ONCE ?=
PHOTO ?=
VIDEO ?=
REPLICAS ?=

help: ## Show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: picture setup ## Set up, start the whole mesh and run the main job on a picture (ONCE=1 to stop after it; PHOTO=, VIDEO=)
	@$(PY) scripts/web.py build --optional
	$(VENV)/bin/vitrine demo $(if $(ONCE),--once) $(if $(PHOTO),--photo "$(PHOTO)") $(if $(VIDEO),--video "$(VIDEO)")

picture:
	@test -z "$(PHOTO)" || test -f "$(PHOTO)" || { echo "PHOTO=$(PHOTO): there is no such file" >&2; exit 2; }

web: setup ## Build the dashboard, where its sources have changed
	$(PY) scripts/web.py build

screenshots: setup-dev ## Take pictures of every page of the dashboard, small and wide, light and dark, into build/screenshots
	$(PY) -m tests.browser.screenshots

# Where times matter a test has the machine to itself; the others share it, two at a time (tests/support/sharing.py).
TESTS_ALONE := tests/chaos $(addprefix tests/services/ingest/streams/test_,backpressure.py flow.py loop.py)

test: setup-dev ## Set up and run all tests (TESTS="tests/unit -k color" for some)
ifdef TESTS
	$(PY) -m pytest $(TESTS)
else
	$(PY) scripts/web.py test
	$(PY) -m pytest $(TESTS_ALONE)
	$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(addprefix --ignore=,$(TESTS_ALONE))
endif

lint: setup-dev ## Check contract, code, types, import rules and that gen/ is up to date
	$(VENV)/bin/buf lint protos
	$(VENV)/bin/buf format protos --diff --exit-code
	@if git rev-parse -q --verify origin/main >/dev/null; then $(VENV)/bin/buf breaking protos --against '.git#ref=origin/main,subdir=protos'; fi
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy mesh imaging ingest_svc vision_svc retrieval_svc profile_svc edge_proxy clients/python scripts tests bench
	$(VENV)/bin/lint-imports
	$(PY) scripts/generate.py --check
	$(PY) scripts/web.py check

format: setup-dev ## Put code and contract into house format
	$(VENV)/bin/ruff check --fix-only -q .
	$(VENV)/bin/ruff format -q .
	$(VENV)/bin/buf format protos -w

generate: setup-dev ## Make everything in gen/ from protos/
	$(PY) scripts/generate.py

chaos: setup-dev ## Stream for 30 s through every fault and every kill -9, and show how soon it goes on (VITRINE_CHAOS_SECONDS)
	VITRINE_CHAOS_SECONDS=$${VITRINE_CHAOS_SECONDS:-30} $(PY) -m pytest tests/chaos/test_streams.py tests/chaos/test_handover.py -s

bench: setup-dev ## Run every benchmark, quickly
	@missed=; for script in bench/[!_]*.py; do echo "== $$script"; $(PY) $$script --quick || missed="$$missed $$script"; done; \
		test -z "$$missed" || { echo "missed a target:$$missed"; exit 1; }

up: setup ## Start the whole mesh in the background (REPLICAS=ingest=2 for more processes)
	@$(PY) scripts/web.py build --optional
	$(VENV)/bin/vitrine up $(if $(REPLICAS),--replicas "$(REPLICAS)")

down: ## Stop it
	$(VENV)/bin/vitrine down

setup: $(VENV)/.demo ## Install what the demo needs
setup-dev: $(VENV)/.dev ## Install what tests, lint and generation need

$(UV):
	python3 -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check "uv>=0.9,<1"

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(UV)
	$(INSTALL) -r requirements/demo.txt
	$(INSTALL) --no-deps -e .
	$(PY) -m imaging.models.fetch --dir models
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/torch.txt package-lock.json $(VENV)/.demo
	$(INSTALL) -r requirements/dev.txt -r requirements/torch.txt
	$(PY) scripts/web.py install-all
	@touch $@

lock: | $(UV) ## Resolve the pinned requirements anew
	$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate $(FIND_LINKS) pyproject.toml \
		--extra demo --extra vision-hub --group dev --no-emit-package torch -o requirements/dev.txt
	@sed -i -E '/^(nvidia|cuda|triton)/d' requirements/dev.txt  # torch brings them where its CUDA build is installed
	$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml \
		--extra demo -c requirements/dev.txt -o requirements/demo.txt

clean: ## Stop the mesh, and remove what set-up and runs have made
	@test ! -x $(VENV)/bin/vitrine || $(VENV)/bin/vitrine down || true
	rm -rf $(VENV) models .vitrine build dist node_modules clients/web/node_modules clients/web/dist
