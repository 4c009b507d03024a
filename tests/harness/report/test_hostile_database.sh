#!/bin/sh
# A page made of a stranger's database: names, reasons, logs and machines that are markup, scripts and links stand
# there letter by letter, nothing is read or written that is not asked for, and a browser runs nothing of it.
# shellcheck disable=SC2317 # behaviours are called by name
# shellcheck disable=SC2016 # names that look like commands are meant letter by letter
. tests/build/tap.sh
. tests/harness/report/browser.sh
scratch=${scratch:?}

# A database of which every text of every table is markup that would change the page.
hostile() { # file
    rm -f "$1"
    cat results/tables.sql results/views.sql tests/plots/fixture.sql | sqlite3 -bail "$1" >"$scratch/said"
    sqlite3 "$1" >"$scratch/all.sql" <<'SQL'
SELECT printf('UPDATE OR IGNORE "%w" SET "%w" = "%w" || ''"><script>document.title="ran"</script><img src=x onerror=alert(1)>'
              || '</td></table></details></section><a href="javascript:alert(1)">x</a>'' || char(27) || ''[2J'';',
              t.name, c.name, c.name)
FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.type = 'TEXT'
    AND c.name NOT IN ('kind', 'status', 'config', 'json');
SQL
    test "$(wc -l <"$scratch/all.sql")" -gt 30
    sqlite3 "$1" <"$scratch/all.sql" 2>"$scratch/talk" || true # constraints refuse some
    sqlite3 "$1" "UPDATE trial SET config = '{\"a\": \"</pre><script>document.title=1</script>\"}';
        UPDATE environment SET json = '{\"<script>x</script>\": \"<img src=x>\", \"unknown\": {}}';
        INSERT INTO warning (trial_id, at, text) VALUES (1, 'x', '<script>warned</script>')"
}

texts_are_only_texts() {
    hostile "$scratch/r.db"
    ./headroom report --db "$scratch/r.db" --html "$scratch/a.html" 2>"$scratch/said"
    test "$(grep -io '<script' "$scratch/a.html" | wc -l)" -eq 1
    if grep -i '<img\|<a href="j\|<[a-z]*[^>]* onerror=' "$scratch/a.html"; then return 1; fi
    if LC_ALL=C grep "$(printf '[\001-\010\013-\037\177]')" "$scratch/a.html"; then return 1; fi
    grep -q '&quot;&gt;&lt;script&gt;document.title=&quot;ran&quot;&lt;/script&gt;' "$scratch/a.html"
    grep -q '&lt;script&gt;warned&lt;/script&gt;' "$scratch/a.html"
    # As many elements that hold something as are ended.
    for element in section details table figure svg pre; do
        test "$(grep -o "<${element}[ >]" "$scratch/a.html" | wc -l)" -eq "$(grep -o "</$element>" "$scratch/a.html" | wc -l)"
    done
}

a_browser_sees_the_page_that_was_meant() {
    find_browser
    hostile "$scratch/r.db"
    ./headroom report --db "$scratch/r.db" --html "$scratch/a.html" 2>"$scratch/said"
    cat >"$scratch/count.js" <<'JS'
const of = query => document.querySelectorAll(query).length;
const foreign = Array.from(document.querySelectorAll('*')).filter(e => Array.from(e.attributes).some(a => /^on/.test(a.name)));
document.body.dataset.seen = [of('main > section'), of('img'), of('a[href^="javascript"]'), foreign.length, document.title].join('|');
JS
    with_script "$scratch/a.html" "$scratch/count.js" >"$scratch/b.html"
    dom_of "$scratch/b.html" | grep -o 'data-seen="[^"]*"' | grep -qx 'data-seen="7|0|0|0|r.db: Headroom report"'
}

# The name of a log is made of a key, and a log may be a link or a pipe.
logs_lead_nowhere() {
    hostile "$scratch/r.db"
    mkdir "$scratch/logs" "$scratch/home"
    echo dear >"$scratch/home/a.log"
    ln -s ../home/a.log "$scratch/logs/aaaaaaaaaaaaaaaa.log"
    mkfifo "$scratch/logs/bbbbbbbbbbbbbbbb.log"
    sqlite3 "$scratch/r.db" "UPDATE trial SET key = '../home/a' WHERE id = 1; UPDATE trial SET key = 'aaaaaaaaaaaaaaaa' WHERE id = 2;
        UPDATE trial SET key = 'bbbbbbbbbbbbbbbb' WHERE id = 3"
    timeout 500 ./headroom report --db "$scratch/r.db" --html "$scratch/a.html" 2>"$scratch/said"
    if grep -q dear "$scratch/a.html"; then return 1; fi
}

# Pictures that lie beside the database are not taken, and the page is written through no link.
what_lies_beside_it_is_left_alone() {
    hostile "$scratch/r.db"
    mkdir "$scratch/figures"
    echo '<svg><script>forged</script></svg>' >"$scratch/figures/overview.svg"
    echo dear >"$scratch/file"
    ln -s file "$scratch/a.html.part"
    ./headroom report --db "$scratch/r.db" --html "$scratch/a.html" 2>"$scratch/said"
    test "$(cat "$scratch/file")" = dear
    if grep -q forged "$scratch/a.html"; then return 1; fi
    ln -s file "$scratch/b.html"
    if ./headroom report --db "$scratch/r.db" --html "$scratch/b.html" 2>"$scratch/said"; then return 1; fi
    test "$(cat "$scratch/file")" = dear
}

behaviours texts_are_only_texts a_browser_sees_the_page_that_was_meant logs_lead_nowhere what_lies_beside_it_is_left_alone
