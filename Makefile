# teachroot: build, test, install. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
CC       ?= cc
ifeq ($(origin CC),default)
CC       := gcc
endif
PKG_CONFIG ?= pkg-config
SANITIZE ?=
CFLAGS   ?= -O2 -g
WERROR   ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
            -Wundef -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wredundant-decls -Wno-unused-parameter
LIBEXECDIR = $(PREFIX)/libexec/teachroot
DATADIR    = $(PREFIX)/share/teachroot

# Which library each program needs; --as-needed drops the rest, so a tool that needs only libc loads only libc.
PKGS_ENGINE := libelf libcap libmnl
PKGS_REPL   := ncursesw readline vterm libcmark jansson
pkg_cflags   = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkg_libs     = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -fPIE -ffunction-sections -fdata-sections $(WARNINGS) $(if $(WERROR),-Werror) \
             $(CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
             -DTEACHROOT_VERSION='"$(VERSION)"' -DTEACHROOT_LIBEXECDIR='"$(LIBEXECDIR)"' -DTEACHROOT_DATADIR='"$(DATADIR)"'
ALL_LDFLAGS = -pie -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
ENGINE_CFLAGS := $(call pkg_cflags,$(PKGS_ENGINE))
REPL_CFLAGS   := $(call pkg_cflags,$(PKGS_REPL))
ENGINE_LIBS   := $(call pkg_libs,$(PKGS_ENGINE))
REPL_LIBS     := $(call pkg_libs,$(PKGS_REPL))

ENGINE_SRC := $(filter-out engine/tools/%,$(wildcard engine/*/*.c))
TOOLS_SRC  := $(wildcard engine/tools/*.c)
REPL_SRC   := $(filter-out repl/main.c,$(wildcard repl/*/*.c) $(wildcard repl/*.c))
UNIT_SRC   := $(wildcard tests/unit/*.c)
obj         = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

all: $(BUILD)/teachroot $(BUILD)/teachroot-tools

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ENGINE_CFLAGS) $(REPL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libengine.a: $(call obj,$(ENGINE_SRC))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/librepl.a: $(call obj,$(REPL_SRC))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/teachroot: $(call obj,repl/main.c) $(BUILD)/librepl.a $(BUILD)/libengine.a
	$(CC) $(ALL_LDFLAGS) $^ $(REPL_LIBS) $(ENGINE_LIBS) -o $@

$(BUILD)/teachroot-tools: $(call obj,$(TOOLS_SRC)) $(BUILD)/libengine.a
	$(CC) $(ALL_LDFLAGS) $^ $(ENGINE_LIBS) -o $@

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/librepl.a $(BUILD)/libengine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(REPL_LIBS) $(ENGINE_LIBS) -lcmocka -lutil -o $@

unit-programs: $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))

clean:
	rm -rf $(BUILD)

.PHONY: all unit-programs clean
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
