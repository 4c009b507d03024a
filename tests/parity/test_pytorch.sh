#!/bin/sh
# The comparison itself: it agrees, it notices a number that does not, and it says what is missing.
. tests/build/tap.sh
scratch=${scratch:?}
python=/usr/bin/python3

without_pytorch_it_says_how_to_get_it() {
    tests/parity/parity.sh "$scratch/absent" >"$scratch/said"
    grep -q '^SKIP .*apt-get install python3-torch' "$scratch/said"
}

# Prints the report; skips without PyTorch.
compare() {
    status=0
    tests/parity/parity.sh $python >"$scratch/said" || status=$?
    cat "$scratch/said"
    reason=$(sed -n 's/^SKIP //p' "$scratch/said")
    [ -z "$reason" ] || skip "$reason"
    return $status
}

engine_and_pytorch_agree() {
    compare
    grep -q '^gradient.layers.\*.attn.q.weight ' "$scratch/said"
}

golden_files_hold_what_pytorch_says() {
    compare >/dev/null
    $python -B tests/parity/compare.py tests/parity/golden/*
    tests/parity/parity.sh $python "$scratch"
    rm "$scratch/said"
    [ "$(ls "$scratch")" = "$(ls tests/parity/golden)" ]
}

# The high byte of a number among the last gradients of a case.
a_wrong_number_is_noticed() {
    compare >/dev/null
    build/tests/parity/test_parity --write "$scratch"
    case=$scratch/fixed.safetensors
    size=$(wc -c <"$case")
    printf '\100' | dd of="$case" bs=1 seek=$((size - 397)) conv=notrunc 2>/dev/null
    ! $python -B tests/parity/compare.py "$case" >"$scratch/said" || return 1
    grep -q 'fixed differs by .*, the limit is' "$scratch/said"
}

behaviours without_pytorch_it_says_how_to_get_it engine_and_pytorch_agree \
    golden_files_hold_what_pytorch_says a_wrong_number_is_noticed
