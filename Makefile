# `make run` starts Timberline, `make test` proves it. Everything that they need beyond a Rust
# toolchain, python3 and make is installed here, so that a fresh machine needs nothing by hand.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# One step after the other: every one of them is parallel within itself.
.NOTPARALLEL:

CARGO ?= cargo
export PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where `make node` puts Node.js if the system's is missing or too old.
export PATH := $(abspath $(TARGET))/node/node_modules/node/bin:$(PATH)
# Arguments of `make run`, as in `make run ARGS='--port 5700'`.
ARGS ?=

.PHONY: help run build webui ui-test node chromium package test format lint docs units portable python nginx desktop desktops deny bench load fuzz soak hurt memory clean

help: ## what there is
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: build ## start Timberline on 127.0.0.1:5600, and record this desktop if there is one
	$(TARGET)/release/timberline up $(ARGS)

build: webui ## the release binary with the web UI, target/release/timberline
	$(CARGO) build --release --package timberline-cli --bin timberline

webui: webui/dist/index.html ## the web UI, webui/dist, which the next build of the server includes

# The server's build looks at webui/dist, but cargo does not notice a directory that was not there before: so build.rs is touched.
WEBUI_SOURCES := $(shell find webui -path webui/node_modules -prune -o -path webui/dist -prune -o -path webui/tests -prune -o -type f -print)
webui/dist/index.html: webui/node_modules/.package-lock.json $(WEBUI_SOURCES)
	cd webui && npm run build
	touch crates/webui/build.rs

# `npm ci` begins anew, so it is only done when the packages are others than the last time.
webui/node_modules/.package-lock.json: webui/package-lock.json | node
	cd webui && npm ci --no-audit --no-fund
	touch $@

# In the browser against a real server. TIMBERLINE_BIN names another one.
export TIMBERLINE_BIN ?= $(abspath $(TARGET))/debug/timberline
ui-test: webui chromium ## the web UI: types, lint, format, unit tests, tests in a browser
	$(CARGO) build --package timberline-cli --bin timberline
	cd webui && npm run check && npm run lint && npm run format && npm test && npm run test:browser

# Vite needs Node.js 20.19, or 22.12 and later. Debian 12 has 18; its npm then gets a newer one from the registry.
NODE_CHECK := const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)
node:
	@if ! node -e '$(NODE_CHECK)' 2>/dev/null || ! command -v npm >/dev/null; then \
		echo "installing Node.js"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		if ! command -v npm >/dev/null; then \
			$$as_root apt-get update -q; \
			$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm; \
		fi; \
		node -e '$(NODE_CHECK)' || npm install --no-audit --no-fund --no-save --prefix $(TARGET)/node node@22; \
		node -e '$(NODE_CHECK)' || { echo "Node.js 20.19 or 22.12 is needed: https://nodejs.org"; exit 1; }; \
	fi

# CHROMIUM names another browser than Debian's.
chromium:
	@if ! [ -x "$${CHROMIUM:-/usr/bin/chromium}" ]; then \
		echo "installing chromium"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -q; \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; \
	fi

package: build ## man pages and shell completions for packages, in target/package
	rm -rf target/package
	mkdir -p target/package/completions
	$(TARGET)/release/timberline man target/package/man1
	$(TARGET)/release/timberline completions bash >target/package/completions/timberline
	$(TARGET)/release/timberline completions zsh >target/package/completions/_timberline
	$(TARGET)/release/timberline completions fish >target/package/completions/timberline.fish

test: format lint docs portable ui-test units ## everything that CI demands

format: # is the code formatted?
	$(CARGO) fmt --all --check

lint: # no warning, in any target
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# For those who work on it, so with private items, and links to them are welcome.
docs: # every page of the documentation builds, every link in it leads somewhere
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --workspace --no-deps --document-private-items

# Many tests wait for a disk or for a process, so two for each core run at the same time.
TEST_THREADS := $(shell expr 2 '*' $$(nproc 2>/dev/null || echo 2))
# The doc tests come first, because nextest does not run them and its summary is to be the last line.
units: python nginx desktop # unit, property, integration and end-to-end tests
	$(CARGO) test --workspace --doc
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --test-threads $(TEST_THREADS); \
	else \
		$(CARGO) test --workspace --lib --bins --tests --no-fail-fast; \
	fi

# Everything below the server, as on a system that has only what the standard library offers.
PORTABLE := --package timberline-disk --package timberline-log --package timberline-views --package timberline-backup \
	--features timberline-backup/portable
portable: # the suites of disk, log, views and backup without anything that only Linux has
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run $(PORTABLE) --test-threads $(TEST_THREADS); \
	else \
		$(CARGO) test $(PORTABLE) --lib --tests --no-fail-fast; \
	fi

# A test records a day with the real aw-client, in a virtual environment that the test itself makes;
# Debian's python3 comes without what makes one.
python:
	@if ! $(PYTHON) -c 'import venv, ensurepip' >/dev/null 2>&1; then \
		echo "installing python3 with venv"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -q; \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy python3 python3-venv; \
	fi

# A test runs behind nginx, with a certificate that openssl makes. Where they cannot be installed, it says so and is skipped.
nginx:
	@if ! command -v openssl >/dev/null || ! PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null; then \
		echo "installing nginx and openssl"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		{ $$as_root apt-get update -q && \
			$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy nginx-light openssl; } || true; \
	fi

# Watchers are tested with a real X server, a real Wayland compositor and a real message bus. Where they cannot be installed, the tests say so and are skipped.
DESKTOP := Xvfb:xvfb openbox:openbox xdotool:xdotool xterm:xterm xdpyinfo:x11-utils dbus-daemon:dbus \
	sway:sway foot:foot wtype:wtype swaylock:swaylock
desktop:
	@missing=; for pair in $(DESKTOP); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		{ $$as_root apt-get update -q && \
			$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; } || true; \
	fi

# Not in CI: half a gigabyte of packages. `docs/platforms.md` says what it proves.
desktops: desktop ## our script in the real KWin, our extension in the real GNOME Shell
	@if ! command -v kwin_wayland >/dev/null || ! command -v gnome-shell >/dev/null || ! /usr/bin/python3 -c 'import dbusmock' 2>/dev/null; then \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -q; \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
			kwin-wayland gnome-shell libgl1-mesa-dri python3-dbusmock; \
	fi
	$(CARGO) test --package timberline-watchers --test it -- --ignored desktops::

# Where the database of advisories cannot be reached: make deny CHECKS='bans licenses sources'
CHECKS ?= all
deny: ## licences, advisories and sources of all dependencies
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) install --locked cargo-deny; fi
	$(CARGO) deny check $(CHECKS)

bench: ## micro-benchmarks
	$(CARGO) bench --workspace

# `make load SERVERS='--server old=PATH --server new=PATH'` compares binaries, in turns.
SERVERS ?=
load: build ## the server over HTTP: heartbeats, inserts, imports, reads, queries, starts
	$(CARGO) run --release --package timberline-benches --bin load -- --dir $(TARGET) $(SERVERS)

# Not in CI. The targets need flags that a stable compiler takes only when it is told that they are meant. What each
# does, and what its seeds are, is in fuzz/README.md.
FUZZ_SECONDS ?= 900
TARGETS ?= frame_recovery view_open codec fold rest_bodies import query_parse query_run
# Looking for leaks after every input takes half of the time; Rust leaks only on purpose. One allocation of more than 256 MiB, or 2 GiB in all, is a finding; so is one input that takes 20 seconds.
FUZZ_FLAGS := -rss_limit_mb=2048 -malloc_limit_mb=256 -timeout=20 -detect_leaks=0 -print_final_stats=1
FLAGS_query_parse := -max_len=4096 -dict=fuzz/query.dict
FLAGS_query_run := -max_len=4096 -dict=fuzz/query.dict
FLAGS_rest_bodies := -max_len=4096 -dict=fuzz/json.dict
FLAGS_import := -max_len=32768 -dict=fuzz/json.dict
FLAGS_codec := -max_len=4096
FLAGS_fold := -max_len=2048
FLAGS_frame_recovery := -max_len=4096
FLAGS_view_open := -max_len=16384
SEEDS_query_run := query_parse
fuzz: ## fuzz for FUZZ_SECONDS each: all targets, or TARGETS='codec import'
	@if ! $(CARGO) fuzz --version >/dev/null 2>&1; then $(CARGO) install --locked cargo-fuzz; fi
	$(foreach target,$(TARGETS),$(call fuzz_one,$(target)))

define fuzz_one
	mkdir -p fuzz/corpus/$(1)
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $(1) fuzz/corpus/$(1) fuzz/seeds/$(or $(SEEDS_$(1)),$(1)) -- \
		-max_total_time=$(FUZZ_SECONDS) $(FUZZ_FLAGS) $(FLAGS_$(1))

endef

# Not in CI either: half an hour of load on two servers, one of which is killed every minute.
SOAK_MINUTES ?= 30
SOAK_SEED ?= 1
soak: build ## mixed load for SOAK_MINUTES with kill -9 every minute: is anything lost, does anything grow?
	$(CARGO) build --release --package timberline-benches --bin soak
	$(TARGET)/release/soak --server $(TARGET)/release/timberline --dir $(TARGET) \
		--minutes $(SOAK_MINUTES) --seed $(SOAK_SEED)

# Kills a few seconds apart with everything mixed, half of the stores encrypted, half of the wall clocks jumping; then one
# damaged file at a time.
KILLS ?= 100
DAMAGE ?= 300
hurt: build ## KILLS times kill -9, then DAMAGE damaged files: is anything lost, wrong, or kept silent about?
	$(CARGO) build --release --package timberline-benches --bin soak
	cc -O1 -shared -fPIC -o $(TARGET)/shift.so benches/shift.c
	$(TARGET)/release/soak --server $(TARGET)/release/timberline --dir $(TARGET) --seed $(SOAK_SEED) \
		--kills $(KILLS) --clock-shim $(TARGET)/shift.so
	$(TARGET)/release/soak --server $(TARGET)/release/timberline --dir $(TARGET) --seed $(SOAK_SEED) --damage $(DAMAGE)

# Some ten minutes. Fails beyond 200 MB at work or 100 MB a minute later.
MEMORY_BEATS ?= 5000000
memory: build ## the server's memory: MEMORY_BEATS distinct heartbeats beside queries, 8 imports of 30 MB at once
	$(CARGO) build --release --package timberline-benches --bin soak
	$(TARGET)/release/soak --server $(TARGET)/release/timberline --dir $(TARGET) --memory $(MEMORY_BEATS)

clean: ## remove what was built
	$(CARGO) clean
