#!/bin/sh
# Holds the skips of a run of tests to their budget: .ci/skips.sh COLUMN [BUDGET [SKIPS]]. COLUMN is a heading
# of the budget, .ci/skips.txt, and SKIPS what tests/run.sh left of the run, a line for each. Prints a line
# for each reason, with how many skip for it and how many may, and fails where one is exceeded.
set -eu
column=$1 budget=${2:-.ci/skips.txt} skips=${3:-build/tests/skips}
[ -e "$skips" ] || { echo "$skips is not there: no test was run" >&2; exit 1; }
awk -v column="$column" '
    FNR == NR && /^# full /   { for (i = 2; i <= NF; i++) if ($i == column) at = i - 1; next }
    FNR == NR && (/^#/ || !NF) { next }
    FNR == NR && !at          { print "there is no column " column " in the budget"; bad = 1; exit }
    FNR == NR                 { most[++n] = $at; sub(/^ *[0-9]+ +[0-9]+ +[0-9]+ +/, ""); reason[n] = $0; next }
    {
        for (i = 1; i <= n; i++) if (index($0, reason[i])) { seen[i]++; next }
        print "no skip is allowed for this reason: " $0
        bad = 1
    }
    END {
        for (i = 1; i <= n; i++) {
            if (seen[i]) printf "%d of %d may skip: %s\n", seen[i], most[i], reason[i]
            if (seen[i] > most[i]) { print "more skip than may: " reason[i]; bad = 1 }
        }
        exit bad
    }' "$budget" "$skips"
