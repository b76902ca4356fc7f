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

.PHONY: all build run test drift drift-check cli testkit header notice deny fault-matrix tsan loom chaos soak fuzz fuzz-check examples bench bench-check sessions-check sessions-speed fmt lint install uninstall clean help

all: build

help:
	@echo 'make            build the library'
	@echo 'make run        show a conversation with the real CLI, offline; LIVE=1 uses your own claude and login,'
	@echo '                REPLAY=1 plays a recorded one, without any CLI'
	@echo 'make test       set up and run every test'
	@echo 'make tsan       run tests and chaos under ThreadSanitizer; CHAOS_SECONDS=600 is the long form'
	@echo 'make loom       check the hand-overs between threads in every interleaving'
	@echo 'make chaos      call every function at every moment for CHAOS_SECONDS (60); SEED=N, SANITIZE=address or thread'
	@echo 'make soak       the same at a walking pace for HOURS (1), and look whether anything grows'
	@echo 'make examples   build the C examples into $(BUILD)/examples'
	@echo 'make install    after make: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR); make uninstall removes it'
	@echo 'make bench      measure the library against a read loop written by hand and the official SDKs'
	@echo 'make bench-check  count the instructions that a message costs, and compare'
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
	@printf '%s\n' 'INSTALL_FROM := $(BUILT)' 'INSTALL_NATIVE_LIBS := $(NATIVE_LIBS)' >$(RECORD)

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
	$(CARGO) test --workspace $(TEST_FLAGS)

# Races: the library and its standard library built with ThreadSanitizer, below $(BUILD)/tsan.
tsan:
	@CHAOS_SECONDS="$(CHAOS_SECONDS)" SEED="$(SEED)" tests/races/tsan.sh

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

notice:
	UPDATE_NOTICE=1 $(CARGO) test --test supply_chain the_notice

# A tool of its own, fetched as a program where it is not installed; needs python3-venv then.
deny:
	@CARGO="$(CARGO)" packaging/deny.sh

# docs/fault-matrix.md: the known problems, and the tests that show that the library does not have them.
fault-matrix:
	UPDATE_DOCS=1 $(CARGO) test --test fault_matrix

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
