#!/bin/sh
# What the READMEs and the pages beside them promise: links lead somewhere, targets and commands exist,
# the quoted query gives the quoted answer on the published results, and the examples run as they stand.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

# Every page, in a checkout or without git.
pages=$(find . -path './build*' -prune -o -path ./data -prune -o -path ./.git -prune -o \
    -name '*.md' -print)

# The n-th fenced block of a language in a file.
block() { # file language n
    awk -v want="\`\`\`$2" -v n="$3" '
        $0 == want { seen++; inside = seen == n; next }
        /^```/     { inside = 0 }
        inside' "$1"
}

# The block after the n-th block of a language: what it prints.
answer() { # file language n
    awk -v want="\`\`\`$2" -v n="$3" '
        $0 == want && ++seen == n { armed = 1; next }
        armed && /^```$/          { if (++fences == 3) exit; next }
        armed && fences == 2' "$1"
}

# The names that a page's headings have in links: small letters, digits, _ and -, blanks as -.
anchors() { # file
    awk '/^```/ { code = !code } /^#+ / && !code { sub(/^#+ /, ""); print tolower($0) }' "$1" |
        sed 's/[^a-z0-9_ -]//g; s/ /-/g'
}

# Files and the headings in them, each of which is a page's own where no file is named.
every_link_leads_somewhere() {
    for file in $pages; do
        awk '/^```/ { code = !code } !code' "$file" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' | grep -v '^https:' |
            while read -r link; do
                target=$(dirname "$file")/${link%%#*}
                [ -n "${link%%#*}" ] || target=$file
                test -e "$target" || { echo "$file: no $link" && return 1; }
                case $link in *"#"*)
                    anchors "$target" | grep -qxF -e "${link#*#}" || { echo "$file: no heading $link" && return 1; } ;;
                esac
            done
    done
}

# A page that nothing leads to is read by nobody.
every_page_is_linked_to() {
    for file in $pages; do
        case $file in
        ./README.md | */golden/*) continue ;;
        esac
        name=$(basename "$file")
        folder=$(basename "$(dirname "$file")")
        # shellcheck disable=SC2086 # a list
        grep -qE "[](/ ]((.*/)?${folder}/)?${name}[)#]" $pages || { echo "nothing links to $file" && return 1; }
    done
}

# In sources a page is named from the top of the repository.
every_page_that_a_source_cites_exists() {
    grep -rhoE '[a-z_/]+/[A-Za-z_-]+\.md' --include='*.[ch]' --include='*.sql' models workloads harness results |
        sort -u >"$scratch/cited"
    test -s "$scratch/cited"
    while read -r page; do test -e "$page" || { echo "no $page" && return 1; }; done <"$scratch/cited"
}

# A table names a file with its ending or without, many by one pattern, and parts of a file by how they end (`_source.c`).
# Of policies it names the shared ones; the methods are the registry's.
every_file_of_a_room_is_in_its_table() {
    for room in harness/*/ models/ models/base/ models/cpu/ models/cuda/ workloads/base/ workloads/data/; do
        # shellcheck disable=SC2016 # backquotes of Markdown
        { grep -o '`[^`]*`' "$room/README.md" | tr -d '`' | tr -s ', ' '\n'
          grep -o '([a-z_]*\.md)' "$room/README.md" | tr -d '()'; } >"$scratch/named"
        find "$room" -maxdepth 1 -name '*.*' ! -name README.md -type f | sed 's|.*/||' | awk -v room="$room" '
            function bare(name) { sub(/\.[a-z]+$/, "", name); return name }
            FNR == NR { named[$0]; named[bare($0)]; next }
            $0 in named || bare($0) in named { next }
            {
                for (name in named) {
                    part = bare(name)
                    if (part ~ /^_/ && substr($0, length(bare($0)) - length(part) + 1, length(part)) == part) next
                    if (name !~ /[a-z].*\*|\*.*[a-z]/) continue
                    gsub(/\./, "[.]", name); gsub(/\*/, ".*", name)
                    if ($0 ~ "^" name "$" || bare($0) ~ "^" name "$") next
                }
                print room "README.md does not name " $0
                missing = 1
            }
            END { exit missing }' "$scratch/named" -
    done
}

# shellcheck disable=SC2086 # a list
every_make_target_exists() {
    grep -hoE '(^|`)make [a-z0-9-]+' $pages | tr -d '`' | sort -u | while read -r _ target; do
        grep -q "^$target:" Makefile || { echo "no target '$target'" && return 1; }
    done
}

every_command_has_a_row_of_the_page_of_commands() {
    ./headroom --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v '^headroom$' >"$scratch/commands"
    test "$(wc -l <"$scratch/commands")" -gt 20
    while read -r command; do
        grep -qE "^\| .*\`(\./headroom )?${command}[ \`]" harness/commands.md || { echo "no row for $command" && return 1; }
    done <"$scratch/commands"
}

# shellcheck disable=SC2086 # a list
every_command_explains_itself() {
    grep -ho '\./headroom [a-z]\+' $pages | sort -u | while read -r _ command; do
        ./headroom "$command" --help | grep -q usage || { echo "no command '$command'" && return 1; }
    done
}

the_quoted_query_gives_the_quoted_answer() {
    block README.md sql 1 >"$scratch/query.sql"
    answer README.md sql 1 >"$scratch/quoted"
    test -s "$scratch/quoted"
    sqlite3 -cmd '.mode csv' -cmd '.import results/published/accuracy_vs_budget.csv accuracy_vs_budget' \
        -cmd '.mode column' -cmd '.headers on' "$scratch/p.db" <"$scratch/query.sql" |
        sed 's/ *$//' | diff "$scratch/quoted" -
}

# The published table has numbers as text; on a real database the same query must work as well.
the_quoted_query_works_on_a_database() {
    cat results/tables.sql results/views.sql tests/plots/fixture.sql | sqlite3 "$scratch/f.db" >/dev/null
    test "$(block README.md sql 1 | sqlite3 "$scratch/f.db" | wc -l)" -ge 4
}

# "2.8 heads more for 70 classes of ... than for 9", of the published table.
the_quoted_growth_with_the_classes_is_the_published_one() {
    tr '\n' ' ' <results/published/README.md | grep -oE '[0-9.]+ +(heads +)?more +for +[0-9]+[^(]* than +for +[0-9]+' |
        grep -oE '^[0-9.]+|for +[0-9]+' | tr -d 'for ' | paste - - - >"$scratch/quoted"
    test "$(wc -l <"$scratch/quoted")" -eq 4
    while read -r more fine coarse; do
        sqlite3 -cmd '.mode csv' -cmd '.import results/published/granularity_accuracy.csv t' :memory: "
            SELECT 1 / (count(*) = 1) FROM t AS f JOIN t AS c USING (corpus, arm)
            WHERE arm = 'budgetformer-0.1' AND f.n_classes = '$fine' AND c.n_classes = '$coarse'
              AND round(f.mean_heads - c.mean_heads, 1) = $more" |
            grep -qx 1 || { echo "$more $fine $coarse" && return 1; }
    done <"$scratch/quoted"
}

every_example_file_is_valid() {
    for file in workloads/README.md harness/config/workload_file.md; do
        block "$file" yaml 1 >"$scratch/my.yaml"
        test -s "$scratch/my.yaml"
        ./headroom validate "$scratch/my.yaml"
    done
}

# The walk as it stands, in a folder of its own, but with fewer tickets, a smaller model, less training and fewer timed
# passes. The program is the one under test: there are no sources here from which make could build it.
your_own_workload_becomes_a_figure() {
    mkdir -p "$scratch/home/results"
    for part in headroom harness plots Makefile results/queries; do
        ln -s "$root/$part" "$scratch/home/$part"
    done
    { block README.md sh 1; block README.md sh 2; } >"$scratch/walk"
    test "$(grep -c '^\./headroom\|^make' "$scratch/walk")" -eq 5
    sed -i 's/i < 3000/i < 240/; s/^make plots/make --assume-old=headroom plots/
        s/^\.\/headroom sweep tickets.yaml/& --no-ceiling/; /^\.\/headroom sweep/i \
        sed -i "s/dim: 64/dim: 8/; s/epochs: 8/epochs: 1/; s/^seeds: .*/seeds: [1, 2]/ \
            \\$ a profile: {repeats: 20, blocks: 2, batch_sizes: [1], again: 0}" tickets.yaml' "$scratch/walk"
    block README.md yaml 1 >"$scratch/home/small.yaml"
    cd "$scratch/home"
    unset HEADROOM_DATA
    sh -e ../walk >../out 2>&1 || { cat ../out && return 1; }
    grep -q '^tickets / fixed-1' ../out
    grep -q '^fixed-8  *8.0' ../out
    grep -q 'tickets' results/figures/accuracy_vs_budget.svg
    ./headroom sweep tickets.yaml 2>&1 | grep -q 'nothing to do'
    ./headroom sweep small.yaml --filter 'heads-1/1$' --no-profile 2>/dev/null | grep -q '^tickets-small / heads-1'
}

# No machine used in development has a PMU or RAPL; whoever has one must learn that before trusting it.
what_is_untested_on_hardware_is_labelled() {
    for file in README.md harness/on_other_machines.md harness/measure/README.md results/README.md; do
        grep -q 'untested on hardware' "$file"
    done
    ./headroom doctor --db "$scratch/a.db" | grep -q 'Untested on hardware: hardware counters and RAPL energy'
}

# What this system has of a row of the table of versions.
version_of() {
    case $1 in
    gcc*) gcc -dumpfullversion ;;
    'GNU make') make --version | sed -n '1s/.* //p' ;;
    OpenBLAS) pkg-config --modversion openblas ;;
    oneDNN*) echo '#include <dnnl_version.h>
        = DNNL_VERSION_MAJOR.DNNL_VERSION_MINOR' | cc -E -P - | tail -n 1 | tr -d '= ' ;;
    PAPI*) pkg-config --modversion papi ;;
    libyaml) pkg-config --modversion yaml-0.1 ;;
    SQLite) pkg-config --modversion sqlite3 ;;
    zlib) pkg-config --modversion zlib ;;
    cmocka) pkg-config --modversion cmocka ;;
    gnuplot) gnuplot --version | cut -d ' ' -f 2 ;;
    *) echo "of no known package" ;;
    esac
}

# On a system that the table names. What is not installed, or from elsewhere, is not this system's: PAPI_DIR, clang.
# shellcheck disable=SC1091 # of this system
the_table_of_versions_is_true_of_this_system() {
    page=harness/on_other_machines.md
    awk '/^\| package \| oldest/ { inside = 1 } inside && !/^\|/ { exit } inside' "$page" >"$scratch/table"
    grep -q "^| SQLite | $(awk '$3 " " $4 == "library sqlite3" { print $5 }' harness/install_packages.sh), " "$scratch/table"
    grep -q "^| PAPI [^|]*| $(sed -n 's/^PAPI .*--atleast-version=\([0-9.]*\) .*/\1/p' Makefile);" "$scratch/table"
    system=$(. /etc/os-release && echo "$ID $VERSION_ID")
    column=$(awk -F ' *[|] *' -v name="$system" \
        'NR == 1 { for (i = 4; i < NF; i++) if (tolower($i) == name) print i }' "$scratch/table")
    [ -n "$column" ] || { echo "$page says nothing of $system" && return; }
    sed 1,2d "$scratch/table" | awk -F ' *[|] *' -v column="$column" '{ print $2 "|" $column }' >"$scratch/cells"
    while IFS='|' read -r package cell; do
        version=$(version_of "$package" 2>/dev/null) || version=
        case $version. in
        . | "${cell%:*}".*) ;; # absent, or as written
        *) echo "$package is $version on $system; $page says $cell" && return 1 ;;
        esac
    done <"$scratch/cells"
}

behaviours every_link_leads_somewhere every_page_is_linked_to every_file_of_a_room_is_in_its_table \
    every_page_that_a_source_cites_exists every_make_target_exists \
    every_command_explains_itself every_command_has_a_row_of_the_page_of_commands \
    the_quoted_query_gives_the_quoted_answer the_quoted_query_works_on_a_database \
    the_quoted_growth_with_the_classes_is_the_published_one \
    every_example_file_is_valid what_is_untested_on_hardware_is_labelled the_table_of_versions_is_true_of_this_system \
    your_own_workload_becomes_a_figure
