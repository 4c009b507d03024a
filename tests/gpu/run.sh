#!/bin/sh
# On a machine with a card: builds this source tree with the CUDA that is there, runs `make test-gpu` and
# leaves one log of both. No data set is needed, and no package is installed.
#
#   tests/gpu/run.sh [LOG]                gpu.log
#   HEADROOM_PREFIX=FOLDER                has bin, include, lib and lib/pkgconfig of the libraries, where
#                                         they are not installed
#   REVISION=TEXT                         what the log says was tested, in a tree without git
set -u
log=$(realpath "${1:-gpu.log}")
cd "$(dirname "$0")/../.." || exit 1

libraries=
if [ -n "${HEADROOM_PREFIX:-}" ]; then
    prefix=$(realpath "$HEADROOM_PREFIX")
    export PATH="$PATH:$prefix/bin" PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
    export C_INCLUDE_PATH="$prefix/include${C_INCLUDE_PATH:+:$C_INCLUDE_PATH}"
    export LIBRARY_PATH="$prefix/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
    # An RPATH, which libraries' own libraries are looked up in too; a RUNPATH is for one step.
    libraries="-Wl,--disable-new-dtags,-rpath,$prefix/lib"
fi

# `-o packages`: neither gnuplot nor sqlite3 is asked for, which no test of a card runs.
run() { # target
    make -o packages CUDA=1 LDFLAGS="$libraries" ${REVISION:+"REVISION=$REVISION"} "$1"
}

# A pipe would keep tee's status.
{ { run build && run test-gpu; echo "exit $?"; } 2>&1 | tee "$log"; } || exit
[ "$(tail -n 1 "$log")" = 'exit 0' ]
