# Every target sets up what it needs by itself; all it asks for is Python 3.11 or newer (with pip), make and a package registry.
SHELL := /bin/sh
PYTHON ?= python3
UV := .tools/bin/uv
UV_VERSION := 0.13.9
# uv must use the Python that is there, and may share its cache between the two environments by copying if it cannot link
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= hardlink
# once, instead of at every start of a process that may not write it, as jobs and endpoints
export UV_COMPILE_BYTECODE := 1
PY := .venv/bin/python
# that run the tests; the half of them mostly waits
PROCESSES ?= 3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help demo test lint format docs synth bootstrap deploy destroy smoke bench trust lock clean
help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready .venv-job/.ready .venv-serving/.ready node_modules/.ready ## the whole path on this machine; DATA=/path/to/sounds for your own, WORKERS=2 machines, KEEP=1 to go on
	$(PY) -m demo $(if $(DATA),--data "$(DATA)") $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(KEEP),--keep)

test: .venv/.ready .venv-job/.ready .venv-serving/.ready node_modules/.ready ## all tests
	$(PY) -m pytest --numprocesses $(PROCESSES) $(ARGS)

lint: .venv/.ready ## formatting, style and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: .venv/.ready ## rewrite the files the way `make lint` wants them
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

docs: .venv/.ready ## the pages as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet
	@echo "site/index.html"

synth: .venv/.ready node_modules/.ready ## the CloudFormation template, in cdk.out/
	cdk synth --quiet
	@echo "cdk.out/SoundVae.template.json"

bootstrap: .venv/.ready node_modules/.ready ## prepare your AWS account and region for the CDK, once
	cdk bootstrap $(ARGS)

deploy: .venv/.ready node_modules/.ready ## deploy to AWS; ARGS="-c sound-vae:alarm_email=you@example.com" for settings
	cdk deploy $(ARGS)

destroy: .venv/.ready node_modules/.ready ## remove the stack; give the ARGS that it was deployed with
	cdk destroy $(ARGS)

smoke: .venv/.ready node_modules/.ready ## try everything on your AWS account with a stage of its own, for about a dollar; asks first
	$(PY) -m smoke $(ARGS)

bench: .venv/.ready .venv-job/.ready ## measure side by side, write docs/benchmarks.md; FULL=1 also trains to the end
	$(PY) -m benchmarks $(if $(DATA),--data "$(DATA)") $(if $(FULL),--full)

trust: .venv/.ready .venv-job/.ready .venv-serving/.ready node_modules/.ready ## try to break every promise at full size, write docs/trust.md; ARGS="--only requests" for a topic
	$(PY) -m trust $(ARGS)

# packages that come with TensorFlow and scikit-learn in the training image, so a job need not install them
IN_IMAGE := numpy scipy numba llvmlite scikit-learn joblib threadpoolctl cloudpickle narwhals typing-extensions packaging requests certifi idna urllib3 charset-normalizer
COMPILE := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock"
lock: $(UV) ## renew the pinned and hashed versions from what is asked for
	$(COMPILE) requirements-dev.txt training/requirements.in local/training-image.txt --output-file constraints.txt
	$(COMPILE) local/serving-image.txt --output-file local/serving-image-lock.txt
	$(COMPILE) $(IN_IMAGE:%=--no-emit-package %) -c constraints.txt training/requirements.in --output-file training/requirements.txt
	$(MAKE) .venv/.ready .venv-job/.ready .venv-serving/.ready
	$(PY) -m trust.licences

clean: ## remove everything that make and its programs made
	rm -rf .tools .venv .venv-job .venv-serving node_modules .cache cdk.out site demo-output .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --target also works where the system's Python refuses to be installed into
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version 2>&1`: call make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .tools uv==$(UV_VERSION)

# every file is checked against its hash; what stands in this folder is none
INSTALL := $(UV) pip install --require-hashes

.venv/.ready: requirements.txt requirements-dev.txt constraints.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(INSTALL) --python .venv -r requirements-dev.txt -c constraints.txt
	$(UV) pip install --python .venv --no-deps --no-build-isolation --editable . # the command soundvae
	touch $@

# what the managed training image holds, plus what the job itself installs there; pip is what the training toolkit installs with
.venv-job/.ready: local/training-image.txt training/requirements.txt constraints.txt | $(UV)
	@command -v cc >/dev/null || { echo "The SageMaker training toolkit compiles a small extension and there is no C compiler (cc) here: install gcc, e.g. apt-get install gcc python3-dev."; exit 1; }
	$(UV) venv --quiet --allow-existing --python $(PYTHON) --seed .venv-job
	$(INSTALL) --python .venv-job -r local/training-image.txt -r training/requirements.txt -c constraints.txt
	touch $@

# falcon 3.1.0 has no wheel for today's Pythons, and compiling it takes ten minutes, which only speed would need
.venv-serving/.ready: local/serving-image-lock.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-serving
	FALCON_DISABLE_CYTHON=1 $(INSTALL) --python .venv-serving -r local/serving-image-lock.txt
	touch $@

node_modules/.ready: package.json package-lock.json .venv/.ready
	npm ci --no-fund --no-audit --loglevel=error
	touch $@
