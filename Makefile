# SPDX-License-Identifier: GPL-2.0-only
#
# One Makefile, no recursion into folders: sources are found, not listed.
# Everything that is made lives below $(BUILD); variants (SANITIZE=, FUZZ=1,
# COVERAGE=1) have a BUILD of their own, so they never mix.

comma := ,
space := $(subst ,, )

SANITIZE ?=
FUZZ ?=
COVERAGE ?=
# CROSS=aarch64 builds for arm64 out of a folder of Debian's arm64 packages ($(SYSROOT)).
CROSS ?=
ifneq ($(CROSS),)
BUILD ?= build/$(CROSS)
SYSROOT := $(BUILD)/sysroot
CC := $(CROSS)-linux-gnu-gcc --sysroot=$(abspath $(SYSROOT))
AR := $(CROSS)-linux-gnu-ar
MULTIARCH := $(CROSS)-linux-gnu
endif
ifneq ($(FUZZ),)
BUILD ?= build/fuzz
CC := clang
VARIANT_FLAGS := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined
VARIANT_LDFLAGS := -fsanitize=address,undefined
else ifneq ($(SANITIZE),)
BUILD ?= build/sanitize-$(subst $(comma),-,$(SANITIZE))
VARIANT_FLAGS := -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=undefined
VARIANT_LDFLAGS := -fsanitize=$(SANITIZE)
else ifneq ($(COVERAGE),)
BUILD ?= build/coverage
VARIANT_FLAGS := -O0 --coverage
VARIANT_LDFLAGS := --coverage
else
BUILD ?= build
VARIANT_FLAGS := -O2 -D_FORTIFY_SOURCE=2
VARIANT_LDFLAGS :=
endif

CC ?= cc
CLANG ?= clang
AR ?= ar
# Not everybody's PATH has the folder of the system administrator's programs.
export PATH := $(PATH):/usr/sbin:/sbin
BPFTOOL ?= bpftool
PROTOC_C ?= protoc-c
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
DESTDIR ?=
FUZZ_SECONDS ?= 60
JOBS ?= $(shell nproc)
# Sources to leave out, as patterns ("userspace/cli/%"): builds a tree in which a part is broken.
SKIP ?=

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

# V=1 shows the commands.
say = $(if $(V),,@echo "  $(1) $@";)

# ---- what there is ----------------------------------------------------------

find = $(sort $(filter-out $(SKIP),$(shell find $(1) -name '$(2)' 2>/dev/null)))

MAINS := userspace/agent/main.c userspace/collector/main.c userspace/cli/main.c
LIB_SOURCES := $(filter-out $(MAINS),$(call find,userspace,*.c))
PROTOS := $(call find,proto,*.proto)
TEST_SUPPORT_SOURCES := $(filter-out %_test.c tests/kernel/programs/%,$(call find,tests/support tests/kernel,*.c))
UNIT_SOURCES := $(call find,tests/unit,*_test.c)
KERNEL_SOURCES := $(call find,tests/kernel,*_test.c)
FUZZ_SOURCES := $(call find,tests/fuzz,*_fuzz.c)
BENCH_SOURCES := $(call find,tests/bench,*.c)
MOVER_SOURCES := $(call find,tests/scenarios/mover,*.c)
SCENARIOS := $(filter-out $(SKIP),$(sort $(wildcard tests/scenarios/*.sh)))
HEADERS := $(call find,userspace,*.h) $(call find,tests,*.h)
BPF_HEADERS := $(call find,bpf,*.h)

BINARIES := $(patsubst userspace/agent/main.c,$(BUILD)/weir-agent,$(patsubst \
	userspace/collector/main.c,$(BUILD)/weir-collector,$(patsubst \
	userspace/cli/main.c,$(BUILD)/weir,$(filter-out $(SKIP),$(wildcard $(MAINS))))))
PROTO_HEADERS := $(PROTOS:%.proto=$(BUILD)/%.pb-c.h)
PROTO_SOURCES := $(PROTOS:%.proto=$(BUILD)/%.pb-c.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(PROTO_SOURCES:%.c=%.o)
LIB := $(BUILD)/libweir.a
TEST_LIB := $(BUILD)/libweir-test.a
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
KERNEL_TESTS := $(KERNEL_SOURCES:%.c=$(BUILD)/%)
SUCCESSORS := $(patsubst %.sed,$(BUILD)/%,$(call find,tests/kernel/successors,*.sed))
FUZZERS := $(FUZZ_SOURCES:%.c=$(BUILD)/%)
BENCHES := $(BENCH_SOURCES:%.c=$(BUILD)/%)
MOVER := $(BUILD)/tests/scenarios/mover/mover
LATER := $(BUILD)/tests/scenarios/later/later.so

# ---- flags ------------------------------------------------------------------

# gcc judges; clang, which builds the fuzzers, need not agree.
WARNINGS := $(if $(FUZZ),-w,-Wall -Wextra -Werror)
INCLUDES := -Iuserspace -I$(BUILD)
TEST_INCLUDES := -Itests
BASE_CFLAGS := -std=gnu17 -g -D_GNU_SOURCE -fPIE -fstack-protector-strong $(VARIANT_FLAGS) $(CFLAGS)
LINK_FLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(VARIANT_LDFLAGS) $(LDFLAGS)
LIBS := -lbpf -lelf -lprotobuf-c -lz -lsystemd -linih -ljansson -lsqlite3 -lssl -lcrypto -lresolv -lpthread -lm
TEST_LIBS := -lcmocka

# The kernel's shared structs (bpf/abi.h) are for these folders only.
KERNEL_FACING := $(addprefix $(BUILD)/,userspace/agent/sensor/% userspace/policy/% tests/kernel/% \
	tests/bench/% tests/fuzz/bpf/% tests/unit/agent/sensor/% tests/unit/policy/%)
abi_include = $(if $(filter $(KERNEL_FACING),$(1)),-Ibpf -I$(BUILD)/bpf)
NEEDS_SKELETON := $(filter $(BUILD)/userspace/agent/sensor/%,$(LIB_OBJECTS)) \
	$(patsubst %.c,$(BUILD)/%.o,$(KERNEL_SOURCES) $(BENCH_SOURCES) \
	$(filter tests/kernel/%,$(TEST_SUPPORT_SOURCES)) \
	$(filter tests/unit/agent/sensor/%,$(UNIT_SOURCES)))

BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(or $(CROSS),$(shell uname -m))))
MULTIARCH ?= $(shell $(CLANG) -print-multiarch 2>/dev/null || true)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Werror -Ibpf \
	-idirafter $(SYSROOT)/usr/include/$(or $(MULTIARCH),$(shell uname -m)-linux-gnu)
BPF_SOURCE := $(wildcard bpf/*.bpf.c)
SKELETON := $(BPF_SOURCE:%.bpf.c=$(BUILD)/%.skel.h)

# ---- targets ----------------------------------------------------------------

.PHONY: all
all: $(BINARIES) $(LIB) ## build weir, weir-agent and weir-collector (the default)

.PHONY: demo
demo: deps ## install what is missing, build, act the story out on this machine and show the incident
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@scripts/demo

.PHONY: deps check-deps
deps: ## install the packages that a fresh Debian 12 lacks to build and demonstrate (apt, as root)
	@scripts/install-deps
check-deps: ## install what the tests need, too
	@scripts/install-deps check

RUN_TESTS = BUILD=$(BUILD) tests/support/run-tests
SUBMAKE = $(MAKE) --no-print-directory -k -j$(JOBS)
SANITIZERS := address,undefined
SANITIZED_BUILD := build/sanitize-$(subst $(comma),-,$(SANITIZERS))
SANITIZED_UNIT_TESTS := $(UNIT_SOURCES:%.c=$(SANITIZED_BUILD)/%)

CHECK_BUILD = "build=$(SUBMAKE) all scenario-programs"
CHECK_UNIT = "build of unit tests=$(SUBMAKE) unit-tests" $(UNIT_TESTS)
CHECK_KERNEL_BUILD = "build of kernel tests=$(SUBMAKE) kernel-tests"
CHECK_SANITIZE = "build with sanitizers=$(SUBMAKE) SANITIZE=$(SANITIZERS) BUILD=$(SANITIZED_BUILD) unit-tests" \
	$(SANITIZED_UNIT_TESTS)
CHECK_RULES = $(foreach rule,lint check-layers check-headers check-abi check-stack,"$(rule)=$(SUBMAKE) $(rule)")
# The oldest and the newest kernel; "make check-kernels" runs all tests on all of them.
CHECKED_THERE = verifier_test label_test greeting_pieces_test hooks/transfer_test hooks/destination_test \
	hooks/clipboard_test reboot_test
CHECK_KERNELS = "&Debian's kernels 5.10 and 7.x=KERNEL_TESTS='$(CHECKED_THERE)' KERNEL_SCENARIO=5.10:08-usb scripts/kernel-matrix 5.10 7"
CHECK_CROSS = "build for aarch64=$(SUBMAKE) cross-aarch64"
# Bytes of applications, networks and files that anybody may have made.
STRANGERS_FUZZED = tests/fuzz/bpf/% tests/fuzz/agent/scan/% tests/fuzz/agent/names/% %/quic_hello_fuzz.c %/greeting_parts_fuzz.c
STRANGERS_FUZZERS = $(patsubst %.c,build/fuzz/%,$(filter $(STRANGERS_FUZZED),$(FUZZ_SOURCES)))
OWN_FUZZERS = $(filter-out $(STRANGERS_FUZZERS),$(FUZZ_SOURCES:%.c=build/fuzz/%))
CHECK_FUZZ = "build of fuzzers=$(SUBMAKE) FUZZ=1 BUILD=build/fuzz fuzzers" \
	"&fuzzers of what strangers send, 60 s each=scripts/fuzz 60 $(STRANGERS_FUZZERS)" \
	"fuzzers of what Weir's own parts tell each other, 5 s each=scripts/fuzz 5 $(OWN_FUZZERS)"

.PHONY: check
check: check-deps ## install what is missing, build, run every test and rule; ends with "N passed, N failed"
	+@$(MAKE) --no-print-directory check-all

.PHONY: check-all check-unit check-kernel check-flood check-scenarios check-sanitize check-fuzz
# Two kernels that are emulated take ten minutes, more on a busy machine.
check-all:
	+@TEST_TIMEOUT=$${TEST_TIMEOUT:-2400} $(RUN_TESTS) $(CHECK_BUILD) $(CHECK_UNIT) $(CHECK_FUZZ) $(CHECK_KERNEL_BUILD) \
		$(CHECK_KERNELS) $(KERNEL_TESTS) $(SCENARIOS) \
		$(CHECK_RULES) $(CHECK_SANITIZE) $(CHECK_CROSS)
check-unit: ## unit tests only
	+@$(RUN_TESTS) $(CHECK_UNIT)
check-kernel: ## kernel tests only (root): exact bytes and labels on the running kernel
	+@$(RUN_TESTS) $(CHECK_BUILD) $(CHECK_KERNEL_BUILD) $(KERNEL_TESTS)
check-flood: ## the flood and race tests for WEIR_FLOOD_SECONDS (60) each instead of 5 (root)
	+@TEST_TIMEOUT=1200 WEIR_FLOOD_SECONDS=$${WEIR_FLOOD_SECONDS:-60} $(RUN_TESTS) $(CHECK_KERNEL_BUILD) \
		$(filter %/flood_test %/race_test,$(KERNEL_TESTS))
check-scenarios: ## scenario tests only (root): whole stories in network namespaces of their own
	+@$(RUN_TESTS) $(CHECK_BUILD) $(SCENARIOS)
check-sanitize: ## unit tests under the address and undefined behaviour sanitizers
	+@$(RUN_TESTS) $(CHECK_SANITIZE)
check-fuzz: ## fuzzers of what strangers send for 60 seconds each, the others for five
	+@$(RUN_TESTS) $(CHECK_FUZZ)

# What is linked for arm64, and the libraries' folder that it is linked against.
SYSROOT_PACKAGES := libc6-dev libbpf-dev libelf-dev zlib1g-dev libprotobuf-c-dev libsystemd-dev \
	libinih-dev libjansson-dev libsqlite3-dev libssl-dev libcmocka-dev
.PHONY: cross-aarch64
cross-aarch64: build/aarch64/sysroot.stamp ## build all programs and kernel tests for arm64 in build/aarch64
	+@$(MAKE) --no-print-directory CROSS=aarch64 all kernel-tests
build/%/sysroot.stamp: Makefile scripts/arm64-packages
	$(call say,SYSROOT)scripts/arm64-packages build/$*/sysroot $(SYSROOT_PACKAGES)
	@touch $@

.PHONY: check-kernels coverage-table
check-kernels: all kernel-tests scenario-programs ## kernel tests and scenarios on this kernel and, in qemu, on Debian's 5.10, 6.1, 6.12 and 7.x; KERNELS='5.10 7' as wanted (root)
	@BUILD=$(BUILD) scripts/kernel-matrix $(KERNELS)
coverage-table: ## bpf/COVERAGE.md, from what the last "make check-kernels" proved
	@BUILD=$(BUILD) scripts/coverage-table >$(BUILD)/coverage-table && mv $(BUILD)/coverage-table bpf/COVERAGE.md

.PHONY: unit-tests kernel-tests scenario-programs fuzzers
unit-tests: $(UNIT_TESTS)
kernel-tests: $(KERNEL_TESTS) $(SUCCESSORS)
scenario-programs: $(MOVER) $(LATER)
fuzzers: $(FUZZERS)

.PHONY: fuzz
fuzz: ## every fuzzer for FUZZ_SECONDS (60) seconds; new inputs are kept in build/fuzz/corpus
	+@$(SUBMAKE) FUZZ=1 BUILD=build/fuzz fuzzers
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_SOURCES:%.c=build/fuzz/%)

.PHONY: bench
bench: all $(BENCHES) ## what Weir and other monitors cost; BENCH='--rounds 20 --only weir' as wanted (root)
	@BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 tests/bench/cost $(BENCH)
	@$(BUILD)/tests/bench/records
	@$(BUILD)/tests/bench/greeting
	@$(BUILD)/tests/bench/correlation

.PHONY: coverage
coverage: ## line and branch coverage of the unit tests, a table on stdout and pages in build/coverage
	+@$(SUBMAKE) COVERAGE=1 BUILD=build/coverage unit-tests
	@find build/coverage -name '*.gcda' -delete
	@BUILD=build/coverage tests/support/run-tests $(UNIT_SOURCES:%.c=build/coverage/%)
	@gcovr --root . --object-directory build/coverage --filter 'userspace/' \
		--html-details build/coverage/index.html --print-summary --txt

.PHONY: format
format: ## lay all C sources out as .clang-format says
	@clang-format -i $(LIB_SOURCES) $(wildcard $(MAINS)) $(HEADERS) $(BPF_HEADERS) $(BPF_SOURCE) \
		$(UNIT_SOURCES) $(KERNEL_SOURCES) $(FUZZ_SOURCES) $(BENCH_SOURCES) $(TEST_SUPPORT_SOURCES) $(MOVER_SOURCES) tests/scenarios/later/later.c \
		$(wildcard tests/kernel/programs/*.c)

TIDY_SOURCES := $(LIB_SOURCES) $(filter-out $(SKIP),$(wildcard $(MAINS)))
TIDY_STAMPS := $(TIDY_SOURCES:%.c=$(BUILD)/lint/%.tidy)
SCRIPTS := $(shell grep -slE '^\#!.*\b(ba)?sh\b' scripts/* tests/support/* tests/scenarios/* tests/bench/* .ci/* 2>/dev/null)

.PHONY: lint
lint: $(TIDY_STAMPS) ## clang-tidy, shellcheck and the rules of style; clean or it fails
	@scripts/check-style
	@$(if $(SCRIPTS),shellcheck --severity=warning --external-sources $(SCRIPTS))

.PHONY: check-layers
check-layers: ## every include points the right way
	@scripts/check-layers

.PHONY: check-headers
check-headers: $(HEADERS:%=$(BUILD)/headers/%.ok) $(if $(BPF_SOURCE),$(BPF_HEADERS:%=$(BUILD)/headers/%.ok)) ## every header compiles alone

.PHONY: check-abi
check-abi: ## sizes and offsets of bpf/abi.h are the recorded ones (scripts/check-abi --record renews them)
	@BUILD=$(BUILD) CLANG=$(CLANG) BPFTOOL=$(BPFTOOL) scripts/check-abi

.PHONY: check-stack
check-stack: $(BPF_SOURCE:%.bpf.c=$(BUILD)/%.bpf.o) $(SUCCESSORS:%=%-bpf/weir.bpf.o) ## no chain of calls in the kernel side needs more stack than 5.10 gives it
	@for object in $^; do scripts/check-stack $$object || exit 1; done

.PHONY: install
install: all ## install below DESTDIR/PREFIX: programs, systemd units, the example policy
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(PREFIX)/share/weir $(DESTDIR)$(SYSCONFDIR)/weir/policy.d
	install -m 0755 $(BUILD)/weir $(DESTDIR)$(PREFIX)/bin/
	install -m 0755 $(BUILD)/weir-agent $(BUILD)/weir-collector $(DESTDIR)$(PREFIX)/sbin/
	install -m 0644 userspace/policy/example.conf $(DESTDIR)$(PREFIX)/share/weir/
	for unit in scripts/systemd/*.service.in; do \
		name=$$(basename $$unit .in); \
		sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $$unit \
			>$(DESTDIR)$(UNITDIR)/$$name && chmod 0644 $(DESTDIR)$(UNITDIR)/$$name || exit 1; \
	done

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Variants: SANITIZE=address,undefined   COVERAGE=1   FUZZ=1   SKIP='userspace/cli/%'   BUILD=DIR"

# ---- programs and libraries -------------------------------------------------

$(BUILD)/weir-agent: $(BUILD)/userspace/agent/main.o $(LIB)
$(BUILD)/weir-collector: $(BUILD)/userspace/collector/main.o $(LIB)
$(BUILD)/weir: $(BUILD)/userspace/cli/main.o $(LIB)
$(BINARIES):
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

# Made anew each time: a member whose source is gone must not linger.
$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(TEST_LIB): $(TEST_SUPPORT_SOURCES:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(TEST_LIB) $(LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)
$(BUILD)/tests/kernel/%_test: $(BUILD)/tests/kernel/%_test.o $(TEST_LIB) $(LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(TEST_LIB) $(LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)
$(LATER): tests/scenarios/later/later.c
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(BASE_CFLAGS) $(WARNINGS) -shared -fPIC -o $@ $<
$(MOVER): $(MOVER_SOURCES:%.c=$(BUILD)/%.o) $(TEST_LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $@ $^
$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# A 32-bit program, for the test that runs it: it is carried inside, and needs no library.
ifeq ($(BPF_ARCH),x86)
$(BUILD)/tests/kernel/programs/%: tests/kernel/programs/%.c
	@mkdir -p $(@D)
	$(call say,CC32)gcc -m32 -std=gnu17 -O2 -ffreestanding -fno-pie -fno-stack-protector \
		-Wall -Wextra -Werror -nostdlib -static -no-pie -o $@ $<
$(BUILD)/tests/kernel/programs/%.carried.o: $(BUILD)/tests/kernel/programs/%
	@cd $(@D) && ld -r -b binary -z noexecstack -o $(@F) $*
$(BUILD)/tests/kernel/compat_test: $(BUILD)/tests/kernel/programs/mover32.carried.o
endif

# Agents of other builds, for the test of upgrades: bpf/ edited by NAME.sed, and the sensor's
# userspace compiled against it. The objects of its own come first, so libweir.a's stay out.
define successor
$(1)-bpf/abi.h: $(1:$(BUILD)/%=%).sed $(BPF_SOURCE) $(BPF_HEADERS)
	@mkdir -p $(1)-bpf && cp -r bpf/. $(1)-bpf && find $(1)-bpf -name '*.[ch]' -exec sed -i -f $$< {} +
	@touch $$@ && ! diff -rq -x '*.o' -x '*.md' -x weir.skel.h bpf $(1)-bpf >/dev/null
$(1)-bpf/weir.bpf.o: $(1)-bpf/abi.h
	$(call say,BPF)$(CLANG) $(subst -Ibpf,-I$(1)-bpf,$(BPF_CFLAGS)) -c -o $$@ $(1)-bpf/weir.bpf.c
$(1)-bpf/bpf/weir.skel.h: $(1)-bpf/weir.bpf.o
	@mkdir -p $$(@D)
	$(call say,SKEL)$(BPFTOOL) gen skeleton $$< name weir_bpf >$$@
$(1)-bpf/%.o: userspace/agent/sensor/%.c $(1)-bpf/bpf/weir.skel.h $(HEADERS)
	$(call say,CC)$(CC) $(BASE_CFLAGS) $(WARNINGS) -I$(1)-bpf $(INCLUDES) -c -o $$@ $$<
$(1): $(BUILD)/tests/kernel/upgrade_test.o \
		$(patsubst userspace/agent/sensor/%.c,$(1)-bpf/%.o,$(wildcard userspace/agent/sensor/*.c)) $(TEST_LIB) $(LIB)
	$(call say,LD)$(CC) $(LINK_FLAGS) -o $$@ $$^ $(TEST_LIBS) $(LIBS)
endef
$(foreach name,$(SUCCESSORS),$(eval $(call successor,$(name))))

$(BUILD)/%.o: %.c | $(PROTO_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE_CFLAGS) $(WARNINGS) $(INCLUDES) $(call abi_include,$@) \
		$(if $(filter tests/%,$<),$(TEST_INCLUDES)) -MMD -MP -c -o $@ $<

$(NEEDS_SKELETON): | $(SKELETON)

# ---- generated --------------------------------------------------------------

$(BUILD)/proto/%.pb-c.c $(BUILD)/proto/%.pb-c.h &: proto/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO)$(PROTOC_C) --proto_path=. --c_out=$(BUILD) $<

$(BUILD)/proto/%.pb-c.o: $(BUILD)/proto/%.pb-c.c
	$(call say,CC)$(CC) $(BASE_CFLAGS) $(INCLUDES) -MMD -MP -c -o $@ $<

# bpf/kernel.h declares what CO-RE relocates, so no header of one kernel is needed.
# The second step drops DWARF and keeps BTF.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $(@:.o=.tmp.o) $<
	$(call say,BPFLD)$(BPFTOOL) gen object $@ $(@:.o=.tmp.o)

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

# ---- rules of the house -----------------------------------------------------

# The object's dependencies stand for the headers.
$(BUILD)/lint/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(BASE_CFLAGS) -Wall -Wextra $(INCLUDES) $(call abi_include,$(BUILD)/$<) \
		2>$@.err || { cat $@.err; exit 1; }
	@touch $@

# Kernel side by clang; abi.h is for both sides, and userspace's is the stricter one.
$(BUILD)/headers/bpf/%.ok: bpf/% FORCE
	@mkdir -p $(@D)
	@echo '#include "$*"' | $(CLANG) $(BPF_CFLAGS) -Wno-unused-function -Wno-undefined-internal \
		-fsyntax-only -x c - && touch $@
$(patsubst %,$(BUILD)/headers/bpf/%.ok,abi.h abi_edge.h abi_record.h): $(BUILD)/headers/bpf/%.ok: bpf/% FORCE
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(BASE_CFLAGS) $(WARNINGS) -I. -fsyntax-only -x c - && touch $@
$(BUILD)/headers/%.ok: % FORCE | $(PROTO_HEADERS) $(SKELETON)
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(BASE_CFLAGS) $(WARNINGS) -I. $(INCLUDES) $(TEST_INCLUDES) -Ibpf -I$(BUILD)/bpf \
		-fsyntax-only -x c - && touch $@
.PHONY: FORCE
FORCE:

-include $(shell test -d $(BUILD) && find $(BUILD) -name sysroot -prune -o -type f -name '*.d' -print 2>/dev/null)
