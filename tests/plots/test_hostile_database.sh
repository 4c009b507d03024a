#!/bin/sh
# A results database from a stranger: whatever its names look like is drawn letter by letter, its views and
# triggers count for nothing, and neither makes a file or changes the database.
# shellcheck disable=SC2317 # behaviours are called by name
# shellcheck disable=SC2016,SC1003 # names that look like commands and escapes are meant letter by letter
. tests/build/tap.sh
scratch=${scratch:?}

# What shells, SQLite's shell, gnuplot and SVG might take for something else, one in a line. gnuplot runs in
# plots/, so a command that did run would leave its file there.
cat >"$scratch.names" <<'EOS'
$(touch ran)
$(touch${IFS}ran)
`touch ran`
"; system("touch ran"); "
'; system('touch ran') #
<touch ran
|touch ran
@mark_drawn
%s %d %g %%
{/Symbol a}_b^2 ~c
\n \\ \042 \
# <b>&amp;]]>
'';x''
EOS
trap 'rm -rf "$scratch" "$scratch.names"' EXIT

# What can be read in the SVG is not drawn three times.
draw() { # database folder [argument...]
    db=$1
    out=$2
    shift 2
    ./headroom plot --db "$db" --out "$out" --format svg "$@"
}

# In one transaction, since a file is synchronised after each.
database() { # file sql-file...
    file=$1
    shift
    { echo 'BEGIN;' && cat results/tables.sql results/views.sql tests/plots/fixture.sql tests/plots/inside.sql "$@" && echo '; COMMIT;'; } |
        sqlite3 -bail "$file" >"$scratch/sqlite.log"
}

nothing_ran() {
    test -z "$(find plots "$scratch" . -maxdepth 1 -name 'ran*')"
}

# What is written in a picture.
texts() { # picture
    sed -n 's/.*<text[^>]*>\(.*\)<\/text>.*/\1/p' "$1" | sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g'
}

# Arms, workloads, phases and machines that end in the n-th name; a tail of spaces is no matter.
names_of_the_stranger() {
    i=0
    while IFS= read -r name; do
        i=$((i + 1))
        quoted=$(printf %s "$name" | sed "s/'/''/g")
        cat <<SQL
INSERT INTO temp.name VALUES ($i, '$quoted');
SQL
    done <"$scratch.names"
}

names_are_drawn_letter_by_letter() {
    {
        echo 'CREATE TEMP TABLE name (i, text);'
        names_of_the_stranger
        cat <<'SQL'
UPDATE trial SET arm = arm || (SELECT text FROM name WHERE i = 1 + (trial.id / 3) % 13) WHERE kind = 'train';
UPDATE trial SET arm = (SELECT b.arm FROM trial b WHERE b.id = trial.base_trial_id) WHERE kind <> 'train';
UPDATE trial SET policy = 'own' || (SELECT text FROM name WHERE i = 3) WHERE policy = 'random';
UPDATE trial SET reason = reason || (SELECT text FROM name WHERE i = 6) WHERE status = 'skipped';
UPDATE workload SET name = name || (SELECT text FROM name WHERE i = 3 + workload.id);
UPDATE workload SET granularity = (SELECT text FROM name WHERE i = 7 + workload.id) WHERE id < 4;
UPDATE workload SET corpus = 'texts' || (SELECT text FROM name WHERE i = 11 + workload.id % 2);
UPDATE environment SET machine = machine || (SELECT text FROM name WHERE i = 2);
UPDATE trial SET arm = (SELECT text FROM name WHERE i = 13) || arm WHERE id % 4 = 0 AND kind = 'train';
UPDATE trial SET arm = 'e' || (SELECT text FROM name WHERE i = 11) WHERE workload_id = 2 AND arm =
    (SELECT min(arm) FROM trial WHERE workload_id = 2 AND kind = 'train');
UPDATE trial SET arm = (SELECT b.arm FROM trial b WHERE b.id = trial.base_trial_id) WHERE kind <> 'train';
UPDATE trial SET data_sha256 = 'd' WHERE workload_id = 2;
INSERT INTO class SELECT 'd', i - 11, text, 1, 1, 1 FROM name WHERE i > 10;
UPDATE counter SET reason = reason || (SELECT text FROM name WHERE i = 5);
SQL
    } >"$scratch/names.sql"
    database "$scratch/a.db" "$scratch/names.sql"
    draw "$scratch/a.db" "$scratch/out" >"$scratch/said"
    nothing_ran
    texts "$scratch/out/methods.svg" >"$scratch/methods"
    n=0
    for arm in $(sqlite3 "$scratch/a.db" "SELECT DISTINCT hex(arm) FROM trial WHERE status = 'ok' AND workload_id = 2
            AND length(arm) <= 36"); do # longer ones have their middle left out
        sqlite3 "$scratch/a.db" "SELECT CAST(x'$arm' AS TEXT)" >"$scratch/arm"
        sed 's/ *$//' "$scratch/methods" | grep -Fxq "$(sed 's/ *$//' "$scratch/arm")" || { cat "$scratch/arm" && return 1; }
        n=$((n + 1))
    done
    test "$n" -ge 8
    for picture in overview budget_by_layer; do
        texts "$scratch/out/$picture.svg" >"$scratch/found"
        for name in 'topic"; system("touch ran"); "' "offsets'; system('touch ran') #" 'mixed<touch ran'; do
            grep -Fq "$name" "$scratch/found"
        done
    done
    for picture in "$scratch/out"/budget_by_class.svg "$scratch/out"/head_usage*.svg; do texts "$picture"; done >"$scratch/found"
    for class in '\n \\ \042 \' '# <b>&amp;]]>'; do
        test "$(sed 's/ *$//' "$scratch/found" | grep -Fxc "$class")" -ge 2 || { echo "$class" && return 1; }
    done
    for picture in accuracy_vs_flops training memory budget_by_difficulty; do
        texts "$scratch/out/$picture.svg" | grep -Fq 'mixed<touch ran' || { echo "$picture" && return 1; }
    done
    texts "$scratch/out/energy.svg" | grep -Fq "offsets'; system('touch ran') #"
    texts "$scratch/out/accuracy_vs_budget.svg" | grep -Fq '({/Symbol a}_b^2 ~c, 2 classes)'
    texts "$scratch/out/accuracy_vs_budget.svg" | grep -Fq 'own`touch ran`'
    texts "$scratch/out/accuracy_vs_budget.svg" | grep -Fq '<touch ran'
    texts "$scratch/out/accuracy_vs_budget.svg" | grep -Fq 'measurement$(touch${IFS}ran)'
    # Attention is not shown to add anything here; without arms that run no heads nobody asks for it.
    sqlite3 "$scratch/a.db" "UPDATE trial SET current = 0 WHERE policy IN ('none', 'bag-of-words')"
    draw "$scratch/a.db" "$scratch/out" granularity >/dev/null
    texts "$scratch/out/granularity.svg" | grep -Fq 'texts\n \\ \042 \'
    texts "$scratch/out/granularity.svg" | grep -Fq 'texts# <b>&amp;]]>'
    texts "$scratch/out/overview.svg" | grep -Fq 'topic"; system("touch ran"); "'
    grep -Fq "shows no PMU'; system('touch ran') #" "$scratch/said"
}

line_breaks_controls_and_broken_letters_are_blanks_and_marks() {
    cat >"$scratch/odd.sql" <<'SQL'
UPDATE workload SET name = 'a' || char(10) || 'b' || char(9) || 'c' || char(1) || 'd' || char(127) || 'e'
    || char(133) || 'f' || char(8232) || 'g' || CAST(x'ff' AS TEXT) || 'h' || char(65535) || 'i µ' WHERE id = 2;
UPDATE trial SET arm = arm || char(10) || char(10) || char(10) || '9 9 9' || char(9) || '9' WHERE arm = 'fixed-4';
SQL
    database "$scratch/a.db" "$scratch/odd.sql"
    draw "$scratch/a.db" "$scratch/out" accuracy_vs_budget methods budget_by_layer overview
    for picture in accuracy_vs_budget methods budget_by_layer overview; do
        grep -q 'a b c d e f g�h i µ' "$scratch/out/$picture.svg"
    done
    grep -q '>fixed-4   9 9 9 9<' "$scratch/out/methods.svg"
    # As many rows and blocks as without line breaks.
    database "$scratch/b.db"
    draw "$scratch/b.db" "$scratch/plain" methods
    test "$(wc -l <"$scratch/out/data/methods.dat")" -eq "$(wc -l <"$scratch/plain/data/methods.dat")"
}

# Every text of every table at once, also those that decide what is shown: less is drawn, nothing runs.
any_text_may_be_anything() {
    database "$scratch/a.db"
    sqlite3 "$scratch/a.db" >"$scratch/all.sql" <<'SQL'
SELECT printf('UPDATE OR IGNORE "%w" SET "%w" = "%w" || char(10) || ''$(touch ran) `touch ran` "%%s" @a \n {b} system("touch ran")'';',
              t.name, c.name, c.name)
FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.type = 'TEXT';
SQL
    test "$(wc -l <"$scratch/all.sql")" -gt 30
    { echo 'BEGIN;' && cat "$scratch/all.sql" && echo 'COMMIT;'; } |
        sqlite3 "$scratch/a.db" 2>"$scratch/talk" # constraints refuse some
    draw "$scratch/a.db" "$scratch/out" >"$scratch/said"
    ./headroom plot accuracy_vs_budget --db "$scratch/a.db" --out "$scratch/out" >>"$scratch/said" # in every format
    nothing_ran
    test -s "$scratch/out/accuracy_vs_budget.pdf"
    texts "$scratch/out/accuracy_vs_budget.svg" | grep -Fq '$(touch ran) `touch ran`'
}

views_and_triggers_of_the_file_count_for_nothing() {
    database "$scratch/a.db"
    cp "$scratch/a.db" "$scratch/b.db"
    sqlite3 "$scratch/b.db" >"$scratch/views.sql" <<'SQL'
SELECT printf('DROP VIEW %s; CREATE VIEW %s AS SELECT edit(''x'', ''touch ran; true'') AS workload, writefile(''ran'', ''x'') AS arm;'
              || 'CREATE TRIGGER on_%s INSTEAD OF UPDATE ON %s BEGIN DELETE FROM trial; END;', name, name, name, name)
FROM sqlite_schema WHERE type = 'view';
SELECT printf('CREATE TRIGGER after_%s AFTER UPDATE ON %s BEGIN DELETE FROM trial; END;', name, name)
FROM sqlite_schema WHERE type = 'table';
SQL
    test "$(grep -c 'DROP VIEW' "$scratch/views.sql")" -gt 20
    { echo 'BEGIN;' && cat "$scratch/views.sql" && echo 'COMMIT;'; } | sqlite3 "$scratch/b.db"
    cp "$scratch/b.db" "$scratch/before.db"
    chmod a-w "$scratch/b.db"
    draw "$scratch/a.db" "$scratch/honest" >"$scratch/said"
    draw "$scratch/b.db" "$scratch/lying" | diff "$scratch/said" -
    diff -r "$scratch/honest" "$scratch/lying"
    nothing_ran
    cmp "$scratch/before.db" "$scratch/b.db"
}

a_path_is_only_a_path() {
    folder="$scratch/it's \`touch ran\` \$(touch ran) \"q\" @a %s
| < {x}"
    mkdir "$folder"
    database "$folder/< a|b.db"
    ./headroom plot overview --db "$folder/< a|b.db"
    test -s "$folder/figures/overview.svg"
    test -s "$folder/figures/overview.png"
    test -s "$folder/figures/overview.pdf"
    nothing_ran
}

behaviours names_are_drawn_letter_by_letter line_breaks_controls_and_broken_letters_are_blanks_and_marks \
    any_text_may_be_anything views_and_triggers_of_the_file_count_for_nothing a_path_is_only_a_path
