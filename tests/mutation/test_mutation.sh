#!/bin/sh
# A test of the tests: a bug planted in a copy of a source must make a named test fail (bugs.txt). The
# text that a bug replaces has to stand in its file exactly once: one that no longer reaches the code
# is an error here and cannot rot. Only the file with the bug is compiled, at -O1, and linked ahead of
# the archive, whose own copy it replaces; of the test, only the named behaviour is run.
#
# `make test` plants one bug of each room, another one after each commit. MUTANTS=all, as in
# `make test-long`, plants them all, and shows first that every named test passes without them;
# MUTANTS='name name' plants those. A bug that survives is a missing test.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
house=$scratch.house # the copy, the table cut up, and objects: kept from one bug to the next
trap 'rm -rf "$scratch" "$house"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 HEADROOM_CACHE=
bugs=$house/bugs

# Each line "key value" of bugs.txt as a file NAME/key; an empty line ends a bug.
cut_table() { # table
    awk -v into="$bugs" '
        /^#/ || NF == 0 { next }
        $1 == "bug" { name = $2; system("mkdir -p " into "/" name); print name >(into "/names"); next }
        { at = into "/" name "/" $1; sub(/^[a-z]+ */, ""); print >at }' "$1"
}

# Writes into the house the file with `text`, which must stand in it once, replaced by `bug`.
plant() { # file text bug
    mkdir -p "$house/$(dirname "$1")"
    text=$2 bug=$3 awk '
        { while (at = index($0, ENVIRON["text"])) {
              n++
              done = done substr($0, 1, at - 1) ENVIRON["bug"]
              $0 = substr($0, at + length(ENVIRON["text"]))
          }
          print done $0
          done = "" }
        END { if (n != 1) {
                  print FILENAME ": \"" ENVIRON["text"] "\" stands there " n + 0 " times" >"/dev/stderr"
                  exit 1
              } }
    ' "$1" >"$house/$1" 2>"$scratch/said" || { cat "$scratch/said" && return 1; }
}

# A text of results/ becomes an array of bytes, as in the Makefile.
compile() { # file object, in the house
    case $1 in
    *.sql)
        array=$(echo "$1" | tr /. __)
        {
            echo "extern const char ${array}[]; const char ${array}[] = {"
            od -An -v -tx1 "$house/$1" | sed "s/ *\([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"
            echo '0};'
        } >"$house/text.c"
        ${CC:-cc} "@build/flags" -w -c "$house/text.c" -o "$2"
        ;;
    *) ${CC:-cc} -I"$house" "@build/flags" -O1 -g0 -w -c "$house/$1" -o "$2" ;;
    esac
}

# Runs one behaviour of a test with the named objects in place of the archive's; what it says
# is in $scratch/said. One of the program is a .cli file; the others are programs of their own.
run_test() { # test behaviour object...
    test=$1
    behaviour=$2
    shift 2
    object=build/tests/$test.o
    main="$house/only.o -lcmocka"
    if [ "${test%.cli}" != "$test" ]; then
        object=build/harness/cli/main.o
        main=
    elif [ -z "$(find "$object" -newer "tests/$test.c" 2>/dev/null)" ]; then
        object=$house/$(echo "$test" | tr / _).o
        [ -e "$object" ] || ${CC:-cc} "@build/flags" -O1 -g0 -w -c "tests/$test.c" -o "$object"
    fi
    # shellcheck disable=SC2086 # none or two
    ${CC:-cc} "@build/flags" "$@" "$object" build/headroom.a $main @build/libraries -Wl,-S -o "$scratch/test"
    if [ "$main" ]; then # errors apart: their lines may have no end
        ONLY=$behaviour timeout 600 "$scratch/test" >"$scratch/said" 2>"$scratch/errors" || true
    else
        HEADROOM=$scratch/test timeout 600 tests/harness/cli/test_cli.sh "tests/$test" >"$scratch/said" 2>&1 || true
    fi
}

# A program does only what ONLY names.
make_only() {
    cat >"$house/only.c" <<'END'
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
static void __attribute__((constructor)) only(void) {
    const char *name = getenv("ONLY");
    if (name && *name) cmocka_set_test_filter(name);
}
END
    ${CC:-cc} "@build/flags" -g0 -c "$house/only.c" -o "$house/only.o"
}

# A behaviour of a device is named as in "far device: NAME".
was() { # "ok" or "not ok", behaviour
    grep -q "^$1 [0-9]* - $2\$" "$scratch/said"
}

# Some bugs show only where the build has what they name (build/flags).
can_be_seen() { # name
    [ ! -e "$bugs/$1/needs" ] || grep -q -- "-D$(cat "$bugs/$1/needs")=1" build/flags
}

# Plants one bug; passes if every named behaviour fails for it. One in a header is compiled with a
# source that includes it.
is_caught() { # name
    bug=$bugs/$1
    file=$(cat "$bug/in")
    can_be_seen "$1" || skip "this build has no $(cat "$bug/needs"), without which the bug shows nowhere"
    plant "$file" "$(cat "$bug/text")" "$(cat "$bug/with")" || return 1
    source=$(cat "$bug/through" 2>/dev/null) || source=$file
    [ -e "$house/$source" ] || cp "$source" "$house/$source"
    compile "$source" "$scratch/bug.o"
    rm "$house/$file"
    while read -r test behaviour; do
        run_test "$test" "$behaviour" "$scratch/bug.o" </dev/null
        was 'not ok' "$behaviour" && continue
        tail -n 20 "$scratch/said" | sed 's/^/  /' # no TAP of this one
        echo "'$(cat "$bug/with")' in $file is not caught by $behaviour of $test"
        return 1
    done <"$bug/fails"
}

# A pattern that has gone is told also where its bug is not planted today.
every_bug_still_has_its_place() {
    status=0
    while read -r name; do
        plant "$(cat "$bugs/$name/in")" "$(cat "$bugs/$name/text")" '' || { echo "($name)" && status=1; }
        rm "$house/$(cat "$bugs/$name/in")"
        [ -s "$bugs/$name/fails" ] || { echo "$name names no test" && status=1; }
    done <"$bugs/names"
    return $status
}

# Every source that is to have a bug, compiled and linked as with one, and every behaviour that is to fail.
without_a_bug_every_test_passes() {
    cat "$bugs"/*/fails | cut -d' ' -f1 | sort -u >"$scratch/tests"
    while read -r test; do
        objects=
        for file in $(grep -l "^$test " "$bugs"/*/fails | while read -r bug; do
            cat "$(dirname "$bug")/through" 2>/dev/null || cat "$(dirname "$bug")/in"; done | sort -u); do
            object=$scratch/$(echo "$file" | tr / _).o
            mkdir -p "$house/$(dirname "$file")"
            cp "$file" "$house/$file"
            [ -e "$object" ] || compile "$file" "$object"
            rm "$house/$file"
            objects="$objects $object"
        done
        sed -n "s,^$test ,,p" "$bugs"/*/fails | sort -u | while read -r behaviour; do
            # shellcheck disable=SC2086 # a list
            run_test "$test" "$behaviour" $objects </dev/null
            was ok "$behaviour" || { cat "$scratch/said" && echo "$test has no passing $behaviour" && return 1; }
        done
    done <"$scratch/tests"
}

text_that_is_not_there_once_is_an_error() {
    ! plant models/cpu/attention.c 'no such text' '' >"$scratch/talk" || return 1
    grep -q 'attention.c: "no such text" stands there 0 times' "$scratch/talk"
    ! plant models/cpu/attention.c 'head->scores' '' >"$scratch/talk" || return 1
    grep -q 'stands there [1-9][0-9]* times' "$scratch/talk"
}

bug_that_changes_nothing_is_not_caught() {
    mkdir -p "$bugs/nothing"
    cd "$bugs/nothing"
    echo models/cpu/attention.c >in
    echo '(dp[j] - delta)' >text
    echo '(dp[j] + -delta)' >with
    echo 'models/test_gradients fixed_heads' >fails
    cd "$root"
    ! is_caught nothing >"$scratch/talk" || return 1
    rm -r "$bugs/nothing"
    was ok fixed_heads || return 1
    grep -q 'is not caught by fixed_heads' "$scratch/talk"
}

# One bug of each folder that this build can show, in turn from commit to commit.
one_of_each_room() {
    turn=$(git rev-list --count HEAD 2>/dev/null) || turn=0
    while read -r name; do can_be_seen "$name" && echo "$(dirname "$(cat "$bugs/$name/in")") $name"; done <"$bugs/names" |
        awk -v turn="$turn" '
            !n[$1]++ { room[++rooms] = $1 }
            { bug[$1, n[$1] - 1] = $2 }
            END { for (i = 1; i <= rooms; i++) print bug[room[i], turn % n[room[i]]] }'
}

mkdir -p "$bugs" && make_only && cut_table tests/mutation/bugs.txt
case ${MUTANTS:-} in
'') chosen=$(one_of_each_room) ;;
all) chosen="without_a_bug_every_test_passes $(cat "$bugs/names")" ;;
*) chosen=$MUTANTS ;;
esac
while read -r name; do eval "$name() { is_caught $name; }"; done <"$bugs/names"
# shellcheck disable=SC2086 # a list
behaviours text_that_is_not_there_once_is_an_error every_bug_still_has_its_place \
    bug_that_changes_nothing_is_not_caught $chosen
