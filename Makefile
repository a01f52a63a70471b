# lua-appsync. `make demo` and `make test` are the front door; see CONTRIBUTING.md for the rest.
LUA ?= lua5.4
CC ?= cc
BUILD ?= build
N ?=
ONLY ?=

ABI_lua5.1 = lua5.1
ABI_luajit = lua5.1
ABI_lua5.3 = lua5.3
ABI_lua5.4 = lua5.4
ABI = $(ABI_$(LUA))
ifeq ($(ABI),)
$(error LUA=$(LUA): there are lua5.1, lua5.3, lua5.4 and luajit)
endif
INC_lua5.1 = $(shell pkg-config --cflags lua5.1 2>/dev/null || pkg-config --cflags luajit)
INC_lua5.3 = $(shell pkg-config --cflags lua5.3)
INC_lua5.4 = $(shell pkg-config --cflags lua5.4)
LUA_INC = $(INC_$(ABI))

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS += -Icsrc -D_GNU_SOURCE
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARN) -fPIC -pthread $(CFLAGS)
CORE_LIBS = -lcurl -lwebsockets -lsqlite3 -lssl -lcrypto -ldl -lm
SERVER_LIBS = -levent_core -levent_extra -levent_openssl -lwslay -lssl -lcrypto -lsqlite3 -lm

CORE_LAYERS = base codec rt gql auth proto cache sync store net client
CORE_SRC = $(wildcard $(CORE_LAYERS:%=csrc/%/*.c))
BINDING_SRC = $(wildcard csrc/binding/*.c)
SERVER_LAYERS = base codec gql
SERVER_SRC = $(wildcard csrc/server/*.c)
# The server has data of its own, and no cache: of the store it uses the connection.
SERVER_CORE_SRC = $(wildcard $(SERVER_LAYERS:%=csrc/%/*.c) csrc/store/db*.c)

CORE_OBJ = $(CORE_SRC:csrc/%.c=$(BUILD)/obj/%.o)
BINDING_OBJ = $(BINDING_SRC:csrc/%.c=$(BUILD)/$(ABI)/obj/%.o)
SERVER_OBJ = $(SERVER_SRC:csrc/%.c=$(BUILD)/$(ABI)/obj/%.o)
SERVER_CORE_OBJ = $(SERVER_CORE_SRC:csrc/%.c=$(BUILD)/obj/%.o)

CORE_SO = $(BUILD)/$(ABI)/appsync/core.so
NATIVE_SO = $(BUILD)/$(ABI)/appsync/server/native.so
CORE_A = $(BUILD)/$(ABI)/libappsync.a

# LIGHT=1: without store and realtime, a core of its own, into build/light. csrc/light has what stands in their place; of all
# other objects, an archive, the linker takes what is asked for.
LIGHT ?=
LIGHT_OBJ = $(patsubst csrc/%.c,$(BUILD)/$(ABI)/obj/%.o,$(wildcard csrc/light/*.c))
LIGHT_LIBS = -lcurl -lssl -lcrypto -ldl -lm
LIGHT_SO = $(BUILD)/light/$(ABI)/appsync/core.so

.DEFAULT_GOAL := help
.PHONY: setup build core static light listener env demo test matrix lint circles format rockspec docs ctest ctest-programs shims unit e2e hosts exits \
	rocks interop asan tsan valgrind check soak fuzz fuzz-programs simulation-programs bench bench-modules serve install uninstall vendor deb packages clean help

# A compiler or headers that are missing are named once, with what installs them.
HEADERS = lua.h curl/curl.h libwebsockets.h openssl/evp.h sqlite3.h event2/event.h wslay/wslay.h
HAS_HEADERS = $(BUILD)/$(ABI)/has-headers

$(HAS_HEADERS):
	@mkdir -p $(@D)
	@printf '#include <%s>\n' $(HEADERS) | $(CC) $(CPPFLAGS) $(LUA_INC) -E -x c - >/dev/null && touch $@ || \
		{ echo 'make: the compiler or a header is missing; `.ci/setup demo` installs what a build needs (Debian)' >&2; exit 1; }

$(CORE_OBJ) $(BINDING_OBJ) $(LIGHT_OBJ) $(SERVER_OBJ) $(SERVER_CORE_OBJ): | $(HAS_HEADERS)

help:
	@echo 'make demo              install what is missing, build, run the main job against a local server'
	@echo 'make test              install what is missing, run every test (FORCE=1 may replace luajit by luajit2)'
	@echo 'make build LUA=lua5.4  lua5.1, lua5.3, lua5.4 or luajit;  eval "$$(make -s env LUA=lua5.4)" to use it'
	@echo 'make matrix            unit and end-to-end tests on all four Luas'
	@echo 'make lint format       layers, circles, sizes, luacheck, clang-format, rockspecs, symbols, docs'
	@echo 'make ctest unit e2e    one kind of test;  ONLY=… picks one of its files'
	@echo 'make hosts             programs that bring their own Lua: N requests of all kinds to nginx'
	@echo 'make interop           official clients from npm against the server;  ONLY="amplify" picks some'
	@echo 'make exits rocks       processes that end in the middle of things; the rocks, installed and run'
	@echo 'make check             sanitizers and valgrind: asan tsan valgrind'
	@echo 'make soak [ONLY=name]  the long tests with full counts'
	@echo 'make fuzz bench serve  fuzzers, benchmarks, the local server for examples/todo'
	@echo 'make docs rockspec     writes docs/api.md and rockspec/ anew from the sources'
	@echo 'make build LIGHT=1     a core without store and realtime;  make static  libappsync.a;  make deb  Debian packages'
	@echo 'make install PREFIX=…  for LUA=…, under DESTDIR; with TREE=… or without either by LuaRocks (--deps-mode=none)'
	@echo 'make vendor DIR=game   appsync for LUA=… into a program that ships it, as games do'
	@echo 'make uninstall         likewise;  make setup;  make clean'

build: $(if $(LIGHT),light,core listener)
core: $(CORE_SO)
static: $(CORE_A)
light: $(LIGHT_SO)
listener: $(NATIVE_SO)

$(BUILD)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/$(ABI)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(LUA_INC) -MMD -MP -c $< -o $@

$(CORE_SO): $(CORE_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	$(CC) -shared -pthread $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(NATIVE_SO): $(SERVER_CORE_OBJ) $(SERVER_OBJ)
	@mkdir -p $(@D)
	$(CC) -shared -pthread $(LDFLAGS) -o $@ $^ $(SERVER_LIBS)

$(LIGHT_SO): $(LIGHT_OBJ) $(CORE_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	@rm -f $(@D)/rest.a
	ar rcs $(@D)/rest.a $(CORE_OBJ) $(BINDING_OBJ)
	$(CC) -shared -pthread $(LDFLAGS) -Wl,--gc-sections -o $@ $(LIGHT_OBJ) $(@D)/rest.a $(LIGHT_LIBS)
	@rm -f $(@D)/rest.a

# For programs that link the core: one object, of which only luaopen_appsync_core can be seen, like the module.
$(CORE_A): $(CORE_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	$(CC) -r -nostdlib -o $(@:.a=.o) $^
	objcopy --localize-hidden $(@:.a=.o)
	@rm -f $@
	ar rcs $@ $(@:.a=.o)
	@rm -f $(@:.a=.o)

env:
	@echo "export LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;'"
	@echo "export LUA_CPATH='$(abspath $(BUILD))$(if $(LIGHT),/light)/$(ABI)/?.so;;'"
	@echo "export PATH='$(CURDIR)/bin':\"\$$PATH\""
	@echo "export APPSYNC_LUA='$(LUA)'"

# C unit tests: every spec/csrc/<layer>/<name>_test.c is one program, under ASan and UBSan.
T = $(BUILD)/ctest
T_CC = clang
# Hundreds of programs are compiled and linked: they share the core, and only that is optimised.
T_LD = -fuse-ld=lld
T_LIB = $(T)/libcore.so
T_LINK = $(T_LD) -Wl,-rpath,$(abspath $(T)) $(T_LIB)
T_FLAGS = -std=c11 $(WARN) -Werror=incompatible-pointer-types -Werror=incompatible-function-pointer-types -pthread -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DAPS_TESTING $(CPPFLAGS) -Ispec/csrc
# What is pure in the server.
SERVER_PURE_SRC = csrc/server/request_guard.c csrc/server/ws_handshake.c
# Of the server's rest, what knows nothing of it.
SERVER_APART_SRC = csrc/server/child_process.c
# A disk with faults, under SQLite.
T_SUPPORT_OBJ = $(T)/obj/support/faulty_vfs.o $(T)/obj/support/lost_power.o
T_OBJ = $(patsubst csrc/%.c,$(T)/obj/%.o,$(CORE_SRC) $(SERVER_PURE_SRC) $(SERVER_APART_SRC)) $(T_SUPPORT_OBJ)
T_SRC = $(wildcard spec/csrc/*/*_test.c)
T_BIN = $(T_SRC:spec/csrc/%.c=$(T)/bin/%)

$(T)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(T_CC) $(T_FLAGS) -fPIC -MMD -MP -c $< -o $@

$(T)/obj/support/%.o: spec/support/%.c
	@mkdir -p $(@D)
	$(T_CC) $(T_FLAGS) -fPIC -MMD -MP -c $< -o $@

$(T)/bin/%: spec/csrc/%.c $(T_LIB)
	@mkdir -p $(@D)
	$(T_CC) $(T_FLAGS) -O0 -MMD -MP $< $(filter %.o,$^) -o $@ $(T_LINK) -lcmocka $(CORE_LIBS) -levent_core

# What tests of the queue have in common; the simulation is a program of its own, too: spec/soak/outbox_soak.c.
SIMULATION_SRC = $(addprefix spec/csrc/sync/,memory_journal.c model_service.c model_texts.c simulation.c simulation_check.c)
$(addprefix $(T)/bin/sync/,outbox_test outbox_limits_test outbox_golden_test): $(T)/spec/sync/memory_journal.o
$(T)/bin/sync/simulation_test: $(SIMULATION_SRC:spec/csrc/%.c=$(T)/spec/%.o)
# Likewise the simulation of delta syncs: spec/soak/sync_soak.c.
SYNC_SIMULATION_SRC = $(addprefix spec/csrc/sync/sync_,check.c owner.c service.c simulation.c store.c wire.c)
$(T)/bin/sync/sync_simulation_test: $(SYNC_SIMULATION_SRC:spec/csrc/%.c=$(T)/spec/%.o)

$(T)/spec/%.o: spec/csrc/%.c
	@mkdir -p $(@D)
	$(T_CC) $(T_FLAGS) -O0 -MMD -MP -c $< -o $@

$(T_LIB): $(T_OBJ)
	$(T_CC) $(T_FLAGS) $(T_LD) -shared -Wl,-soname,$(@F) -o $@ $^ $(CORE_LIBS) -levent_core

ctest-programs: $(T_BIN)

# make ctest ONLY=codec/json_reader runs one program.
ctest: $(if $(ONLY),$(patsubst %,$(T)/bin/%_test,$(ONLY)),$(T_BIN))
	@.ci/ctest $^

# What tests preload: spec/support/shim.lua.
SHIM = $(BUILD)/spec
SHIMS = $(addprefix $(SHIM)/,faulty_vfs_preload.so no_memory.so no_netlink.so no_threads.so silent_dns.so)
# A module that tests load.
shims: $(SHIMS) $(SHIM)/$(ABI)/fork.so

$(SHIM)/faulty_vfs_preload.so: $(addprefix spec/support/,faulty_vfs.c lost_power.c faulty_vfs.h lost_power.h)
$(SHIM)/faulty_vfs_preload.so: SHIM_LIBS = -lsqlite3
$(SHIM)/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -pthread $(filter %.c,$^) -o $@.$$$$ $(SHIM_LIBS) -ldl && mv $@.$$$$ $@

$(SHIM)/$(ABI)/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC $(LUA_INC) $< -o $@.$$$$ && mv $@.$$$$ $@

# make unit LUA=lua5.1 ONLY=spec/unit/scheduler_spec.lua
unit: build shims
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; .ci/busted $(LUA) $(or $(ONLY),$$(find spec/unit -name '*_spec.lua' | sort))

e2e: build static light shims
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; .ci/busted $(LUA) $(or $(ONLY),$$(find spec/e2e -name '*_spec.lua' | sort))

# Programs that bring their own Lua, which is LuaJIT in all of them: N requests to nginx, games in LÖVE.
hosts:
	@$(MAKE) -s build light LUA=luajit
	@eval "$$($(MAKE) -s env LUA=luajit)"; N='$(N)' .ci/busted luajit $(or $(ONLY),$$(find spec/hosts -name '*_spec.lua' | sort))

LUAS = lua5.1 lua5.3 lua5.4 luajit
C_FILES = $(shell find csrc spec bench examples -name '*.[ch]')

# Everything that tests and lint need; `make demo` needs less.
setup:
	@.ci/setup test

# `make demo` and `make test` set themselves up first; the compiler may be among what is missing.
demo:
	@.ci/setup demo
	@$(MAKE) -s -j"$$(nproc)" build LUA=$(LUA)
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; examples/todo/demo && examples/notes/demo && examples/offline/demo && examples/delta-sync/demo 200

test:
	@.ci/setup test
	@ONLY='$(ONLY)' BUILD='$(BUILD)' .ci/suite

matrix:
	@for lua in $(LUAS); do $(MAKE) -s unit LUA=$$lua && $(MAKE) -s e2e LUA=$$lua || exit 1; done

LINT_OBJ = $(sort $(CORE_OBJ) $(BINDING_OBJ) $(SERVER_OBJ) $(SERVER_CORE_OBJ))

lint: build
	@lua5.4 .ci/lint/layers.lua
	@lua5.4 .ci/lint/circles.lua $(LINT_OBJ)
	@lua5.4 .ci/lint/sizes.lua
	@lua5.4 .ci/lint/dialect.lua
	@luacheck -q lua spec examples bench .ci bin/appsync --no-color
	@clang-format --dry-run -Werror $(C_FILES)
	@lua5.4 .ci/rockspec.lua --check
	@lua5.4 .ci/docs.lua --check
	@.ci/lint/symbols.sh $(CORE_SO) $(NATIVE_SO)
	@.ci/lint/words.sh
	@echo 'lint: clean'

# How many circles of files there are in csrc/, and the largest.
circles: build
	@lua5.4 .ci/lint/circles.lua --count $(LINT_OBJ)

format:
	@clang-format -i $(C_FILES)

rockspec:
	@lua5.4 .ci/rockspec.lua

docs:
	@lua5.4 .ci/docs.lua

serve: build
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; bin/appsync serve examples/todo/schema.graphql --port 4000

# With PREFIX without LuaRocks, under DESTDIR if it is given; else by LuaRocks, which writes nothing here: see .ci/install.
VERSION = $(ABI:lua%=%)
SHARE = $(DESTDIR)$(PREFIX)/share/lua/$(VERSION)
LIB = $(DESTDIR)$(PREFIX)/lib/lua/$(VERSION)
ifeq ($(PREFIX),)
install:
	@.ci/install --lua-version=$(VERSION) $(if $(TREE),--tree='$(abspath $(TREE))')

uninstall:
	@for rock in appsync-server appsync; do \
		luarocks --lua-version=$(VERSION) $(if $(TREE),--tree='$(abspath $(TREE))') remove $$rock || exit 1; done
else
# Neither the server nor what drives it goes with the light build.
NOT_INSTALLED = -name _meta $(if $(LIGHT),-o -path appsync/server -o -path appsync/cli -o -path appsync/simulate)
install: build
	@rm -rf '$(SHARE)/appsync' '$(LIB)/appsync' # nothing of an earlier version stays
	@for folder in $$(cd lua && find appsync \( $(NOT_INSTALLED) \) -prune -o -type d -print); do \
		install -d "$(SHARE)/$$folder" && install -m 644 -t "$(SHARE)/$$folder" lua/"$$folder"/*.lua || exit 1; done
	@install -d '$(LIB)/appsync'
	@install -m 644 $(if $(LIGHT),$(LIGHT_SO),$(CORE_SO)) '$(LIB)/appsync'
ifeq ($(LIGHT),)
	@install -d '$(LIB)/appsync/server' '$(DESTDIR)$(PREFIX)/bin'
	@install -m 644 $(NATIVE_SO) '$(LIB)/appsync/server'
	@install -m 755 bin/appsync '$(DESTDIR)$(PREFIX)/bin'
endif

# The program is there for all versions of Lua, and goes with the last.
uninstall:
	@rm -rf '$(SHARE)/appsync' '$(LIB)/appsync'
	@ls -d '$(DESTDIR)$(PREFIX)'/share/lua/*/appsync >/dev/null 2>&1 || rm -f '$(DESTDIR)$(PREFIX)/bin/appsync'
endif

# A copy for a program that brings its own modules: make vendor LUA=luajit DIR=game
DIR ?=
vendor: $(if $(LIGHT),$(LIGHT_SO),$(CORE_SO))
	@test -n '$(DIR)' || { echo 'make vendor: DIR=… says which folder gets appsync/' >&2; exit 1; }
	@.ci/vendor '$<' '$(abspath $(DIR))'

# Debian packages, for all versions of Lua.
deb:
	@for lua in lua5.1 lua5.3 lua5.4; do $(MAKE) -s build LUA=$$lua || exit 1; done
	@BUILD='$(BUILD)' .ci/deb '$(BUILD)/deb'

# The same, unpacked and run.
packages:
	@BUILD='$(BUILD)' .ci/packages

# Both rocks into a tree of their own; what they export is what `make` exports; the installed program runs.
rocks: build
	@.ci/rocks

# Processes that end in the middle of things: N of each kind.
exits: build shims
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; N=$(or $(N),20) $(LUA) spec/exit/run.lua

# The cache as a program, under ASan and UBSan, for spec/interop/cache_test.js.
CACHE_DRIVER = $(T)/cache_driver

$(CACHE_DRIVER): spec/support/cache_driver.c $(T_LIB)
	$(T_CC) $(T_FLAGS) -O0 -MMD -MP $< -o $@ $(T_LINK) $(CORE_LIBS)

# Official clients from npm, as published, against the server: ONLY="amplify legacy" picks some of spec/interop.
interop: build $(CACHE_DRIVER)
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; modules=$$(BUILD='$(BUILD)' .ci/npm spec/interop) && \
		N='$(N)' CACHE_DRIVER='$(abspath $(CACHE_DRIVER))' $(LUA) spec/interop/run.lua "$$modules" $(ONLY)

# Fuzzers: spec/fuzz/<name>_fuzz.c under libFuzzer, each for SECONDS_EACH; <name>_fuzz.lua likewise by count.
SECONDS_EACH ?= 20
comma = ,
FUZZ_FLAGS = -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(CPPFLAGS)
FUZZERS = $(patsubst spec/fuzz/%_fuzz.c,%,$(wildcard spec/fuzz/*_fuzz.c))

FUZZ_OBJ = $(patsubst csrc/%.c,$(BUILD)/fuzz/obj/%.o,$(foreach d,base codec rt gql auth proto cache sync net,$(wildcard csrc/$(d)/*.c)) \
	$(SERVER_PURE_SRC))

$(BUILD)/fuzz/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	@clang $(subst fuzzer$(comma),fuzzer-no-link$(comma),$(FUZZ_FLAGS)) -MMD -MP -c $< -o $@

$(BUILD)/fuzz/%: spec/fuzz/%_fuzz.c $(FUZZ_OBJ)
	@clang $(FUZZ_FLAGS) $(T_LD) $^ $(CORE_LIBS) -o $@

fuzz-programs: $(FUZZERS:%=$(BUILD)/fuzz/%)

fuzz: fuzz-programs build
	@SECONDS_EACH=$(SECONDS_EACH) ONLY='$(ONLY)' BUILD=$(BUILD) LUA=$(LUA) .ci/fuzz $(FUZZERS)

# What is simulated, optimised, and nothing else of the core: `make soak ONLY=outbox`, and ONLY=planted changes its files.
SIMULATION = $(BUILD)/simulation
SIMULATED_SRC = $(filter-out csrc/codec/digest.c,$(wildcard csrc/base/*.c csrc/codec/*.c)) csrc/proto/verdict.c csrc/proto/error_type.c \
	$(addprefix csrc/sync/,delivery.c entity_order.c in_doubt.c outbox.c safety.c same_json.c)
SIMULATION_OBJ = $(patsubst %.c,$(SIMULATION)/obj/%.o,$(SIMULATED_SRC) $(SIMULATION_SRC) spec/soak/outbox_soak.c)

$(SIMULATION)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARN) -O2 -g -DAPS_TESTING $(CPPFLAGS) -Ispec/csrc -MMD -MP -c $< -o $@

$(SIMULATION)/outbox_soak: $(SIMULATION_OBJ)
	$(CC) $^ -lm -o $@

SYNC_SIMULATED_SRC = $(filter-out csrc/codec/digest.c,$(wildcard csrc/base/*.c csrc/codec/*.c)) \
	$(addprefix csrc/sync/,checkpoint.c delta_sync.c sync_fetching.c sync_hearing.c sync_plan.c sync_progress.c)
SYNC_SIMULATION_OBJ = $(patsubst %.c,$(SIMULATION)/obj/%.o,$(SYNC_SIMULATED_SRC) $(SYNC_SIMULATION_SRC) spec/soak/sync_soak.c)

$(SIMULATION)/sync_soak: $(SYNC_SIMULATION_OBJ)
	$(CC) $^ -lm -o $@

simulation-programs: $(SIMULATION)/outbox_soak $(SIMULATION)/sync_soak

# The same tests under the sanitizers and valgrind.
asan tsan valgrind:
	@BUILD='$(BUILD)' LUA=$(LUA) .ci/sanitize $@

check: asan tsan valgrind

soak: build shims
	@ONLY='$(ONLY)' N='$(N)' LUA=$(LUA) .ci/soak

# Workloads of bench/README.md: make bench [ONLY=cache|w2|w3|w4|w5|w6|w7|w8|w9|w10|game|json|server|nginx] [N=repetitions] [LUAS="lua5.4 luajit"]
BENCH = $(BUILD)/bench
# A floor inside Lua is a module of it.
BENCH_MODULES = bench/floor/lua_tables.c
BENCH_PROGRAMS = $(patsubst bench/%.c,$(BENCH)/%,$(filter-out $(BENCH_MODULES),$(wildcard bench/floor/*.c bench/row/*.c)) \
	bench/json_bench.c bench/server/fixed_http.c bench/server/realtime_push.c bench/server/sync_pages.c)
BENCH_OBJ = $(BENCH)/measure.o $(BENCH)/filled_cache.o $(BENCH)/load/load_peer.o $(BENCH)/server/peer_loop.o $(BENCH)/server/http_request.o \
	$(BENCH)/server/realtime_peer.o $(BUILD)/obj/server/ws_handshake.o \
	$(filter $(BUILD)/obj/base/% $(BUILD)/obj/codec/% $(BUILD)/obj/auth/% $(BUILD)/obj/gql/% $(BUILD)/obj/cache/% \
	$(BUILD)/obj/store/%,$(CORE_OBJ))

$(BENCH)/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -Ibench -MMD -MP -c $< -o $@

$(BENCH)/libbench.a: $(BENCH_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BENCH_PROGRAMS): %: %.o $(BENCH)/libbench.a
	$(CC) -pthread $(LDFLAGS) -o $@ $^ -lcurl -lwebsockets -lssl -lsqlite3 -lcrypto -lm

$(BENCH)/$(ABI)/%.so: bench/floor/%.c $(BENCH)/libbench.a
	@mkdir -p $(@D)
	$(CC) -shared $(ALL_CFLAGS) $(CPPFLAGS) $(LUA_INC) -MMD -MP $(LDFLAGS) -o $@ $< $(BENCH)/libbench.a -lm

bench-modules: $(BENCH_MODULES:bench/floor/%.c=$(BENCH)/$(ABI)/%.so)

bench: $(BENCH_PROGRAMS)
	@for lua in $(LUAS); do $(MAKE) -s build bench-modules LUA=$$lua || exit 1; done
	@BUILD='$(BUILD)' LUAS='$(LUAS)' lua5.4 bench/run.lua '$(BENCH)' $(or $(N),5) '$(ONLY)'

clean:
	rm -rf $(BUILD)

# What says nothing of C files needn't read what those depend on.
ifneq ($(filter-out env uninstall clean help,$(or $(MAKECMDGOALS),help)),)
-include $(shell find $(BUILD) -name npm -prune -o -name '*.d' -print 2>/dev/null)
endif
