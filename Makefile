# meshdeck: one program, no configure step. `make help` lists the targets.

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)

# What Debian 12 packages each job needs; tests/deps installs what is missing.
DEB_BUILD := gcc make pkg-config libc6-dev libncurses-dev libmnl-dev libnftnl-dev libnftables-dev \
             libsqlite3-dev libssh-dev libjansson-dev libuv1-dev libtsm-dev libssl-dev
DEB_RUN   := qemu-system-x86 qemu-utils wireguard-go dnsmasq-base cpio e2fsprogs lz4 binutils
DEB_TEST  := libcmocka-dev clang iproute2 nftables wireguard-tools tmux openssh-client \
             openssh-server dropbear-bin bind9-dnsutils sqlite3 util-linux procps netcat-openbsd \
             iputils-ping groff-base git libclang-rt-14-dev

PKGS := ncursesw libmnl libnftnl libnftables sqlite3 libssh jansson libuv libtsm libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wformat=2 -Wstrict-prototypes \
        -Wmissing-prototypes -Wswitch-enum
OPT  ?= -O2 -D_FORTIFY_SOURCE=2
SAN  ?=
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -I. -g $(OPT) -fstack-protector-strong -fPIE -pthread \
               $(WARN) $(SAN) $(PKG_CFLAGS)
LINK := -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN)

src = $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

BACKEND := $(call obj,$(call src,backend))
WIDGETS := $(call obj,$(call src,widgets))
TUI     := $(call obj,$(filter-out tui/main.c,$(call src,tui)))
ARCHIVES := $(BUILD)/libtui.a $(BUILD)/libwidgets.a $(BUILD)/libbackend.a

TEST_SRC  := $(wildcard tests/unit/test_*.c tests/host/test_*.c tests/console/test_*.c \
                        tests/faults/test_*.c)
TEST_BIN  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
KERNEL_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/kernel/inguest_*.c))
TEST_HELP := $(call obj,$(wildcard tests/support/*.c))
BENCH_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
FUZZ_BIN  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all run test bench fuzz asan tsan clang lint format install help clean guest deps-build deps-run \
        deps-test tests
.DEFAULT_GOAL := all
.SECONDARY:

all: $(BUILD)/meshdeck ## build the program

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(BUILD)/meshdeck: $(BUILD)/obj/tui/main.o $(ARCHIVES)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

$(BUILD)/libbackend.a: $(BACKEND)
$(BUILD)/libwidgets.a: $(WIDGETS)
$(BUILD)/libtui.a: $(TUI)
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The shipped themes are taken into the program as they are.
$(BUILD)/obj/widgets/theme_data.o: $(wildcard themes/*.json)

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(TEST_HELP) $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm -lcmocka -lutil

# As many jobs as processors where nobody has said how many.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

run: deps-build deps-run ## install what is missing, build, make the guest image, open the console
	@$(MAKE) --no-print-directory $(JOBS) all guest
	@exec tests/asroot $(BUILD)/meshdeck $(ARGS)

test: deps-build deps-run deps-test ## run every test
	@$(MAKE) --no-print-directory $(JOBS) all guest tests
	@tests/run $(BUILD)

tests: $(TEST_BIN) $(KERNEL_BIN) $(FUZZ_BIN)

bench: deps-build deps-run deps-test ## measure the figures
	@$(MAKE) --no-print-directory all guest bench-bins
	@tests/bench/run $(BUILD)
.PHONY: bench-bins
bench-bins: $(BENCH_BIN)

guest: ## build the guest image from Debian's packages
	@mkdir -p $(BUILD)
	$(Q)backend/guest/builtin/make-image $(BUILD)/guest

fuzz: deps-build deps-test ## run each fuzz target for FUZZ_SECONDS (60) under clang's libFuzzer
	@tests/fuzz/run $(FUZZ_SECONDS)

asan: deps-build deps-run deps-test ## the suite under address and undefined sanitizers
	@$(MAKE) --no-print-directory BUILD=build/asan OPT=-O1 \
	    SAN="-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined" \
	    all tests
	@$(MAKE) --no-print-directory guest
	@mkdir -p build/asan && ln -sfn ../guest build/asan/guest
	@tests/run build/asan

tsan: deps-build deps-test ## the queue and snapshot tests under the thread sanitizer
	@$(MAKE) --no-print-directory BUILD=build/tsan OPT=-O1 SAN="-fsanitize=thread" tests
	@tests/run build/tsan unit

clang: deps-build deps-test ## build program and tests with clang too; a warning is a failure
	@$(MAKE) --no-print-directory $(JOBS) BUILD=build/clang CC=clang CFLAGS=-Werror all tests

lint: ## sizes, forbidden includes, format
	@tests/lint

format: ## clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')

deps-build:
	@tests/deps build $(DEB_BUILD)
deps-run:
	@tests/deps run $(DEB_RUN)
deps-test:
	@tests/deps test $(DEB_TEST)

install: all ## install under DESTDIR/PREFIX
	install -D -m 755 $(BUILD)/meshdeck $(DESTDIR)$(PREFIX)/bin/meshdeck
	install -D -m 644 tui/meshdeck.8 $(DESTDIR)$(PREFIX)/share/man/man8/meshdeck.8
	sed 's|@PREFIX@|$(PREFIX)|g' backend/engine/meshdeck.service.in > $(BUILD)/meshdeck.service
	install -D -m 644 $(BUILD)/meshdeck.service $(DESTDIR)$(PREFIX)/lib/systemd/system/meshdeck.service
	for t in themes/*.json; do \
	    install -D -m 644 $$t $(DESTDIR)$(PREFIX)/share/meshdeck/$$t || exit 1; done
	for g in $(BUILD)/guest/*; do [ ! -f $$g ] || \
	    install -D -m 644 $$g $(DESTDIR)$(PREFIX)/share/meshdeck/guest/$${g##*/} || exit 1; done

clean: ## remove what was built
	rm -rf build

-include $(shell [ -d $(BUILD) ] && find $(BUILD)/obj -name '*.d' 2>/dev/null)
