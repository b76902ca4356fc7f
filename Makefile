# claude-client: `make` builds, `make run` shows it at work, `make test` proves it, `make install` installs it.
# Overrides: CARGO, CC, PROFILE (release or dev), PREFIX, LIBDIR, DESTDIR, STRIP; LIVE=1 or REPLAY=1 for `make run`.

CARGO   ?= cargo
CC      ?= cc
PROFILE ?= release
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=
CFLAGS  ?= -O2 -g
LIVE    ?=
REPLAY  ?=
TEST_FLAGS ?=
# Most tests wait most of the time.
TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
BENCH_FLAGS ?=
CHAOS_SECONDS ?=
HOURS   ?= 1
SEED    ?=
SANITIZE ?=
WRITE   ?=

# Symbols stay in the library that is built; the installed one goes without (STRIP=: keeps them).
ifeq ($(shell uname -s),Darwin)
STRIP ?= strip -x
DYLIB := dylib
else
STRIP ?= strip --strip-unneeded
DYLIB := so
endif

BUILD   := build
CLI     := $(BUILD)/cli
VERSION  = $(shell sed -n '/^\[workspace.package\]/,/^$$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
SO_VERSION = $(shell sed -n 's/^const SONAME_VERSION: u32 = \(.*\);/\1/p' build.rs)
TARGET   = $(shell $(CARGO) metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
BUILT    = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# The libraries that a Rust static library leaves to the final link.
NATIVE_LIBS = $(shell mkdir -p $(BUILD) && echo | rustc --crate-type staticlib --print native-static-libs \
	-o $(BUILD)/empty.a - 2>&1 | sed -n 's/.*native-static-libs: //p'; rm -f $(BUILD)/empty.a)

# What `make build` leaves for `make install`, which runs as root and so without cargo.
RECORD  := $(BUILD)/built.mk
-include $(RECORD)

EXAMPLES := $(patsubst examples-c/%.c,$(BUILD)/examples/%,$(wildcard examples-c/*.c))
ifneq ($(shell pkg-config --exists sdl2 2>/dev/null && echo yes),yes)
EXAMPLES := $(filter-out %/sdl_loop,$(EXAMPLES))
endif
ifneq ($(shell pkg-config --exists sqlite3 2>/dev/null && echo yes),yes)
EXAMPLES := $(filter-out %/store_sqlite,$(EXAMPLES))
endif
ifneq ($(shell pkg-config --exists libpq 2>/dev/null && echo yes),yes)
EXAMPLES := $(filter-out %/store_postgres,$(EXAMPLES))
endif

.PHONY: all build run test drift drift-check cli testkit test-bindings test-quick header notice deny \
	fault-matrix tsan loom chaos soak fuzz fuzz-check examples bench bench-check sessions-check sessions-speed \
	start-speed fmt lint install uninstall clean help check-targets link-macos test-musl test-aarch64 \
	release-linux test-swift windows test-windows

all: build

help:
	@echo 'make            build the library'
	@echo 'make run        show a conversation with the real CLI, offline; LIVE=1 uses your own claude and login,'
	@echo '                REPLAY=1 plays a recorded one, without any CLI'
	@echo 'make test       set up and run every test'
	@echo 'make test-bindings  hold the same conversations with every binding; BINDINGS="cpp go zig" chooses, PROFILE=dev is quicker to build'
	@echo 'make test-swift the same with Swift, which it fetches where it is missing (as root on Debian)'
	@echo 'make test-quick the tests without the real CLI, valgrind, sanitizers and long waits'
	@echo 'make tsan       run tests and chaos under ThreadSanitizer; CHAOS_SECONDS=600 is the long form'
	@echo 'make check-targets  compile the library for the other systems, without a warning; make link-macos links it for macOS as well'
	@echo 'make test-musl  run hosts in C against the library for musl; make test-aarch64 against that for ARM, under an emulator'
	@echo 'make release-linux  archives for Linux with glibc 2.17 and newer, in $(BUILD)/release; ARCHES="x86_64 aarch64"'
	@echo 'make windows    build the library for Windows x86_64 into $(BUILD)/windows/release: DLL, import library, .def, static library'
	@echo 'make test-windows  hold conversations with it under Wine, with the stand-in and with the real CLI for Windows'
	@echo 'make loom       check the hand-overs between threads in every interleaving'
	@echo 'make chaos      call every function at every moment for CHAOS_SECONDS (60); SEED=N, SANITIZE=address or thread'
	@echo 'make soak       the same at a walking pace for HOURS (1), and look whether anything grows'
	@echo 'make examples   build the C examples into $(BUILD)/examples'
	@echo 'make install    after make: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR); make uninstall removes it'
	@echo 'make bench      measure the library against a read loop written by hand and the official SDKs'
	@echo 'make bench-check  count the instructions that a message costs, and compare'
	@echo 'make start-speed  measure how long the first answer takes, of a CLI that is started for it and of a spare'
	@echo 'make fuzz-check  run each fuzzer for a short time'
	@echo 'make fuzz       run the fuzzers for long: TARGET=stdout SECONDS=3600'
	@echo 'make header     write include/claude_client.h, include/api.json and packaging/symbols.txt from src/capi'
	@echo 'make notice     write packaging/THIRD-PARTY.txt, the licences of the crates that the library links'
	@echo 'make deny       check licences, sources, duplicates and advisories of all crates; DENY_ADVISORIES=1 insists on the last'
	@echo 'make fault-matrix   write docs/fault-matrix.md from the rows and the names of the tests'
	@echo 'make drift      compare the newest CLI, or CLI=2.1.400, with the recording of the pinned one; WRITE=1 takes it over'
	@echo 'make drift-check  compare the pinned CLI with its own recording'
	@echo 'make fmt lint   format; check format and lints'
	@echo 'make cli        install the pinned CLI into $(CLI)'
	@echo 'make clean      remove $(BUILD) and the Rust build'

build:
	$(CARGO) build --profile $(PROFILE) --lib
	@mkdir -p $(BUILD)
	@printf '%s\n' 'INSTALL_FROM := $(BUILT)' 'INSTALL_NATIVE_LIBS := $(NATIVE_LIBS)' >$(RECORD).$$$$ && mv -f $(RECORD).$$$$ $(RECORD)

# Only a tool here, so the quick build does.
testkit:
	$(CARGO) build -p claude-testkit --bins

# The place where the programs of the build find the library under the name that they look for.
$(BUILD)/lib: build
	@mkdir -p $@
	@ln -sf "$(BUILT)/libclaude_client.$(DYLIB)" $@/libclaude_client.$(DYLIB)
ifeq ($(DYLIB),so)
	@ln -sf "$(BUILT)/libclaude_client.so" $@/libclaude_client.so.$(SO_VERSION)
else
	@ln -sf "$(BUILT)/libclaude_client.dylib" $@/libclaude_client.$(SO_VERSION).dylib
endif
.PHONY: $(BUILD)/lib

examples: $(EXAMPLES)

$(BUILD)/examples/sdl_loop: MORE = $(shell pkg-config --cflags --libs sdl2)
$(BUILD)/examples/store_sqlite: MORE = $(shell pkg-config --cflags --libs sqlite3)
$(BUILD)/examples/store_postgres: MORE = $(shell pkg-config --cflags --libs libpq)

$(BUILD)/examples/%: examples-c/%.c include/claude_client.h $(wildcard examples-c/*.h) | $(BUILD)/lib
	@mkdir -p $(@D)
	$(CC) -std=c99 -Wall -Wextra -pedantic $(CFLAGS) -Iinclude $< -L$(BUILD)/lib -lclaude_client -pthread \
		"-Wl,-rpath,$(abspath $(BUILD)/lib)" $(MORE) -o $@

cli:
	testkit/install-cli.sh $(CLI)

ifneq ($(REPLAY),)
run: $(BUILD)/examples/replay_test
	@packaging/run-demo.sh --replay "$(abspath $(BUILD)/examples/replay_test)" tests/data/session.ndjson
else ifeq ($(LIVE),)
run: $(BUILD)/examples/chat testkit
	@packaging/run-demo.sh "$(abspath $(BUILD)/examples/chat)" "$(TARGET)/debug/loopback-api" "$(CLI)"
else
run: $(BUILD)/examples/chat
	@packaging/run-demo.sh --live "$(abspath $(BUILD)/examples/chat)"
endif

# Cargo builds all that the tests run: the library, the test programs, the examples and the consumers in C and C++.
test: cli
	@testkit/install-schema-suite.sh $(BUILD)/json-schema-suite
	@CARGO="$(CARGO)" RUST_TEST_THREADS=$(TEST_THREADS) testkit/test.sh $(TEST_FLAGS)
	$(CARGO) test --no-default-features --lib capi::left_out $(TEST_FLAGS)

# What it leaves out, and by which rule: testkit/quick.sh.
test-quick:
	@CARGO="$(CARGO)" RUST_TEST_THREADS=$(TEST_THREADS) testkit/quick.sh $(TEST_FLAGS)

# C++, Go and Zig, each against the installed library: bindings/test.sh. BINDINGS=swift is not part of the check, which has a time limit.
test-bindings: cli build testkit
	@$(MAKE) -s install PREFIX="$(abspath $(BUILD)/bindings/prefix)"
	@TESTKIT="$(TARGET)/debug" PREFIX="$(abspath $(BUILD)/bindings/prefix)" BINDINGS="$(or $(BINDINGS),cpp go zig)" bindings/test.sh

test-swift:
	@$(MAKE) -s test-bindings BINDINGS=swift

# Races: the library and its standard library built with ThreadSanitizer, below $(BUILD)/tsan.
tsan:
	@CHAOS_SECONDS="$(CHAOS_SECONDS)" SEED="$(SEED)" tests/races/tsan.sh

# Other systems: docs/platforms.md. What they need is put below $(BUILD); a toolchain for the target is not needed.
check-targets:
	@CARGO="$(CARGO)" tests/targets/check.sh

link-macos:
	@tests/targets/link-macos.sh

test-musl test-aarch64: testkit
	@CARGO="$(CARGO)" tests/targets/test.sh $(@:test-%=%)

release-linux:
	@ARCHES="$(or $(ARCHES),x86_64 aarch64)" VERSION="$(VERSION)" SO_VERSION="$(SO_VERSION)" NATIVE_LIBS="$(NATIVE_LIBS)" \
		packaging/release-linux.sh
# With MinGW, and a standard library built from source.
windows:
	@CARGO="$(CARGO)" PROFILE="$(PROFILE)" packaging/windows/build.sh

test-windows: testkit
	@CARGO="$(CARGO)" tests/windows/run.sh

# Part of `make test` as well.
loom:
	$(CARGO) test $(patsubst tests/%.rs,--test %,$(wildcard tests/loom_*.rs))
# Seeded chaos over the C functions: docs/reliability.md.
chaos:
	@CARGO="$(CARGO)" SANITIZE="$(SANITIZE)" SECONDS_IN_ALL="$(or $(CHAOS_SECONDS),60)" SEED="$(SEED)" chaos/run.sh

soak:
	@CARGO="$(CARGO)" HOURS="$(HOURS)" SEED="$(SEED)" chaos/soak.sh

# The library against a loop written by hand and against the official SDKs: the tables and the picture of docs/performance.md.
bench: $(BUILD)/lib
	@python3 benches/bench.py "$(abspath $(BUILD)/lib)" "$(abspath $(BUILD)/bench)" $(BENCH_FLAGS)

# Fails when a message costs more instructions than benches/instructions.json says. BENCH_FLAGS=--write keeps new counts.
# Sessions on the disk beside both official SDKs: how fast, and whether all read the same.
sessions-speed sessions-check: $(BUILD)/lib
	@python3 benches/sessions.py "$(abspath $(BUILD)/lib)" "$(abspath $(BUILD)/bench)" \
		$(if $(filter sessions-speed,$@),speed,differences)

# From a user's wish to the answer: a CLI that is started for it, and a spare that is claimed.
start-speed: $(BUILD)/lib testkit
	@mkdir -p $(BUILD)/bench
	$(CC) -std=gnu99 -O2 -Wall -Wextra -Iinclude benches/start.c -L$(BUILD)/lib -lclaude_client \
		"-Wl,-rpath,$(abspath $(BUILD)/lib)" -o $(BUILD)/bench/start
	@"$(TARGET)/debug/loopback-api" -- "$(abspath $(BUILD)/bench/start)" '{"cli_path": "$(abspath $(CLI))/node_modules/.bin/claude"}' 11

bench-check: $(BUILD)/lib
	@python3 benches/instructions.py "$(abspath $(BUILD)/lib)" "$(abspath $(BUILD)/bench)" $(BENCH_FLAGS)

# Each fuzzer for SECONDS (or the one that TARGET names), and how often it ran. Its tool is put into $(BUILD).
fuzz-check: SECONDS ?= 30
fuzz: SECONDS ?= 3600
fuzz fuzz-check:
	@fuzz/run.sh $@ $(SECONDS) $(if $(filter command,$(origin TARGET)),$(TARGET))

# The build script writes it, and cargo only looks at the code of the library: the quickest way to run the script.
header:
	$(CARGO) check --lib --features header
	@bindings/generate

notice:
	UPDATE_NOTICE=1 $(CARGO) test --test security supply_chain::the_notice

# A tool of its own, fetched as a program where it is not installed; needs python3-venv then.
deny:
	@CARGO="$(CARGO)" packaging/deny.sh

# docs/fault-matrix.md: the known problems, and the tests that show that the library does not have them.
fault-matrix:
	UPDATE_DOCS=1 $(CARGO) test --test tree fault_matrix::

# docs/drift.md. The variable CLI is a version here, and only when it is given.
drift:
	@CARGO="$(CARGO)" drift/run.sh $(if $(WRITE),write,report) $(if $(filter command line,$(origin CLI)),$(CLI))

drift-check:
	@CARGO="$(CARGO)" drift/run.sh check

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --lib -- -D warnings
	$(CARGO) clippy --lib --no-default-features -- -D warnings

install:
	@$(if $(INSTALL_FROM),,echo 'nothing is built yet: run `make` first, as yourself' >&2; exit 1;) \
		ACTION=install BUILT="$(INSTALL_FROM)" VERSION="$(VERSION)" SO_VERSION="$(SO_VERSION)" PREFIX="$(PREFIX)" \
		LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" STRIP="$(STRIP)" NATIVE_LIBS="$(INSTALL_NATIVE_LIBS)" packaging/install.sh

uninstall:
	@ACTION=uninstall BUILT=. VERSION="$(VERSION)" SO_VERSION="$(SO_VERSION)" PREFIX="$(PREFIX)" \
		LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" packaging/install.sh

clean:
	rm -rf $(BUILD)
	$(CARGO) clean
