#!/bin/sh
# Writes the parity cases with the engine's numbers and has PyTorch compute them again: prints the
# report, or with a second argument writes golden files there. Without PyTorch it says so and skips.
#
# Usage: tests/parity/parity.sh PYTHON [GOLDEN_FOLDER]      (from the top, see make parity)
set -eu
python=$1
if ! command -v "$python" >/dev/null || ! "$python" -c 'import torch' 2>/dev/null; then
    echo "SKIP $python has no PyTorch: on Debian and Ubuntu apt-get install python3-torch"
    exit 0
fi
cases=$(mktemp -d)
trap 'rm -rf "$cases"' EXIT
build/tests/parity/test_parity --write "$cases"
if [ $# -gt 1 ]; then
    mkdir -p "$2"
    "$python" -B tests/parity/compare.py --golden "$2" "$cases"/*
else
    "$python" -B tests/parity/compare.py "$cases"/*
fi
