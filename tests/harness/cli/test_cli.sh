#!/bin/sh
# The program as a user meets it. Each NAME.cli here is one behaviour: a shell script, then, after
# lines of three dashes, the stdout, stderr and exit status it must have (a part that is left out must
# be empty, or 0). Scripts run in a private folder that holds a copy of tiny.yaml; `headroom` is
# the program just built. What changes from run to run is edited out by the script itself. Files may be
# named; `tests/run.sh tests/harness/cli/NAME.cli` names one.
root=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset HEADROOM_DATA
export HEADROOM_CACHE=
export COLUMNS=1000 # so that a sentence is one line; what fits 80 columns is tested by itself
mkdir "$scratch/bin" && ln -s "${HEADROOM:-$root/headroom}" "$scratch/bin/headroom"

run_case() { # file.cli
    rm -rf "$scratch/case" && mkdir -p "$scratch/case/folder" && cd "$scratch/case" || return 1
    cp "$root/tests/harness/cli/tiny.yaml" folder/
    printf 0 >want_status && : >want_stdout && : >want_stderr
    awk '/^--- (stdout|stderr|status)$/ { part = "want_" $2; printf "" >part; next }
         { print >(part ? part : "script") }' "$1"
    (cd folder && PATH="$scratch/bin:$PATH" sh ../script >../stdout 2>../stderr </dev/null)
    echo $? >status
    same=0
    for part in status stdout stderr; do
        [ "$(cat want_$part)" = "$(cat $part)" ] || { same=1; diff -u want_$part $part; }
    done
    return $same
}

if [ $# = 0 ]; then set -- tests/harness/cli/*.cli; fi
echo "1..$#"
number=0
for file; do
    number=$((number + 1))
    name=$(basename "$file" .cli)
    if run_case "$root/$file"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
done
