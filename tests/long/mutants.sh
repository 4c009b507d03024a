#!/bin/sh
# Every bug of tests/mutation/bugs.txt, of which `make test` plants a few: each makes the tests fail that
# it names, and without it these pass.
MUTANTS=${MUTANTS:-all} exec tests/mutation/test_mutation.sh
