# shellcheck shell=sh
# For the tests of this folder, which source it after tests/build/tap.sh.

# Skips where there is no card, and says why.
needs_card() {
    grep -q HAVE_CUDA build/flags || skip 'the program was built without CUDA: no nvcc was found, or CUDA=0'
    command -v nvidia-smi >/dev/null || skip "there is no NVIDIA driver here: no nvidia-smi in PATH"
    nvidia-smi -L 2>&1 | grep '^GPU ' || skip 'nvidia-smi finds no card'
}
