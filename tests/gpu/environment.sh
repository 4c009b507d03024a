#!/bin/sh
# What `make test-gpu` runs on, printed before its results: revision, cards, driver, compilers, flags.
# shellcheck disable=SC2016 # expanded by the shells below
tell() { # what command
    printf '%-9s %s\n' "$1" "$(sh -c "$2" 2>&1)"
}

tell revision 'cat build/revision'
tell cards 'nvidia-smi -L'
tell driver 'nvidia-smi --query-gpu=driver_version --format=csv,noheader | sort -u'
tell nvcc 'nvcc=$(cut -d " " -f 1 build/nvcc_flags) && "$nvcc" --version | grep release'
tell compiler 'cc --version | head -n 1'
tell flags 'cat build/flags'
tell kernels 'cat build/nvcc_flags'
tell system 'uname -sr; nproc'
