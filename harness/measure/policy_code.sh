#!/bin/sh
# The methods and a hash of the files that are each one's own: "NAME HASH NAME HASH ...". A method's own
# files are the one that defines it, what that includes from models/policies, and the .c of each such header,
# of which the same holds; what only a card runs has a hash of its own. An edit of one of them makes the
# results of these methods old, and of no other; what all methods share is hashed by the Makefile.
set -eu
LC_ALL=C
export LC_ALL
cd models/policies

hash_own_files() { # file
    found=$1
    set -- "$1"
    while [ $# -gt 0 ]; do
        # shellcheck disable=SC2013 # names of headers have no blanks
        for header in $(sed -n 's,^#include "models/policies/\(.*\)".*,\1,p' "$1"); do
            for file in "$header" "${header%.h}.c"; do
                case " $found " in *" $file "*) continue ;; esac
                [ -e "$file" ] || continue
                case $file in *_cuda.*) continue ;; esac
                found="$found $file"
                set -- "$@" "$file"
            done
        done
        shift
    done
    # shellcheck disable=SC2086 # a list
    cat $found | sha256sum | cut -c 1-64
}

for method in *.c; do
    # Options and tensors have names too, but not in a struct policy_ops.
    name=$(sed -n '/struct policy_ops policy_/,$ s/^ *\.name = "\(.*\)",$/\1/p' "$method" | head -n 1)
    [ -z "$name" ] || printf '%s %s ' "$name" "$(hash_own_files "$method")"
done
