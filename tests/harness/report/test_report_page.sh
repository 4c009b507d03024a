#!/bin/sh
# report.html from made-up results, as a file: complete, whole, the same bytes every time, without anything that
# a browser would fetch, and every link leads to something. What a browser makes of it is in test_browser.sh, what
# a file from a stranger can do in test_hostile_database.sh.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

database() { # file sql-file...
    rm -f "$1"
    file=$1
    shift
    cat results/tables.sql results/views.sql "$@" | sqlite3 -bail "$file" >"$scratch/sqlite.log"
}

# Made once for several behaviours; making it twice is one of them.
made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
cat >"$made/more.sql" <<'SQL'
UPDATE trial SET key = '0123456789abcdef' || key, config = '{"train": {"epochs": 2}, "seed": 1}',
    command = './headroom trial 1 --db r.db' WHERE id = 1;
INSERT INTO epoch (trial_id, epoch, step, train_loss, validation_loss, validation_accuracy, validation_mean_heads)
VALUES (1, 1, 10, 0.9, 0.95, 0.5, 8), (1, 2, 20, 0.4, 0.45, 0.75, 8);
INSERT INTO warning (trial_id, at, text) VALUES (1, '2000-01-01T00:00:00Z', 'the room was warm');
UPDATE environment SET json = '{"cores": 2, "governor": null, "unknown": {"governor": "no cpufreq driver"}}';
UPDATE counter SET reason = reason || replace(hex(zeroblob(400)), '00', ', café') || ' at the end'
WHERE status = 'unavailable' AND role = 'cycles';
SQL
database "$made/r.db" tests/plots/fixture.sql "$made/more.sql"
mkdir "$made/logs"
{ i=0 && while [ $i -lt 30 ]; do i=$((i + 1)) && echo "line $i <of> the log"; done; } >"$made/logs/0123456789abcdef.log"
page=$made/report.html
./headroom report --db "$made/r.db" --html "$page" 2>"$made/said" || cat "$made/said"

# The text of a part of the page, one line.
part() { # id [page]
    sed -n "/<section id=\"$1\">/,/<\/section>/p" "${2:-$page}" | tr '\n' ' ' | sed 's/<[^>]*>/ /g; s/  */ /g'
}

findings_come_first_with_interval_and_n() {
    grep -qx "written: $page" "$made/said"
    grep -o '<section id="[a-z]*">' "$page" | tr -d '\n' | grep -Fqx "$(printf '<section id="%s">' findings doubts figures \
        models tables trials environment)"
    part findings >"$scratch/findings"
    grep -q 'trials of 4 workloads: [0-9]* ok, 30 skipped' "$scratch/findings"
    grep -q 'All heads (fixed-8) .* one head trained alone (fixed-1).*(95% interval [-+0-9.]* to [-+0-9.]*; n = 3 seeds' \
        "$scratch/findings"
    grep -q 'takes 0.[0-9]* of the time of all heads at batch 1 (one seed' "$scratch/findings"
    grep -q 'gives inputs of difficulty 4 [0-9.]* heads per layer more than those of difficulty 1 (95% interval' \
        "$scratch/findings"
    grep -q 'how many of 8 heads per layer are as good as all of them\|heads are needed is untestable' "$scratch/findings"
}

# What is called better or worse is what the view says after Holm, and nothing else is.
verdicts_are_those_of_the_claims() {
    sed -n '/<section id="findings">/,/<\/section>/p' "$page" | grep -v 'without attention' |
        grep -c 'points better than\|points worse than' >"$scratch/said"
    cat >"$scratch/q.sql" <<'SQL'
SELECT count(*) AS n FROM claim
WHERE p_holm < 0.05 AND question NOT GLOB '*another*';
SQL
    ./headroom export "$scratch/q.sql" --db "$made/r.db" | tail -n 1 | tr -d '\r' | diff - "$scratch/said"
    test "$(cat "$scratch/said")" -gt 0
}

what_is_doubtful_has_its_reason() {
    part doubts >"$scratch/doubts"
    grep -q 'trec-coarse: 30 skipped: data/trec/train_5500.label is absent: run make data' "$scratch/doubts"
    grep -q 'the room was warm (train trial 1)' "$scratch/doubts"
    grep -q 'results are of older code' "$scratch/doubts"
}

figures_are_in_the_page_and_so_are_their_numbers() {
    for figure in accuracy_vs_budget methods budget_by_layer roofline; do
        test "$(grep -c "<svg role=\"img\" aria-labelledby=\"figure-$figure-title\"" "$page")" -eq 1
        grep -q "id=\"figure-$figure-note\"" "$page"
        grep -q "id=\"numbers-$figure\"" "$page"
    done
    grep -q '>What do heads buy? Accuracy against executed heads</h3>' "$page"
    # What is asked first comes first, the others by name.
    grep -o 'id="numbers-[a-z_]*' "$page" | head -n 6 | tr '\n' ' ' | sed 's/id="numbers-//g' |
        grep -qx 'overview accuracy_vs_budget accuracy_vs_flops methods ablations budget_by_class '
    part figures | grep -q 'Not drawn .*cycles : no cycles were counted: this virtual machine shows no PMU'
}

an_entry_of_a_trial_has_all_that_is_known() {
    sed -n '/id="trial-1">/,/<\/details>/p' "$page" >"$scratch/trial"
    for text in '<strong>Warning:</strong> the room was warm' '<code>./headroom trial 1 --db r.db</code>' \
        'loss over 2 epochs: training ends at 0.4, validation ends at 0.45' 'line 30 &lt;of&gt; the log' \
        '{"train": {"epochs": 2}, "seed": 1}' '<dt>test accuracy<dd>0.'; do
        grep -Fq "$text" "$scratch/trial"
    done
    test "$(grep -c 'of&gt; the log' "$scratch/trial")" -eq 20
    part environment | grep -q 'governor not known : no cpufreq driver'
}

every_point_is_a_trained_model_and_a_link() {
    n=$(sqlite3 "$made/r.db" "SELECT count(*) FROM accuracy_by_seed WHERE instr(policy, '/') = 0")
    test "$(grep -c '<a href="#trial-[0-9]*" aria-label="[^"]*, seed [0-9]: [0-9.]*% with [0-9.]* heads"' "$page")" -eq "$n"
}

# Ids are there once, and every link within the page leads to one.
links_lead_somewhere() {
    tr '>' '\n' <"$page" | sed -n 's/.* id=["'\'']\([^"'\'']*\)["'\''].*/\1/p' | sort >"$scratch/ids"
    test -z "$(uniq -d "$scratch/ids")"
    tr '>' '\n' <"$page" | sed -n 's/.*href=["'\'']\([^"'\'']*\)["'\''].*/\1/p' | sort -u >"$scratch/links"
    test "$(wc -l <"$scratch/links")" -gt 50
    if grep -v '^#' "$scratch/links"; then return 1; fi
    sed 's/^#//' "$scratch/links" | comm -23 - "$scratch/ids" >"$scratch/astray"
    if [ -s "$scratch/astray" ]; then cat "$scratch/astray" && return 1; fi
}

nothing_is_fetched() {
    if grep -iE '<(link|img|iframe|object|embed|base)[ >]|@import|url\((["'\'']?)(https?:|//)|src=|fetch\(|XMLHttp' "$page"; then
        return 1
    fi
    grep -q "default-src 'none'; style-src 'sha256-[^']*'; script-src 'sha256-[^']*'" "$page"
    test "$(grep -c '<script' "$page")" -eq 1
}

a_database_without_results_says_so() {
    database "$scratch/empty.db"
    ./headroom report --db "$scratch/empty.db" --html "$scratch/empty.html"
    part findings "$scratch/empty.html" | grep -q 'Nothing yet: no two arms'
    part trials "$scratch/empty.html" | grep -q 'holds no trials yet'
    part environment "$scratch/empty.html" | grep -q 'No trial has a result yet'
    echo "UPDATE trial SET status = 'failed', reason = 'the data burnt'; DELETE FROM evaluation" >"$scratch/burnt.sql"
    echo 'PRAGMA foreign_keys = OFF;' >"$scratch/off.sql"
    database "$scratch/burnt.db" tests/plots/fixture.sql "$scratch/off.sql" "$scratch/burnt.sql"
    ./headroom report --db "$scratch/burnt.db" --html "$scratch/burnt.html"
    part findings "$scratch/burnt.html" | grep -q 'trials of 4 workloads: [0-9]* failed'
    part doubts "$scratch/burnt.html" | grep -q 'failed: the data burnt'
    part trials "$scratch/burnt.html" | grep -q 'failed'
}

a_page_is_written_whole_or_not_at_all() {
    database "$scratch/empty.db"
    if ./headroom report --db "$scratch/empty.db" --html "$scratch/no/such.html" 2>"$scratch/said"; then return 1; fi
    grep -q "cannot write '$scratch/no/such.html': No such file" "$scratch/said"
    mkdir "$scratch/folder"
    if ./headroom report --db "$scratch/empty.db" --html "$scratch/folder" 2>"$scratch/said"; then return 1; fi
    grep -q 'is no regular file' "$scratch/said"
    if ./headroom report offsets --db "$made/r.db" --html "$scratch/a.html" 2>"$scratch/said"; then return 1; fi
    grep -q 'page of the whole database' "$scratch/said"
    test "$(find "$scratch" -name '*.html*' | wc -l)" -eq 0
}

# Without gnuplot the rest is there, the page says what is not, and so does the command.
# What stands for gnuplot makes every picture 320 kB large. Ablations have two pages, and trainings 1,200 rows: four arms
# of three workloads and 100 epochs.
figures_and_tables_end_where_the_page_would_become_too_large() {
    mkdir "$scratch/bin"
    # shellcheck disable=SC2016 # of gnuplot
    fake_program "$scratch/bin/gnuplot" '[ "$1" != --version ] || exec echo gnuplot 6.0
{ echo "<svg width=\"9\" height=\"9\" viewBox=\"0 0 9 9\" xmlns=\"http://www.w3.org/2000/svg\"><text>"
head -c 320000 /dev/zero | tr "\0" x && echo "</text></svg>"; } >"$7"'
    cat >"$scratch/epochs.sql" <<'SQL'
INSERT INTO epoch (trial_id, epoch, step, train_loss, validation_accuracy)
SELECT t.id, i + 1, i + 1, 0.5, 0.5 FROM trial t JOIN input WHERE kind = 'train' AND status = 'ok';
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/epochs.sql"
    PATH=$scratch/bin:$PATH ./headroom report --db "$scratch/a.db" --html "$scratch/a.html" 2>"$scratch/said"
    grep -o '<figure id="figure-ablations[^"]*' "$scratch/a.html" | tr '\n' ' ' | grep -qx '<figure id="figure-ablations '
    grep -qF 'These are the first 1 of 2 pages; all of them: <code>headroom plot ablations</code>' "$scratch/a.html"
    test "$(grep -c 'first . of . pages' "$scratch/a.html")" -eq 1
    grep -qF 'first 1000 of 1200 rows; all of them: <code>headroom export plots/training.sql</code>' "$scratch/a.html"
}

without_gnuplot_the_page_has_no_figures() {
    only_programs "$scratch/bin" sh
    if PATH=$scratch/bin "$root/headroom" report --db "$made/r.db" --html "$scratch/a.html" 2>"$scratch/said"; then return 1; fi
    grep -q "a.html' is written without all figures: .*gnuplot" "$scratch/said"
    part figures "$scratch/a.html" | grep -q 'Figures are missing: .*gnuplot'
    part findings "$scratch/a.html" | grep -q 'All heads (fixed-8)'
}

# The same as Markdown: findings first, doubts, figures that are there, tables, machines; and no markup of a name.
a_repository_has_it_as_markdown() {
    ./headroom report --db "$made/r.db" --md "$scratch/my report.md" 2>"$scratch/said"
    grep -qx "written: $scratch/my report.md" "$scratch/said"
    md="$scratch/my report.md"
    grep '^## ' "$md" | tr '\n' ' ' | grep -qx '## What was found ## What is doubtful, and why ## Figures ## Tables ## Data, machines and software '
    grep -q '^Attention is shown to add accuracy on [0-9] of 3 workloads. All heads are shown' "$md"
    grep -q '^| offsets | +[0-9.]* ([-+0-9.]* to [-+0-9.]*) | ' "$md"
    grep -q '^- All heads (fixed-8) .* one head trained alone (fixed-1).*(95% interval [-+0-9.]* to [-+0-9.]*; n = 3 seeds' "$md"
    grep -q '^- trec-coarse: 30 skipped: data/trec/train_5500.label is absent: run make data' "$md"
    grep -q 'results are of older code' "$md"
    grep -qF '| workload / arm | accuracy % | heads |' "$md"
    grep -q '^- cycles: no cycles were counted: this virtual machine shows no PMU\(, café\)\{400\} at the end$' "$md"
    grep -q '^| governor | not known: no cpufreq driver |$' "$md"
    sed -n 's/^!\[.*\](<\(.*\)>)$/\1/p' "$md" >"$scratch/linked"
    grep -qx 'my report-figures/accuracy_vs_budget.svg' "$scratch/linked"
    while read -r picture; do grep -q '<svg' "$scratch/$picture"; done <"$scratch/linked"
    test "$(find "$scratch/my report-figures" -type f | wc -l)" -eq "$(wc -l <"$scratch/linked")"
    if ./headroom report offsets --db "$made/r.db" --md "$scratch/a.md" 2>"$scratch/said"; then return 1; fi
    grep -q 'a report of the whole database' "$scratch/said"
    test ! -e "$scratch/a.md"
}

# Where a database lies is not in its page.
make_writes_it_beside_the_database_and_its_bytes_are_the_same() {
    mkdir "$scratch/my results"
    cp -r "$made/r.db" "$made/logs" "$scratch/my results"
    NO_INSTALL=1 make -s report CUDA=0 -o build DB="$scratch/my results/r.db" 2>"$scratch/said"
    grep -qx "written: $scratch/my results/report.html" "$scratch/said"
    tail -n 1 "$scratch/said" | grep -qx "written: $scratch/my results/report.md"
    test -s "$scratch/my results/report.md"
    grep -q '<title>r.db: Headroom report</title>' "$page"
    cmp "$page" "$scratch/my results/report.html"
}

behaviours findings_come_first_with_interval_and_n verdicts_are_those_of_the_claims what_is_doubtful_has_its_reason \
    figures_are_in_the_page_and_so_are_their_numbers an_entry_of_a_trial_has_all_that_is_known \
    every_point_is_a_trained_model_and_a_link links_lead_somewhere nothing_is_fetched \
    a_database_without_results_says_so a_page_is_written_whole_or_not_at_all \
    figures_and_tables_end_where_the_page_would_become_too_large without_gnuplot_the_page_has_no_figures \
    a_repository_has_it_as_markdown make_writes_it_beside_the_database_and_its_bytes_are_the_same
