# `make demo` and `make test` are all that a fresh Debian 12 with Swift 6 needs: each installs what it is missing
# (scripts/setup.sh) and says so. Both use the debug build, so the second of them builds little.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build release install uninstall deb demo test simulate mutants service-test conformance kill-test docs lint format bench bench-quick clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: Debian packages, and Python packages into .venv
	@scripts/setup.sh

build: setup ## Build syncd for debugging: .build/debug/syncd
	swift build --product syncd

release: setup ## Build syncd for use, with Swift's runtime inside: .build/release/syncd
	swift build -c release --static-swift-stdlib --product syncd

install: ## Put the release build, units, man pages and completions below PREFIX (/usr/local; DESTDIR=… for a root)
	@PREFIX='$(or $(PREFIX),/usr/local)' DESTDIR='$(DESTDIR)' scripts/install.sh install .build/release/syncd

uninstall: ## Remove what install put there
	@PREFIX='$(or $(PREFIX),/usr/local)' DESTDIR='$(DESTDIR)' scripts/install.sh uninstall

deb: release ## Make a Debian package of the release build in dist
	@scripts/make-deb.sh .build/release/syncd

demo: build ## Mirror a sample folder to a local S3 server and back, step by step
	@scripts/demo.sh .build/debug/syncd

test: setup ## Run every test: the Swift tests, then the real binary against real servers
	swift build --build-tests
	swift test --skip-build
	scripts/simulate.sh
	.venv/bin/python Tests/RealServer/run.py --binary .build/debug/syncd
	.venv/bin/python Tests/Conformance/run.py --binary .build/debug/syncd --server seaweedfs --server rclone

simulate: setup ## Play SEEDS random histories (20,000) in simulation, from seed FIRST on; or the one of SEED, call by call
	@SEED='$(SEED)' FIRST='$(FIRST)' scripts/simulate.sh $(SEEDS)

mutants: setup ## Plant one bug after the other, and see how soon the simulation finds it; takes long
	@scripts/mutants.sh

conformance: build ## Try syncd on five S3 services, which it installs, and compare with docs/PROVIDERS.md; wants to be root
	.venv/bin/python Tests/Conformance/run.py --binary .build/debug/syncd --check docs/PROVIDERS.md

service-test: deb ## Install the package on a Debian 12 booted for it, and try the service there; wants to be root
	.venv/bin/python Tests/Service/run.py --package "$$(ls -t dist/syncd_*.deb | head -n 1)"

kill-test: build ## Run the long tests: syncd killed a hundred times in large mirrors, and a file of 10 GiB
	.venv/bin/python Tests/RealServer/run.py --binary .build/debug/syncd --full

docs: setup ## Build the documentation of the S3API library into .build/docs
	@scripts/docs.sh

lint: setup ## Check the format of the Swift code, and the scripts
	swift format lint --strict --parallel --recursive Sources Tests Package.swift
	.venv/bin/shellcheck -x .ci/run scripts/*.sh scripts/servers/*.sh packaging/postinst packaging/prerm packaging/postrm
	@for patch in Tests/Mutants/*.patch; do git apply --check $$patch || exit 1; done
	git ls-files -co --exclude-standard '*.py' | xargs -r .venv/bin/python -W error -c \
	    'import pathlib, sys; [compile(pathlib.Path(path).read_text(), path, "exec") for path in sys.argv[1:]]'

format: ## Format the Swift code
	swift format --in-place --parallel --recursive Sources Tests Package.swift

bench: release ## Measure syncd beside other tools, all GROUPS of work but million; takes hours, wants an idle machine
	@scripts/setup.sh bench
	.venv/bin/python Bench/bench.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(GROUPS)

bench-quick: release ## See in minutes whether the benchmarks run: the same with few files, one round, and no report
	@scripts/setup.sh bench
	.venv/bin/python Bench/bench.py --quick $(GROUPS)

clean: ## Remove what was built (.venv stays)
	swift package clean
