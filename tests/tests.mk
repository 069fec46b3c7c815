# Tests, checks and measurements. Included by the Makefile.
#
## make unit            unit tests                 make T=TESTNAME unit     one of them
## make scenarios       scenarios on real servers  make T=NN scenarios      one of them
## make SERVER=cyrus T=10 scenarios                 one of them on cyrus, courier or mailutils
## make fuzz-replay     each fuzz target over its kept corpus
## make fuzz S=600      each fuzz target for S seconds (clang)
## make layers check-size format-check lint        what CI asks besides the tests
## make corpus          the round trip on real mail       make crash KILLS=50   kill -9 at random moments
## make bench           measurements beside other programs
## make large           messages of 1 GiB           make million COUNT=N    archives of up to N messages
## make format          lay the code out anew

TEST_FLAGS = $(shell pkg-config --cflags --libs check)

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard $(UNITS:%=tests/unit/%/test_*.c)))
unit_of = $(patsubst %/,%,$(dir $(1)))

define unit_test_rules
$(BUILD)/tests/unit/$(1): tests/unit/$(1).c $(call libs_of,$(call unit_of,$(1))) $(wildcard tests/unit/*.h)
	@mkdir -p $$(@D)
	@echo "  CC tests/unit/$(1).c"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) -Wno-missing-prototypes -MMD -MP -o $$@ $$< \
		$(call libs_of,$(call unit_of,$(1))) $(MC_LDFLAGS) $$(PACKAGE_LIBS) $$(TEST_FLAGS)
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_test_rules,$(t))))

.PHONY: unit scenarios fuzz fuzz-replay check demo bench layers check-size format format-check lint
WANTED_UNIT := $(foreach t,$(UNIT_TESTS),$(if $(or $(if $(T),,all),$(findstring $(T),$(t))),$(t)))
unit: $(WANTED_UNIT:%=$(BUILD)/tests/unit/%)
	@tests/run-unit $(WANTED_UNIT:%=$(BUILD)/tests/unit/%)

# The standalone driver gives every file of the corpus to the target once. One target asks
# another reader of JSON.
FUZZ_LIBS = $(shell pkg-config --libs jansson)
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
$(FUZZ:%=$(BUILD)/tests/fuzz/%): $(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(PROGRAM_LIBS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) -Wno-missing-prototypes -o $@ $< tests/fuzz/replay.c \
		$(PROGRAM_LIBS) $(MC_LDFLAGS) $(PACKAGE_LIBS) $(FUZZ_LIBS)
fuzz-replay: $(FUZZ:%=$(BUILD)/tests/fuzz/%)
	@set -e; for f in $(FUZZ); do $(BUILD)/tests/fuzz/$$f tests/fuzz/corpus/$$f; done

S ?= 60
fuzz:
	@tests/fuzz/campaign $(S) $(if $(T),$(T),$(FUZZ))

# Counts the steps of a program, and stops it at one.
STEPS := $(BUILD)/tests/crash/steps.so
$(STEPS): tests/crash/steps.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -shared -fPIC -o $@ $<

# A part of a file that cannot be read.
BADSECTOR_SO := $(BUILD)/tests/crash/badsector.so
$(BADSECTOR_SO): tests/crash/badsector.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -shared -fPIC -o $@ $<

# Lets messages expire, as a rule does.
EXPIRE := $(BUILD)/tests/crash/expire
$(EXPIRE): tests/crash/expire.c $(PROGRAM_LIBS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) -o $@ $< $(PROGRAM_LIBS) $(MC_LDFLAGS) $(PACKAGE_LIBS)

export SERVER
scenarios: $(PROGRAM) $(STEPS) $(EXPIRE) $(BADSECTOR_SO)
	@tests/run-scenarios $(T)

.PHONY: corpus crash
corpus: $(PROGRAM)
	@CORPORA=$(CORPORA) tests/corpus/equal.sh
KILLS ?= 50
crash: $(PROGRAM)
	@KILLS=$(KILLS) tests/scenario/17-kill.sh

# Everything that a fresh machine needs is installed first, servers that cannot be installed side
# by side are downloaded (a scenario without its server fails); then all tests.
check:
	@config/install-deps build run test
	@tests/servers/fetch || true
	@$(MAKE) --no-print-directory -k all unit fuzz-replay scenarios

demo:
	@config/install-deps build run demo
	@$(MAKE) --no-print-directory all
	@tests/demo

# What a connection and a server can do at all, to measure against.
PERF := $(BUILD)/tests/perf/drain $(BUILD)/tests/perf/append
$(PERF): $(BUILD)/tests/perf/%: tests/perf/%.c tests/perf/wire.c tests/perf/wire.h $(call lib,base)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) -pthread -o $@ $< tests/perf/wire.c $(call lib,base) \
		$(MC_LDFLAGS) $(PACKAGE_LIBS) $(CURL_LIBS)

# The archive alone, without any server.
$(BUILD)/tests/perf/archive: tests/perf/archive.c $(PROGRAM_LIBS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(MC_CFLAGS) $(CFLAGS) -o $@ $< $(PROGRAM_LIBS) $(MC_LDFLAGS) $(PACKAGE_LIBS)

CORPORA ?= ../shared/corpora
bench: $(PROGRAM) $(PERF)
	@config/install-deps build run test bench
	@CORPORA=$(CORPORA) tests/perf/bench

# What one message of 1 GiB, and a million small ones, cost.
.PHONY: large million
large: $(PROGRAM)
	@MAILCASK=$(abspath $(PROGRAM)) tests/perf/large.sh
COUNT ?= 1000000
million: $(PROGRAM) $(BUILD)/tests/perf/archive
	@MAILCASK=$(abspath $(PROGRAM)) tests/perf/million $(BUILD)/tests/perf/archive $(COUNT)

layers:
	@$(PYTHON) tests/style/layers.py
check-size:
	@$(PYTHON) tests/style/size.py

C_FILES := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null)
format:
	clang-format -i $(C_FILES)
format-check:
	@clang-format --dry-run --Werror $(C_FILES) && echo "format: $(words $(C_FILES)) files as .clang-format says"
lint: $(BUILD)/packages.mk
	@tests/style/lint '$(filter-out -DMAILCASK%,$(MC_CFLAGS)) $(PACKAGE_CFLAGS)'
