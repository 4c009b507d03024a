# Headroom. `make sweep` runs the benchmark and `make test` the tests; both install what is missing
# first. `make help` lists every target.

# The value of a variable that is asked of other programs: when it is first needed, and never again.
once = $(eval $1 := $2)$($1)

# --- What a user may set -------------------------------------------------------------------------

# ARCH        -march of the build; ARCH=x86-64-v3 for a machine other than this one. This machine's, else
#             what the compiler takes by itself: a cross compiler knows no `native`
# TIER        size of the sweep: default or full
# DB          the database; figures are drawn into figures/ beside it
# PYTHON      the Python that has PyTorch, for bench-peers, bench-gpu and parity
# CUDA        1 or 0: build for NVIDIA's cards or not. Else it is built for them where nvcc is, in CUDA_HOME,
#             in PATH or in /usr/local/cuda, and the sanitizers are not asked for
# CUDA_ARCH   compute capabilities of these cards: 80 is Ampere, 90 Hopper; later ones translate the last
# NVCC_CCBIN  the host compiler of nvcc, where it is too old for the system's
# PAPI_DIR    where PAPI was installed that is not the system's: has include, lib and lib/pkgconfig
# SANITIZER   address,undefined
# WERROR      1: warnings are errors, as in CI
# CFLAGS      appended to the flags below; LDFLAGS to the libraries
# NO_INSTALL  1: print the install commands, run none
# FUZZ_SECONDS  of each target of make fuzz; FUZZ names some of them: "json yaml"
# HEADROOM_DATA  folder of the data sets, else data/
# SETS        what make data fetches: names of sets, all, or list; else the small ones
# PREFIX      where make install puts the program; DESTDIR stands before it, for those who make packages
ARCH ?= $(call once,ARCH,$(shell $(CC) -march=native -E -x c /dev/null >/dev/null 2>&1 && echo native))
CUDA_ARCH ?= 80 90
TIER ?= default
DB   ?= results/results.db
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3

# --- Flags ---------------------------------------------------------------------------------------
# Everything here is expanded when a recipe runs, after pkg-config itself has been installed.
# -ffast-math is never used: it breaks NaN as "not measured" and the skipped-head proofs.
# A named constant is of an enum here, an int by C's rules: clang 19 would warn of each beside a double.

FLAGS = -std=c17 -D_GNU_SOURCE -I. -O3 -g $(if $(ARCH),-march=$(ARCH)) \
    -fno-math-errno -fopenmp-simd -ffp-contract=fast \
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla \
    -Wno-enum-float-conversion $(if $(WERROR),-Werror) \
    $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
    $(shell pkg-config --cflags openblas yaml-0.1 sqlite3 zlib 2>/dev/null) \
    $(if $(PAPI),-DHAVE_PAPI=1 $(patsubst -I%,-isystem%,$(shell $(FIND_PAPI) --cflags papi))) \
    $(if $(SDE),-DHAVE_SDE=1) \
    $(if $(ONEDNN),-DHAVE_ONEDNN=1) $(CUDA_FLAGS) $(CFLAGS)

LIBRARIES = $(shell pkg-config --libs openblas yaml-0.1 sqlite3 zlib 2>/dev/null) \
    $(if $(PAPI),$(shell $(FIND_PAPI) --libs papi) $(PAPI_DIR:%=-Wl,-rpath,%/lib)) $(if $(SDE),-lsde) \
    $(if $(ONEDNN),-ldnnl) $(CUDA_LIBRARIES) -ldl -lm $(LDFLAGS)

# A PAPI in PAPI_DIR stands before the system's, and the program finds it again when it runs.
FIND_PAPI = $(PAPI_DIR:%=PKG_CONFIG_PATH=%/lib/pkgconfig) pkg-config
# An older one has not all that is asked of it; the program is built without and doctor says so.
PAPI     = $(call once,PAPI,$(shell $(FIND_PAPI) --atleast-version=7.0 papi 2>/dev/null && echo yes))
# PAPI finds libsde only as a shared library: a program with libsde.a has no software events.
SDE      = $(call once,SDE,$(if $(PAPI),$(shell echo '\#include <sde_lib.h>' | $(CC) -E - >/dev/null 2>&1 && \
    $(CC) -print-file-name=libsde.so | grep / >/dev/null && echo yes)))
# oneDNN is taken for the products that it was measured to be faster at, which was on x86 (models/cpu).
# ONEDNN=yes takes it elsewhere.
ONEDNN   = $(call once,ONEDNN,$(if $(X86),$(shell echo '\#include <dnnl.h>' | $(CC) -E - >/dev/null 2>&1 && echo yes)))

# CUDA. The toolkit's folders are asked of nvcc, because distributions have their own (it names none for
# headers where they lie in /usr/include). The runtime is linked in, so that the program starts where there is
# no driver; cuBLAS, many times as large as the program, is loaded when a card is opened, and the rpath says
# from where. The sanitizers' build has no cards unless it is told to: address sanitizer takes the addresses
# that CUDA wants (ASAN_OPTIONS=protect_shadow_gap=0 leaves them).
CUDA_HOME ?= $(CUDA_PATH)
NVCC      := $(firstword $(wildcard $(CUDA_HOME:%=%/bin/nvcc)) $(shell command -v nvcc 2>/dev/null) \
    $(wildcard /usr/local/cuda/bin/nvcc))
NVCC_SAYS := $(if $(NVCC),$(shell $(NVCC) --dryrun -x cu /dev/null 2>&1 | tr '"=' '  '))
CUDA_INCLUDE := $(firstword $(realpath $(patsubst -I%,%,$(filter -I%,$(NVCC_SAYS)))) /usr/include)
CUDA_RUNTIME := $(firstword $(realpath $(patsubst -L%,%/libcudart_static.a,$(filter -L%,$(NVCC_SAYS)))))
TOOLKIT   := $(and $(CUDA_RUNTIME),$(wildcard $(CUDA_INCLUDE)/cublas_v2.h))
WITH_CUDA := $(if $(CUDA),$(filter 1,$(CUDA)),$(if $(SANITIZER),,$(if $(TOOLKIT),1)))
ifneq ($(WITH_CUDA),)
# Later ones than 11.8 can make kernels small, a fifth of what they are otherwise.
NVCC_SMALL    := $(if $(shell $(NVCC) --help 2>/dev/null | grep compress-mode),-compress-mode=size)
CUDA_FLAGS     = -DHAVE_CUDA=1 -isystem$(CUDA_INCLUDE)
CUDA_LIBRARIES = $(CUDA_RUNTIME) -Wl,-rpath,$(patsubst %/,%,$(dir $(CUDA_RUNTIME))) -ldl -lrt -lpthread
endif

# What can change a number that a card computes is in the first and in CUDA_ARCH, which are a part of results' code
# hash; -use_fast_math is as little used as -ffast-math.
# The host's half of a kernel file starts kernels and no more, without C++'s library: gcc links the program. nvcc
# 13 remembers kernels in local statics, whose guards are of that library; one thread at a time speaks to a card.
# With clang, 11.8's headers are full of unused functions; ours are reported by nvcc itself.
# sm_90a has instructions (models/cuda/wgmma.cuh) that no other card has, so they are in no PTX; 12.0 began with it.
SM_90A   := -gencode arch=compute_90a,code=sm_90a
HOPPER   := $(if $(and $(WITH_CUDA),$(filter 90,$(CUDA_ARCH))),$(shell \
    $(NVCC) --dryrun $(SM_90A) -x cu /dev/null >/dev/null 2>&1 && echo -DWGMMA '$(SM_90A)'))
NVCC_FLAGS = -std=c++17 -O3
NVCC_CODE = $(HOPPER) $(foreach arch,$(filter-out $(if $(HOPPER),90),$(CUDA_ARCH)), \
    -gencode arch=compute_$(arch),code=sm_$(arch)) \
    $(foreach arch,$(lastword $(CUDA_ARCH)),-gencode arch=compute_$(arch),code=compute_$(arch))
NVCC_MORE = $(NVCC_CODE) -I. -lineinfo $(NVCC_SMALL) $(NVCC_CCBIN:%=-ccbin %) \
    -Xcompiler -Wall,-Wextra,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics,-Wno-unused-function \
    $(if $(WERROR),--Werror all-warnings -Xcompiler -Werror)

# What the compiler makes programs for; this machine, where there is no compiler yet.
X86     := $(filter x86_64%,$(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m)))
# In an archive the file says what it is of; git would speak of a repository around it.
REVISION = $(or $(if $(wildcard .git),$(shell git describe --always --dirty --exclude='*' 2>/dev/null)),\
    $(shell sed -n 's/^commit \([0-9a-f]*\)$$/\1-archive/p' harness/version.txt),unknown)
VERSION  = $(shell sed -n 's/^version //p' harness/version.txt)

# --- Files ---------------------------------------------------------------------------------------

# The portable build has a folder and a program of its own (make headroom-v3).
B       := build
PROGRAM := headroom
SOURCES := $(sort $(shell find models workloads harness -name '*.c' \
    $(if $(WITH_CUDA),,! -path 'models/cuda/*' ! -path 'models/*_cuda.c')))
KERNELS := $(sort $(shell find models -name '*.cu'))
TEXTS   := results/tables.sql results/views.sql $(sort $(wildcard results/migrations/*.sql)) \
    harness/config/starter.yaml $(wildcard harness/report/report.css harness/report/report.js)
OBJECTS := $(SOURCES:%.c=$(B)/%.o) $(if $(WITH_CUDA),$(KERNELS:%=$(B)/%.o)) $(TEXTS:%=$(B)/%.o)
LIBRARY := $(B)/headroom.a
UNITS   := $(patsubst %.c,$(B)/%,$(sort $(shell find tests -name 'test_*.c')))
TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAYS := $(TARGETS:%=$(B)/tests/fuzz/replay_%)
FUZZERS := $(TARGETS:%=$(B)/tests/fuzz/fuzz_%)
TESTS   := $(UNITS) $(REPLAYS)
CHECKED := $(SOURCES) $(sort $(shell find tests -name '*.c'))
SCRIPTS := $(sort $(shell find tests -name 'test_*.sh'))

# One job per core unless the user says -j; a sub-make takes part in its parent's jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

# --- What a user may ask for ---------------------------------------------------------------------

.PHONY: build install uninstall dist sweep test test-pmu test-arm64 test-gpu test-long coverage fuzz fuzzers check \
    cross-arm64 programs objects kernels tidy plots report screenshots data bench bench-peers bench-gpu parity parity-golden \
    format clean help packages FORCE

# The portable program stays in step with the other one as soon as it is there.
build: $(PROGRAM) $(if $(X86),$(wildcard headroom-v3)) ## build the program (default) [CUDA=0 or 1]

# What the program reads when it runs is found from where it stands, so that nothing is compiled for a
# PREFIX and an installation may be moved (harness/config/installation.h). What was built and tested is
# what is installed: another user, as root is, would build with other settings.
INSTALLED = LICENSE $(wildcard workloads/README.md workloads/*.yaml workloads/base/*.yaml workloads/*.sh \
    workloads/*.txt plots/* results/queries/*)
# Files under share/, and what the program is asked for to write them: two words.
SAID_BY_PROGRAM = man/man1/headroom.1 manual -- bash-completion/completions/headroom completion bash \
    zsh/site-functions/_headroom completion zsh fish/vendor_completions.d/headroom.fish completion fish
install uninstall: export TO := $(DESTDIR)$(PREFIX)
install: ## put what was built under a prefix [PREFIX=/usr/local] [DESTDIR=...]
	@test -x $(PROGRAM) || { echo 'there is no ./$(PROGRAM) to install: make' >&2; exit 1; }
	@for file in $(PROGRAM) $(wildcard headroom-v3); do install -D "$$file" "$$TO/bin/$$file" || exit; done
	@for file in $(INSTALLED); do \
	    mode=644; test ! -x "$$file" || mode=755; \
	    install -D -m $$mode "$$file" "$$TO/share/headroom/$$file" || exit; \
	done
	@umask 022; set -- $(SAID_BY_PROGRAM); while [ $$# -gt 0 ]; do \
	    mkdir -p "$$TO/share/$${1%/*}" && ./$(PROGRAM) $$2 $$3 >"$$TO/share/$$1" || exit; shift 3; \
	done
	@echo "installed: $$TO/bin/headroom"

uninstall: ## remove what make install has put there [PREFIX=/usr/local] [DESTDIR=...]
	rm -rf "$$TO/bin/headroom" "$$TO/bin/headroom-v3" "$$TO/share/headroom"
	@for file in $(filter %headroom %headroom.1 %headroom.fish,$(SAID_BY_PROGRAM)); do rm -f "$$TO/share/$$file"; done

# What is in a commit, by git alone, so that any forge's own tarball of it is the same house.
dist: ## pack the last commit as headroom-VERSION.tar.gz
	git archive --prefix=headroom-$(VERSION)/ -o headroom-$(VERSION).tar.gz HEAD
	@echo 'made: headroom-$(VERSION).tar.gz'

# Figures are drawn also when a trial failed. The sweep's own copy of the table is dropped, so that the
# table comes last. The shell finds DB in its environment: a path may hold blanks.
sweep plots report bench: export DB := $(DB)
sweep: build ## train, profile, store and plot what is not done yet [TIER=full] [DB=...]
	@./headroom sweep --tier $(TIER) --db "$$DB" >/dev/null; status=$$?; \
	test -f "$$DB" || exit $$status; \
	./headroom plot --db "$$DB" >&2 || status=1; \
	./headroom report --db "$$DB"; exit $$status

# The longest tests are scripts, so these start first.
test: build $(TESTS) $(if $(X86),$(if $(shell command -v valgrind),headroom-v3)) ## build and run every test [SANITIZER=address,undefined] [WERROR=1]
	tests/run.sh $(SCRIPTS) $(TESTS)

# Counting is tested where a PMU counts, on an emulated arm64 machine. The unit tests for arm64 need only
# an emulated processor, but for those that run in the guest as well; they take as long as all of
# `make test`, several times over. The bench times products for minutes. In a variable, and as a make of
# its own, so that `make -n` does not run it.
WITH_ARM64 = lacking=$$(tests/pmu/packages.sh 2>&1 >/dev/null) || export HEADROOM_LACKING="$${lacking:-it failed}"; \
	if [ -z "$$HEADROOM_LACKING" ]; then \
	    env -u MAKEFLAGS -u MAKELEVEL $(MAKE) --no-print-directory -s cross-arm64 || exit; \
	fi
ARM64_TESTS = $(filter-out %/test_bench $(addprefix build-arm64/tests/,$(shell cat tests/pmu/in_guest.txt)), \
    $(TESTS:$(B)/%=build-arm64/%))
test-pmu: ## cross-build for arm64 and count on an emulated PMU
	@$(WITH_ARM64); tests/run.sh tests/pmu/counting.sh

test-arm64: ## run the tests for arm64, emulated: 10 minutes or more
	@$(WITH_ARM64); \
	if [ -z "$$HEADROOM_LACKING" ]; then \
	    QEMU_LD_PREFIX=$$(tests/pmu/packages.sh) && export QEMU_LD_PREFIX; tests="$(ARM64_TESTS)"; \
	fi; \
	tests/run.sh tests/pmu/in_guest.sh $$tests

# Where there is no card each of these skips, and says why. tests/gpu/run.sh builds and runs them elsewhere.
GPU_TESTS = $(filter $(B)/tests/models/cuda/% $(B)/tests/harness/measure/test_executed_work,$(TESTS))
test-gpu: build $(GPU_TESTS) ## run what needs an NVIDIA card (the engine, compute-sanitizer, a sweep)
	@tests/gpu/environment.sh
	@tests/run.sh $(addprefix tests/gpu/,memcheck.sh racecheck.sh initcheck.sh sweep.sh) $(GPU_TESTS)

test-long: build ## kill, crowd and starve sweeps, a Slurm cluster, fuzz, mutants [KILLS=200] [FUZZ_SECONDS=600]
	tests/run.sh $(filter-out tests/long/sweep.sh,$(sort $(wildcard tests/long/*.sh)))

# In a folder of its own, because every object is compiled for it: with what counts coverage and with the
# sanitizers, under which no loop becomes SIMD.
FUZZ_FLAGS = -O1 -fsanitize=fuzzer-no-link -Wno-pass-failed
fuzz: build ## search the parsers for crashes, leaks and hangs with clang's libFuzzer [FUZZ_SECONDS=60] [FUZZ="json yaml"]
	@tests/fuzz/clang.sh
	@$(MAKE) --no-print-directory NO_INSTALL=1 CUDA=0 SANITIZER=address,undefined CC=clang B=build/fuzz \
	    CFLAGS='$(FUZZ_FLAGS)' fuzzers
	@tests/fuzz/fuzz.sh build/fuzz $(or $(FUZZ),$(TARGETS))
fuzzers: $(FUZZERS)

coverage: packages ## which lines the tests run, by folder, in ten minutes [COVERAGE=95]
	@tests/coverage.sh $(COVERAGE)

# Valgrind knows neither AVX-512 nor sanitizers. Same sources, same rules, another folder. For x86 alone.
ifeq ($(X86),)
headroom-v3:
	@echo 'headroom-v3 is a build for x86-64, and $(CC) compiles for $(shell $(CC) -dumpmachine)' >&2; exit 1
else ifneq ($(PROGRAM),headroom-v3)
headroom-v3: FORCE | packages ## the same program for any x86-64 since 2013: what `counters: cachegrind` runs
	@$(MAKE) --no-print-directory ARCH=x86-64-v3 CUDA=0 SANITIZER= B=build-v3 PROGRAM=headroom-v3 headroom-v3
endif

# With WERROR=1 gcc's objects are those of the build, as in CI, and are compiled once.
check: packages ## read the code with the formatter, compilers and analyzers that are here [WERROR=1]
	@MAKE='$(MAKE)' CUDA=$(or $(WITH_CUDA),0) PATH="$$PATH$(NVCC:%/nvcc=:%)" tests/check.sh $(B)/check $(if $(WERROR),$(B),$(B)/check/gcc)

# An architecture besides x86. The cross compiler is gcc's of Debian, the libraries are its packages, and
# what is made runs in `make test-pmu` and `make test-arm64`. Linked by its own linker: gold does not follow the
# absolute links of the packages' folder.
cross-arm64: ## build the program and the tests for arm64 in build-arm64/, warnings as errors
	@root=$$(tests/pmu/packages.sh) && \
	export PKG_CONFIG_LIBDIR="$$root/usr/lib/aarch64-linux-gnu/pkgconfig" \
	    PKG_CONFIG_SYSROOT_DIR="$$root" && \
	$(MAKE) --no-print-directory NO_INSTALL=1 WERROR=1 CUDA=0 SANITIZER= ARCH= B=build-arm64 \
	    PROGRAM=build-arm64/headroom CC="aarch64-linux-gnu-gcc --sysroot=$$root" \
	    LINKER= AR=aarch64-linux-gnu-ar programs
programs: $(PROGRAM) $(TESTS)

# Its parts that go file by file.
objects: $(CHECKED:%.c=$(B)/%.o)
kernels: $(KERNELS:%=$(B)/%.o)
tidy: $(CHECKED:%.c=$(B)/%.tidy)

report: build ## write report.html and report.md beside a database: findings, figures, tables [DB=...]
	@beside=$$(dirname "$$DB") && \
	./headroom report --db "$$DB" --html "$$beside/report.html" --md "$$beside/report.md"

screenshots: build ## take the pictures of a report that README shows, with chromium [DB=...]
	@harness/report/screenshots.sh "$$DB"

plots: build ## draw what is new in a database [DB=...]
	@./headroom plot --db "$$DB"

data: ## fetch and check public data sets: the small ones, or [SETS="imdb snli", all or list]
	@workloads/fetch_data.sh $(SETS)

bench: build ## speed and savings against this machine's limits, stored [DB=...]
	@./headroom bench --db "$$DB"

# $(1): how to get a Python for it.
NEEDS_PYTHON = command -v $(PYTHON) >/dev/null || \
    { echo '$(PYTHON) is not here: make $@ needs PyTorch, $(1)' >&2; exit 1; }
bench-peers: build ## the same model in PyTorch (python3-torch), side by side
	@$(call NEEDS_PYTHON,on Debian and Ubuntu apt-get install python3-torch)
	@$(PYTHON) harness/bench/bench_peers.py

bench-gpu: build ## the same model in PyTorch on an NVIDIA card, side by side, in 4 minutes [PYTHON=...]
	@$(call NEEDS_PYTHON,one that knows CUDA: name a Python that has it in PYTHON)
	@$(PYTHON) harness/bench/bench_gpu.py

parity: $(B)/tests/parity/test_parity ## loss and gradients of the methods against PyTorch's
	@tests/parity/parity.sh $(PYTHON)

parity-golden: $(B)/tests/parity/test_parity ## have PyTorch write its numbers anew, for the tests without it
	@tests/parity/parity.sh $(PYTHON) tests/parity/golden

format: ## run clang-format over the sources
	git ls-files '*.c' '*.h' '*.cu' '*.cuh' | xargs clang-format -i

clean: ## remove what was built, never results or data
	rm -rf build build-v3 build-arm64 headroom headroom-v3

help: ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1: /p' Makefile | awk -F': ' '{ printf "make %-13s %s\n", $$1, $$2 }'

# --- How things are made -------------------------------------------------------------------------

# The archive holds everything but main, for the program and for the tests.
$(PROGRAM): $(B)/harness/cli/main.o $(LIBRARY) $(B)/libraries
	$(CC) @$(B)/flags $< $(LIBRARY) @$(B)/libraries -o $@

$(LIBRARY): $(filter-out $(B)/harness/cli/main.o,$(OBJECTS))
	@rm -f $@ && $(AR) rcs $@ $^

$(B)/%.cu.o: %.cu $(B)/nvcc_flags
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_FLAGS) $(NVCC_MORE) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) @$(B)/flags $(DEFINES) -MMD -MP -c $< -o $@

# A test runs once, and most of its time in the archive: compiled with -Og it is made in a third of the time. With
# the sanitizers gcc would warn there of what it sees to be fine at -O3.
$(B)/tests/%.o: DEFINES = $(if $(filter -O%,$(CFLAGS))$(SANITIZER),,-Og)

# Tests are many and of the whole archive: lld or gold link them in half of the time, where one of them is here.
# With the sanitizers gold warns of what they hide.
LINKER = $(call once,LINKER,$(if $(SANITIZER),,$(firstword $(foreach linker,lld gold, \
    $(shell $(CC) -fuse-ld=$(linker) -Wl,--version >/dev/null 2>&1 && echo -fuse-ld=$(linker))))))

$(UNITS): %: %.o $(LIBRARY) $(B)/libraries
	$(CC) @$(B)/flags $< $(LIBRARY) -lcmocka @$(B)/libraries $(LINKER) -o $@

# A fuzz target with libFuzzer's main, and with ours.
$(FUZZERS): %: %.o $(LIBRARY) $(B)/libraries
	$(CC) @$(B)/flags -fsanitize=fuzzer $< $(LIBRARY) @$(B)/libraries -o $@

$(REPLAYS): $(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o $(LIBRARY) $(B)/libraries
	$(CC) @$(B)/flags $(filter %.o,$^) $(LIBRARY) @$(B)/libraries $(LINKER) -o $@

# Made where clang-tidy finds nothing to say. Beside an object, because that knows the headers.
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy tests/.clang-tidy
	@clang-tidy --quiet --warnings-as-errors='*' $< -- $$(cat $(B)/flags) $(DEFINES) && touch $@

# A result says how it was built.
$(B)/harness/measure/environment.o: $(B)/revision
$(B)/harness/measure/environment.%: DEFINES = \
    -DHEADROOM_CFLAGS="\"$$(cat $(B)/flags)\"" -DHEADROOM_GIT="\"$$(cat $(B)/revision)\""

# A program says which it is.
$(B)/harness/cli/command_version.o: harness/version.txt $(if $(WITH_CUDA),$(B)/nvcc_flags)
$(B)/harness/cli/command_version.%: DEFINES = -DHEADROOM_VERSION="\"$(VERSION)\"" \
    -DHEADROOM_CUDA="\"$(if $(WITH_CUDA),$(shell $(NVCC) --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p') for compute capabilities $(CUDA_ARCH))\""

# A cached data set is known by the code that made it.
$(B)/workloads/data/dataset_cache.o: $(B)/data_code
$(B)/workloads/data/dataset_cache.%: DEFINES = -DHEADROOM_DATA_CODE="\"$$(cat $(B)/data_code)\""

# A result is known by the code that made it: what every trial runs, what profiles run besides, and the
# files of each method, so that an edit of one method leaves the others' results as new as they were.
$(B)/harness/measure/code_hash.o: $(B)/training_code $(B)/profile_code $(B)/policy_code $(B)/cuda_code
$(B)/harness/measure/code_hash.o: DEFINES = -DHEADROOM_TRAINING_CODE="\"$$(cat $(B)/training_code)\"" \
    -DHEADROOM_PROFILE_CODE="\"$$(cat $(B)/profile_code)\"" \
    -DHEADROOM_CUDA_CODE="\"$$(cat $(B)/cuda_code)\"" \
    -DHEADROOM_POLICY_CODE="\"$$(cat $(B)/policy_code)\""

# Texts as C arrays, byte by byte: no escapes to get wrong and no limit on literal length. The array of
# results/views.sql is results_views_sql.
$(TEXTS:%=$(B)/%.c): $(B)/%.c: %
	@mkdir -p $(@D)
	@{ name=$$(echo '$<' | tr /. __); echo "extern const char $$name[];"; \
	  echo "const char $$name[] = {"; \
	  od -An -v -tx1 $< | sed "s/ *\([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"; echo '0};'; } >$@

$(TEXTS:%=$(B)/%.o): $(B)/%.o: $(B)/%.c $(B)/flags
	$(CC) @$(B)/flags -c $< -o $@

# Flags, libraries and revision live in files that change only when their content does, so that
# everything made from them is made again exactly then.
$(B)/flags:     CONTENT = $(FLAGS)
$(B)/libraries: CONTENT = $(LIBRARIES)
$(B)/nvcc_flags: CONTENT = $(NVCC) $(NVCC_FLAGS) $(NVCC_MORE)
$(B)/revision:  CONTENT = $(REVISION)
$(B)/data_code: CONTENT = $(shell cat workloads/data/*.[ch] models/base/*.[ch] | sha256sum | cut -c 1-64)
$(B)/training_code: CONTENT = $(shell { echo '$(filter-out -W% -isystem$(PAPI_DIR)/include $(CUDA_FLAGS),$(FLAGS))'; cat models/*.[ch] models/base/*.[ch] \
    models/cpu/*.[ch] workloads/data/*.[ch] harness/trial/*.[ch]; } | sha256sum | cut -c 1-64)
$(B)/profile_code: CONTENT = $(shell cat harness/measure/*.[ch] | sha256sum | cut -c 1-64)
$(B)/cuda_code: CONTENT = $(shell { echo '$(NVCC_FLAGS) $(CUDA_ARCH)'; find models -path 'models/cuda/*.[ch]*' -o -name '*_cuda.*' -o -name '*_kernels.*' \
    | LC_ALL=C sort | xargs cat; } | sha256sum | cut -c 1-64)
$(B)/policy_code: CONTENT = $(shell harness/measure/policy_code.sh)
$(B)/flags $(B)/libraries $(B)/nvcc_flags $(B)/revision $(B)/data_code $(B)/training_code $(B)/profile_code \
$(B)/cuda_code $(B)/policy_code: FORCE | packages
	@mkdir -p $(@D)
	@content='$(strip $(CONTENT))'; echo "$$content" | cmp -s - $@ || echo "$$content" >$@

packages:
ifneq ($(filter-out 0 1,$(CUDA)),)
	@echo 'headroom: error: CUDA=$(CUDA) is neither CUDA=1 nor CUDA=0' >&2; exit 1
else ifeq ($(CUDA)$(TOOLKIT),1)
	@echo "headroom: error: CUDA=1 needs nvcc and cuBLAS's headers in CUDA_HOME, in PATH or in /usr/local/cuda:" \
	    "install NVIDIA's CUDA toolkit, 11.8 or later, or build with CUDA=0" >&2; exit 1
endif
	@harness/install_packages.sh

-include $(CHECKED:%.c=$(B)/%.d) $(KERNELS:%=$(B)/%.d)
