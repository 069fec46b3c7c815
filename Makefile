# mailcask: one Makefile for everything. "make help" lists the targets.
#
#   make            ./mailcask                     make check   set up and run all tests
#   make demo       set up and show the main job   make install DESTDIR= PREFIX=/usr/local
#   make CC=clang BUILD=build/clang                another compiler beside the first
#   make SAN=1 unit                                with address and undefined sanitizers
#
# Units and what each may include come from LAYERS; each unit is a static library, and its
# tests are linked with the libraries of its line only.

.DEFAULT_GOAL := all
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= $(if $(SAN),build/san,build/plain)
PREFIX ?= /usr/local
VERSION := 0.1
PYTHON := /usr/bin/python3
PROGRAM := $(if $(filter build/plain,$(BUILD)),mailcask,$(BUILD)/mailcask)

UNITS := $(shell sed -n 's/^\([a-z][a-z/]*\):.*/\1/p' LAYERS)
ifneq ($(words $(sort base app $(UNITS))),$(words $(UNITS)))
$(error LAYERS cannot be read)
endif
sees = $(shell sed -n 's|^$(1): *||p' LAYERS)
lib = $(BUILD)/lib/$(subst /,-,$(1)).a
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))

comma := ,
SAN_FLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
FORTIFY := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 -Wmissing-prototypes -Werror
CFLAGS ?= -O2 -g
MC_CFLAGS := -std=gnu17 $(WARNINGS) $(FORTIFY) -fstack-protector-strong -fPIE $(SAN_FLAGS) \
	-D_GNU_SOURCE -DMAILCASK_VERSION='"$(VERSION)"' -I. -include base/banned.h
MC_LDFLAGS := -pie -Wl,-z,relro,-z,now $(SAN_FLAGS)

# What the libraries need, asked once of pkg-config; the goals that set everything up install the
# packages for it first. libcurl is not linked but loaded when it is needed (base/net.c).
SETS_UP := demo check bench
LINKED_PACKAGES := sqlite3 libzstd gmime-3.0 libxml-2.0 inih libcrypto
BUILD_PACKAGES := libcurl $(LINKED_PACKAGES)
ifneq ($(filter-out clean help layers check-size format format-check,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/packages.mk
endif
$(BUILD)/packages.mk: config/install-deps Makefile
	@mkdir -p $(@D)
	@config/install-deps $(if $(filter $(SETS_UP),$(MAKECMDGOALS)),,--check) build
	@{ echo "PACKAGE_CFLAGS := $$(pkg-config --cflags $(BUILD_PACKAGES))"; \
	   echo "PACKAGE_LIBS := $$(pkg-config --libs $(LINKED_PACKAGES))"; \
	   echo "CURL_LIBS := $$(pkg-config --libs libcurl)"; } >$@

.PHONY: all clean help
all: $(PROGRAM)

# One library for each unit.
define unit_rules
SOURCES_$(1) := $$(wildcard $(1)/*.c)
OBJECTS_$(1) := $$(SOURCES_$(1):%.c=$(BUILD)/obj/%.o)
$(call lib,$(1)): $$(OBJECTS_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsD $$@ $$^
endef
$(foreach u,$(UNITS),$(eval $(call unit_rules,$(u))))

# System headers of the libraries are not ours to warn about.
$(BUILD)/obj/%.o: %.c $(BUILD)/packages.mk
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) $(patsubst -I%,-isystem %,$(PACKAGE_CFLAGS)) -MMD -MP -c -o $@ $<

libs_of = $(foreach u,$(call reverse,$(call sees,$(1)) $(1)),$(call lib,$(u)))
PROGRAM_LIBS := $(call libs_of,app)
$(PROGRAM): $(PROGRAM_LIBS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(MC_LDFLAGS) $(LDFLAGS) -o $@ $(PROGRAM_LIBS) $(PACKAGE_LIBS)

include tests/tests.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: install
install: $(PROGRAM)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/mailcask
	install -D -m 644 config/mailcask.conf.sample $(DESTDIR)$(PREFIX)/share/doc/mailcask/mailcask.conf.sample
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/mailcask/README.md
	sed 's|@PREFIX@|$(PREFIX)|' config/mailcask.service >$(BUILD)/mailcask.service
	install -D -m 644 $(BUILD)/mailcask.service $(DESTDIR)$(PREFIX)/lib/systemd/user/mailcask.service

clean:
	rm -rf build mailcask

help:
	@sed -n '3,6s/^# *//p' Makefile
	@echo
	@sed -n 's/^## //p' tests/tests.mk
