# teachroot: build, test, install. `make help` lists the targets.
#
# Sources are found by wildcard, so a new file in a room needs no line here. Nothing is asked of pkg-config until something is compiled:
# `make run` works where neither it nor a compiler is installed yet.
MAKEFLAGS += --no-builtin-rules --no-print-directory
# All processors, unless the user gave a -j (which wins) or we are a make within a make (whose jobs are the outer one's).
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
PKG_CONFIG ?= pkg-config
SANITIZE ?=
CFLAGS   ?= -O2 -g
WERROR   ?=
V        ?= 0
ifeq ($(strip $(BUILD)),)
$(error BUILD is empty: it names the directory to build in)
endif
SECONDS  ?= 60

LIBEXECDIR = $(PREFIX)/libexec/teachroot
DATADIR    = $(PREFIX)/share/teachroot

# Targets that are a whole run of their own: named together they follow one another (`make clean all`, `make lint test`).
WHOLE := run test test-jupyter test-vm test-vm-systemd test-viewers check lint asan fuzz bench install uninstall clean
ifneq ($(word 2,$(MAKECMDGOALS)),)
ifneq ($(filter $(WHOLE),$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
endif

# --- Flags ---------------------------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
            -Wundef -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wredundant-decls -Wno-unused-parameter

# Which library each program needs; --as-needed drops the rest, so a tool that needs only libc loads only libc.
PKGS_ENGINE := libcap libmnl jansson
PKGS_IMAGE  := libcurl libcrypto libisal libzstd liblzma
PKGS_REPL   := ncursesw readline vterm libcmark
PKGS_KERNEL := libzmq
PKGS        := $(PKGS_ENGINE) $(PKGS_IMAGE) $(PKGS_REPL) $(PKGS_KERNEL)
# Asked once, when first used.
ENGINE_LIBS  = $(eval ENGINE_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS_ENGINE)))$(ENGINE_LIBS)
IMAGE_LIBS   = $(eval IMAGE_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS_IMAGE)))$(IMAGE_LIBS)
REPL_LIBS    = $(eval REPL_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS_REPL)))$(REPL_LIBS)
KERNEL_LIBS  = $(eval KERNEL_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS_KERNEL)))$(KERNEL_LIBS)
# What the tools do not use of a source file is left out of them, and so are the libraries for it; the sanitizers keep it all.
TOOLS_LIBS   = $(if $(SANITIZE),$(IMAGE_LIBS)) $(ENGINE_LIBS) $(if $(SANITIZE),-pthread)
PKG_CFLAGS   = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PKGS)))$(PKG_CFLAGS)

# The sanitizers see more without the hardening, and glibc's fortified calls need an optimising compiler.
HARDEN := $(if $(SANITIZE),,-fstack-protector-strong $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
DEFINES = -DTEACHROOT_VERSION='"$(VERSION)"' -DTEACHROOT_LIBEXECDIR='"$(LIBEXECDIR)"' -DTEACHROOT_DATADIR='"$(DATADIR)"'
LANGUAGE := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I.
SANITIZED := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

ALL_CFLAGS  = $(LANGUAGE) -fPIE -ffunction-sections -fdata-sections $(WARNINGS) $(if $(WERROR),-Werror) $(CFLAGS) $(HARDEN) \
              $(SANITIZED) $(if $(FUZZ),-fsanitize=fuzzer-no-link) $(DEFINES) $(PKG_CFLAGS)
ALL_LDFLAGS = -pie -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now $(SANITIZED) $(LDFLAGS)

# --- Sources -------------------------------------------------------------------------------------------------------------------------

# The tools' option tables are data the program reads too.
TABLES_SRC := $(wildcard engine/tools/options.c) $(wildcard engine/tools/*_options.c)
ENGINE_SRC := $(filter-out engine/tools/% engine/transfer/%,$(wildcard engine/*/*.c)) $(TABLES_SRC)
TRANSFER_SRC := $(wildcard engine/transfer/*.c)
TOOLS_SRC  := $(filter-out $(TABLES_SRC),$(wildcard engine/tools/*.c)) $(if $(SANITIZE),tests/sanitize/tools.c)
REPL_SRC   := $(filter-out repl/main.c repl/kernel/main.c,$(wildcard repl/*/*.c) $(wildcard repl/*.c))
MAIN_SRC   := $(wildcard repl/main.c)
KERNEL_SRC := $(wildcard repl/kernel/main.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*.c)
BENCH_SRC  := $(wildcard tests/bench/*.c)
BATS       := $(wildcard tests/*.bats)
ALL_SRC    := $(sort $(ENGINE_SRC) $(TOOLS_SRC) $(TRANSFER_SRC) $(REPL_SRC) $(MAIN_SRC) $(KERNEL_SRC) $(wildcard tests/*/*.c))
HEADERS    := $(wildcard engine/*/*.h repl/*/*.h repl/*.h tests/*/*.h)

obj         = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
program     = $(patsubst %.c,$(BUILD)/%,$(1))
PROGRAMS   := $(BUILD)/teachroot $(BUILD)/teachroot-tools $(if $(TRANSFER_SRC),$(BUILD)/teachroot-transfer) $(if $(KERNEL_SRC),$(BUILD)/teachroot-kernel)
UNIT       := $(call program,$(UNIT_SRC))
LIBRARIES  := $(BUILD)/librepl.a $(BUILD)/libengine.a

# --- Building ------------------------------------------------------------------------------------------------------------------------

# `  CC      engine/base/err.c`; V=1 shows whole commands.
Q    := $(if $(filter 1,$(V)),,@)
say   = $(if $(Q),@printf '  %-7s %s\n' '$(1)' '$(2)')
quote = '$(subst ','\'',$(1))'

all: $(PROGRAMS) ## Build the programs (the default)

# A stamp changes only when what it holds changes; what depends on it is then made anew: other flags, a file that is gone.
stamp_compile  = $(CC) $(ALL_CFLAGS)
stamp_link     = $(CC) $(ALL_LDFLAGS) $(REPL_LIBS) $(KERNEL_LIBS) $(IMAGE_LIBS) $(ENGINE_LIBS)
stamp_engine   = $(ENGINE_SRC)
stamp_repl     = $(REPL_SRC)
stamp_tools    = $(TOOLS_SRC)
stamp_transfer = $(TRANSFER_SRC)
$(BUILD)/stamp/%: FORCE | libraries-present
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(stamp_$*)) | cmp -s - $@ || printf '%s\n' $(call quote,$(stamp_$*)) >$@

libraries-present:
	@$(PKG_CONFIG) --print-errors --exists $(PKGS) || \
	    { echo "teachroot: something it is built with is missing; to install it: scripts/deps build" >&2; exit 1; }

# Tests may make their world without asking of each call whether it could.
$(BUILD)/obj/tests/%.o: TEST_CFLAGS := -Wno-unused-result
$(BUILD)/obj/%.o: %.c $(BUILD)/stamp/compile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) -MMD -MP -c $< -o $@

# What every page has is in the program as it stands in these files.
$(call obj,repl/play/page_assets.c): repl/play/page.css repl/play/page.js

$(BUILD)/libengine.a: $(call obj,$(ENGINE_SRC)) $(BUILD)/stamp/engine
$(BUILD)/librepl.a: $(call obj,$(REPL_SRC)) $(BUILD)/stamp/repl
$(LIBRARIES):
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $(filter %.o,$^)

$(BUILD)/teachroot: $(call obj,$(MAIN_SRC)) $(LIBRARIES) $(BUILD)/stamp/link
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o %.a,$^) $(REPL_LIBS) $(ENGINE_LIBS) -o $@

$(BUILD)/teachroot-tools: $(call obj,$(TOOLS_SRC)) $(BUILD)/libengine.a $(BUILD)/stamp/tools $(BUILD)/stamp/link
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o %.a,$^) $(TOOLS_LIBS) -o $@

# What moves images and archives: the one program that loads the libraries for that, so that the tools do not.
$(BUILD)/teachroot-transfer: $(call obj,$(TRANSFER_SRC)) $(BUILD)/libengine.a $(BUILD)/stamp/transfer $(BUILD)/stamp/link
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o %.a,$^) $(IMAGE_LIBS) $(ENGINE_LIBS) -pthread -o $@

# The notebooks' kernel: all that teachroot has, and the one program that loads ZeroMQ.
$(BUILD)/teachroot-kernel: $(call obj,$(KERNEL_SRC)) $(LIBRARIES) $(BUILD)/stamp/link
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o %.a,$^) $(REPL_LIBS) $(KERNEL_LIBS) $(IMAGE_LIBS) $(ENGINE_LIBS) -o $@

# Test, bench and fuzz programs: one source each.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIBRARIES) $(BUILD)/stamp/link
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(findstring /tests/fuzz/,$@),-fsanitize=fuzzer) $(filter %.o,$^) $(filter %.a,$^) $(REPL_LIBS) $(KERNEL_LIBS) $(IMAGE_LIBS) $(ENGINE_LIBS) \
	    $(if $(findstring /tests/unit/,$@),-lcmocka -lm) -lutil -pthread -o $@

# Those of the whole screen also need what runs it on a terminal.
$(filter $(BUILD)/tests/unit/screen_%,$(UNIT)): $(BUILD)/obj/tests/screen/harness.o
$(BUILD)/tests/screen/screenshot: $(call obj,tests/screen/svg.c tests/screen/film.c)

unit-programs: $(UNIT)
fuzz-programs: $(call program,$(FUZZ_SRC))
bench-programs: $(call program,$(BENCH_SRC)) $(BUILD)/tests/unit/screen_top_soak
objects: $(call obj,$(ALL_SRC))

-include $(patsubst %.o,%.d,$(call obj,$(ALL_SRC)))

# --- Running and testing -------------------------------------------------------------------------------------------------------------

run: ## Install what is missing, build, and open the lessons (without a terminal: play lesson 1)
	@scripts/deps build run --yes
	@$(MAKE) all
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BUILD)/teachroot; else exec $(BUILD)/teachroot play 1; fi

test: ## Install what is missing, build, and run every test (TESTS="tests/x.bats …" for some)
	@scripts/deps test --yes
	@$(MAKE) check

# The tests' own state and cache; the machine's user keeps theirs. Programs under test start no make of ours by accident.
# Those that take longest begin first.
UNIT_LONG := $(filter $(patsubst %,$(BUILD)/tests/unit/%,screen_program screen_demo lab session sample),$(UNIT))
TESTS ?= $(UNIT_LONG) $(filter-out $(UNIT_LONG),$(UNIT)) $(BATS)
TEST_ENV = TEACHROOT=$(abspath $(BUILD)/teachroot) TEACHROOT_TOOLS=$(abspath $(BUILD)/teachroot-tools) TEACHROOT_BUILD=$(abspath $(BUILD)) \
           TEACHROOT_SOURCE=$(CURDIR) XDG_STATE_HOME=$(abspath $(BUILD)/tests/state) XDG_CACHE_HOME=$(abspath $(BUILD)/tests/cache) \
           LC_ALL=C.UTF-8 MAKEFLAGS=$(call quote,$(filter-out -j% --jobserver-%,$(MAKEFLAGS)))
CLEAN_ENV = env -u MAKELEVEL -u MFLAGS -u TEACHROOT_LESSONS -u TEACHROOT_STATE -u NO_COLOR

# testrules.yml says what may run beside what.
check: $(PROGRAMS) $(UNIT) $(BUILD)/tests/screen/screenshot
	@rm -rf $(BUILD)/tests/state
	@$(CLEAN_ENV) $(TEST_ENV) prove --timer -j2 --exec tests/run $(TESTS)

# What tests the repository and not the program has nothing for the sanitizers to see.
# The tests of the screen's program and of the demo type at a person's pace against time limits: sanitized they are too slow to be fair, and their parts are in tests of their own.
# What compares unshare and lsns with util-linux's does so where there is no /proc and by the mounts and calls each makes; the sanitizers need the one and make the others.
# The figures of `top` are the unsanitized program's: its memory does not grow, its share of a CPU is small.
# The rest is left out for its time: the fuzzers and unit programs run the same code sanitized (prompt, diagnose_lessons, ldd, debootstrap, lessons), or the program is killed anyway (lab).
ASAN_UNIT_SRC = $(filter-out $(patsubst %,tests/unit/%.c,screen_program screen_demo screen_jump diagnose_lessons prompt screen_panel screen_top_soak top_figures),$(UNIT_SRC))
ASAN_BATS = $(filter-out $(patsubst %,tests/%.bats,repository tools_lsns tools_unshare ldd debootstrap lab lessons cgroups),$(BATS))
ASAN_TESTS = $(if $(filter command,$(origin TESTS)),$(TESTS),$(patsubst tests/%.c,$(BUILD)/asan/tests/%,$(ASAN_UNIT_SRC)) $(ASAN_BATS))
asan: ## Build everything with AddressSanitizer and UBSan and run the tests on that
	@scripts/deps test --yes
	@ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
	    $(MAKE) BUILD=$(BUILD)/asan SANITIZE=address,undefined TESTS='$(ASAN_TESTS)' check

test-jupyter: ## Run the tests of the notebooks' kernel with Jupyter's own programs (2 minutes)
	@scripts/deps test jupyter browser --yes
	@$(MAKE) all
	@$(CLEAN_ENV) $(TEST_ENV) prove --timer --exec tests/run $(wildcard tests/jupyter/*.bats)

test-vm: ## Run the tests of control groups in a virtual machine that has cgroup v2 alone (root; Debian; 3 minutes)
test-vm-systemd: ## The same as an ordinary user of a machine that systemd runs (root; Debian; slow)
test-vm test-vm-systemd:
	@scripts/deps test vm --yes
	@$(MAKE) all $(BUILD)/tests/unit/limit $(BUILD)/tests/unit/lab
	@BUILD=$(BUILD) scripts/vm $(filter --systemd,$(subst test-vm-,--,$@)) $(if $(filter command,$(origin TESTS)),$(TESTS))

test-viewers: ## Look at a lesson's page in Chromium and at its casts in asciinema (Debian; pictures in build/viewers)
	@scripts/deps test viewers --yes
	@$(MAKE) all
	@$(CLEAN_ENV) $(TEST_ENV) bats tests/viewers

fuzz: ## Fuzz each parser for SECONDS seconds (60); SEED=N for the same inputs in the same order again
	@scripts/deps test --yes
	@$(MAKE) BUILD=$(BUILD)/fuzz CC=clang SANITIZE=address,undefined FUZZ=1 fuzz-all

# One program at a time a job; what it printed is kept, and shown when it found something.
fuzz-all: $(patsubst tests/fuzz/%.c,fuzz-%,$(FUZZ_SRC))
$(patsubst tests/fuzz/%.c,fuzz-%,$(FUZZ_SRC)): fuzz-%: $(BUILD)/tests/fuzz/%
	@scripts/fuzz $< $(BUILD)/tests/corpus/$* $(SECONDS) $(SEED)

bench: ## Run the benches
	@scripts/deps test jupyter --yes
	@$(MAKE) all bench-programs $(BUILD)/tests/probe/layer
	@for bench in $(call program,$(BENCH_SRC)) $(wildcard tests/bench/*.sh); do \
	    echo "== $${bench##*/}"; $(CLEAN_ENV) $(TEST_ENV) $$bench || exit; done

# --- Linting -------------------------------------------------------------------------------------------------------------------------

# How many states of a function the analyzer looks at before it gives up; its own default is 225000. A quarter of the time finds nearly all: for CI.
ANALYZER_NODES ?= 225000

lint: ## Formatting, clang-tidy, cppcheck, shellcheck, manual pages; gcc and clang with warnings as errors
	@scripts/deps lint --yes
	@$(MAKE) --keep-going --output-sync=target lint-all

lint-all: lint-format lint-scripts lint-manual lint-gcc lint-clang lint-cppcheck lint-tidy

lint-format:
	$(call say,FORMAT,every .c and .h)
	$(if $(ALL_SRC)$(HEADERS),$(Q)clang-format --dry-run -Werror $(ALL_SRC) $(HEADERS))

lint-scripts:
	$(call say,SCRIPTS,scripts and tests)
	$(Q)shellcheck completions/*.bash $$(grep -lE '^#!.*[/ ](ba|da)?sh$$' \
	    $(wildcard scripts/* tests/run tests/vm/* .ci/run tests/bench/*.sh tests/fuzz/*.seeds))
	$(if $(BATS),$(Q)shellcheck --severity=warning $(BATS) $(wildcard tests/vm/*.bats tests/viewers/*.bats tests/jupyter/*.bats))

lint-manual:
	$(call say,MANDOC,$(wildcard man/*))
	$(Q)mandoc -T lint -W warning $(wildcard man/*)

# Where warnings are errors anyway (CI), the programs that are tested are those built here.
lint-gcc:
	@$(MAKE) $(if $(WERROR),,BUILD=$(BUILD)/lint/gcc) CC=gcc WERROR=1 all unit-programs objects
# clang warns before it optimises.
lint-clang:
	@$(MAKE) BUILD=$(BUILD)/lint/clang CC=clang CFLAGS=-O0 WERROR=1 objects

lint-cppcheck:
	$(call say,CHECK,cppcheck)
	@mkdir -p $(BUILD)/lint/cppcheck
	$(Q)cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance --inline-suppr --suppressions-list=scripts/cppcheck.suppress \
	    --std=c11 --library=posix --library=gnu -I. -D_GNU_SOURCE -D__linux__ $(DEFINES) --cppcheck-build-dir=$(BUILD)/lint/cppcheck $(ALL_SRC)

lint-tidy: $(patsubst %.c,$(BUILD)/lint/tidy/%.ok,$(ALL_SRC))
$(BUILD)/lint/tidy/%.ok: %.c $(HEADERS) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(LANGUAGE) $(DEFINES) $(PKG_CFLAGS) $(WARNINGS) \
	    -Xclang -analyzer-config -Xclang max-nodes=$(ANALYZER_NODES) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

# --- Installing ----------------------------------------------------------------------------------------------------------------------

# What goes where: SOURCE:TARGET, read by install and uninstall alike.
INSTALLED = $(BUILD)/teachroot:$(PREFIX)/bin/teachroot $(BUILD)/teachroot-tools:$(LIBEXECDIR)/teachroot-tools \
    $(if $(TRANSFER_SRC),$(BUILD)/teachroot-transfer:$(LIBEXECDIR)/teachroot-transfer) \
    $(if $(KERNEL_SRC),$(BUILD)/teachroot-kernel:$(LIBEXECDIR)/teachroot-kernel) \
    $(foreach f,$(wildcard lessons.md lessons/*.md),$(f):$(DATADIR)/$(f)) \
    docs/play.schema.json:$(DATADIR)/play.schema.json \
    $(foreach f,$(wildcard man/*.[1-8]),$(f):$(PREFIX)/share/man/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
    completions/teachroot.bash:$(PREFIX)/share/bash-completion/completions/teachroot \
    completions/_teachroot:$(PREFIX)/share/zsh/site-functions/_teachroot \
    completions/teachroot.fish:$(PREFIX)/share/fish/vendor_completions.d/teachroot.fish

install: all ## Install into PREFIX (/usr/local), below DESTDIR if given
	@for pair in $(INSTALLED); do \
	    from=$${pair%%:*} to=$(DESTDIR)$${pair#*:}; \
	    case $$to in */bin/*|*/libexec/*) mode=755 ;; *) mode=644 ;; esac; \
	    printf '  INSTALL %s\n' "$$to"; \
	    install -D -m $$mode "$$from" "$$to" || exit; done

uninstall: ## Remove what install put there
	@for pair in $(INSTALLED); do \
	    to=$(DESTDIR)$${pair#*:}; [ -e "$$to" ] || continue; printf '  REMOVE  %s\n' "$$to"; rm -f "$$to" || exit; done
	@for dir in $(DATADIR)/lessons $(DATADIR) $(LIBEXECDIR); do \
	    [ ! -d $(DESTDIR)$$dir ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$dir; done

# Only what is ours: BUILD may name a directory with other things in it.
clean: ## Remove everything that was built
	rm -rf $(addprefix $(BUILD)/,obj stamp tests lint asan fuzz vm teachroot teachroot-tools teachroot-transfer teachroot-kernel libengine.a librepl.a)
	@[ ! -d $(BUILD) ] || rmdir --ignore-fail-on-non-empty $(BUILD)

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target what; do printf '%-18s %s\n' "  $${target#  }" "$$what"; done
	@echo 'Variables: PREFIX DESTDIR BUILD CC CFLAGS LDFLAGS V=1 WERROR=1 SANITIZE=address,undefined SECONDS TESTS'

FORCE:
.PHONY: $(WHOLE) all help objects unit-programs fuzz-programs bench-programs fuzz-all libraries-present lint-all lint-format lint-scripts lint-manual \
        lint-gcc lint-clang lint-cppcheck lint-tidy $(patsubst tests/fuzz/%.c,fuzz-%,$(FUZZ_SRC)) FORCE
