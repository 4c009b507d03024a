#!/bin/sh
# The arrows between the rooms of the house: prints the table "includes by room", then every include
# that breaks a rule, with file and line; exit status 1 if there is one. Arrows point down only, so that
# a room can be read, tested and changed without those above it.
#
#   tests/build/includes.sh [folder]      of this tree, or of the one in the folder
#
# A folder that is not in the list is an error: a new room must say where it stands. Tests include what
# they like, some measure one room with another, but nothing includes a test.
set -eu
cd "${1:-.}"

# folder, level, room. A file may include from its own room and from rooms of a lower level.
export rooms='
models/base      1  models/base
models           2  models
models/cpu       2  models
models/cuda      2  models
models/policies  2  models
workloads/data   3  workloads/data
harness/table    4  harness/table
harness/record   4  harness/record
harness/config   5  harness/config
harness/measure  6  harness/measure
harness/store    7  harness/store
harness/trial    8  harness/trial
harness/bench    8  harness/bench
harness/plot     8  harness/plot
harness/compare  8  harness/compare
harness/report   9  harness/report
harness/sweep    9  harness/sweep
harness/cli      10 harness/cli
'

# How the name of a library's header begins, and who may include it: one folder, but for the kernels of methods.
export libraries='
cblas      models/cpu
openblas   models/cpu
dnnl       models/cpu
oneapi     models/cpu
cuda       models/cuda,models/policies
cublas     models/cuda
nvml       models/cuda
yaml.h     harness/config
papi       harness/measure
sde_lib    harness/measure
sqlite3    harness/store
'

# What was built, fetched or kept for git is no source.
find . -path './build*' -prune -o -path ./data -prune -o -path ./.git -prune -o \
    \( -name '*.c' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -exec awk '
    function folder_of(path) { return sub(/\/[^\/]*$/, "", path) ? path : "." }
    function broken(rule) { wrong[++n_wrong] = file ":" FNR ": error: " rule }
    BEGIN {
        n = split(ENVIRON["rooms"], word)
        for (i = 1; i < n; i += 3) {
            level[word[i]] = word[i + 1]
            room[word[i]] = word[i + 2]
            if (word[i + 2] != order[n_rooms]) order[++n_rooms] = word[i + 2]
        }
        n = split(ENVIRON["libraries"], word)
        for (i = 1; i < n; i += 2) only[word[i]] = word[i + 1]
    }
    FNR == 1 {
        file = substr(FILENAME, 3)
        from = folder_of(file)
        is_test = file ~ /^tests\//
        if (!is_test && !(from in room)) broken(from " is no room that tests/build/includes.sh knows")
    }
    !is_test && /^[ \t]*#[ \t]*include/ {
        name = $0
        quoted = sub(/^[^<"]*"/, "", name) || !sub(/^[^<"]*</, "", name)
        sub(/[>"].*/, "", name)
        for (library in only)
            if (index(name, library) == 1 && !index("," only[library] ",", "," from ","))
                broken("only " only[library] " includes " name)
        to = folder_of(name)
        if (to in room && from in room) {
            count[room[from], room[to]]++
            if (room[from] != room[to] && level[from] <= level[to])
                broken(room[from] " may not include " name)
        } else if (quoted)
            broken(name " is no file of a room, named from the top")
    }
    END {
        print "from             to               includes"
        for (i = 1; i <= n_rooms; i++)
            for (j = 1; j <= n_rooms; j++)
                if (count[order[i], order[j]])
                    printf "%-16s %-16s %8d\n", order[i], order[j], count[order[i], order[j]]
        for (i = 1; i <= n_wrong; i++) print wrong[i]
        exit n_wrong > 0
    }' {} +
