#!/bin/sh
# Threads of a block share memory without races: compute-sanitizer's racecheck.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
. tests/gpu/sanitizer.sh

racecheck_finds_nothing() {
    sanitizer_finds_nothing racecheck
}

behaviours racecheck_finds_nothing
