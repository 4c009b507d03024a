#!/bin/sh
# A page made of a stranger's database: names, reasons, logs and machines that are markup, scripts and links stand
# there letter by letter, nothing is read or written that is not asked for, and a browser runs nothing of it.
# shellcheck disable=SC2317 # behaviours are called by name
# shellcheck disable=SC2016 # names that look like commands are meant letter by letter
. tests/build/tap.sh
. tests/harness/report/browser.sh
scratch=${scratch:?}

# A database of which every text of every table is markup that would change the page, and what may lie beside it. The
# name of a log is made of a key, and a log may be a link or a pipe.
hostile() { # file
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
        INSERT INTO warning (trial_id, at, text) VALUES (1, 'x', '<script>warned</script>');
        UPDATE trial SET key = '../home/a' WHERE id = 1; UPDATE trial SET key = 'aaaaaaaaaaaaaaaa' WHERE id = 2;
        UPDATE trial SET key = 'bbbbbbbbbbbbbbbb' WHERE id = 3"
    beside=$(dirname "$1")
    mkdir "$beside/logs" "$beside/home" "$beside/figures"
    echo 'dear to somebody' >"$beside/home/a.log"
    ln -s ../home/a.log "$beside/logs/aaaaaaaaaaaaaaaa.log"
    mkfifo "$beside/logs/bbbbbbbbbbbbbbbb.log"
    echo '<svg><script>forged</script></svg>' >"$beside/figures/overview.svg"
    ln -s home/a.log "$beside/a.html.part"
    ln -s home/a.log "$beside/linked.html"
}

# Made once, with its page: what a page is made of takes seconds.
made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
hostile "$made/r.db"
page=$made/a.html
timeout 500 ./headroom report --db "$made/r.db" --html "$page" 2>"$made/said" || cat "$made/said"

texts_are_only_texts() {
    test "$(grep -io '<script' "$page" | wc -l)" -eq 1
    if grep -i '<img\|<a href="j\|<[a-z]*[^>]* onerror=' "$page"; then return 1; fi
    if LC_ALL=C grep "$(printf '[\001-\010\013-\037\177]')" "$page"; then return 1; fi
    grep -q '&quot;&gt;&lt;script&gt;document.title=&quot;ran&quot;&lt;/script&gt;' "$page"
    grep -q '&lt;script&gt;warned&lt;/script&gt;' "$page"
    # As many elements that hold something as are ended.
    for element in section details table figure svg pre; do
        test "$(grep -o "<${element}[ >]" "$page" | wc -l)" -eq "$(grep -o "</$element>" "$page" | wc -l)"
    done
}

a_browser_sees_the_page_that_was_meant() {
    find_browser
    cat >"$scratch/count.js" <<'JS'
const of = query => document.querySelectorAll(query).length;
const foreign = Array.from(document.querySelectorAll('*')).filter(e => Array.from(e.attributes).some(a => /^on/.test(a.name)));
document.body.dataset.seen = [of('main > section'), of('img'), of('a[href^="javascript"]'), foreign.length, document.title].join('|');
JS
    with_script "$page" "$scratch/count.js" >"$scratch/b.html"
    dom_of "$scratch/b.html" | grep -o 'data-seen="[^"]*"' | grep -qx 'data-seen="7|0|0|0|r.db: Headroom report"'
}

logs_lead_nowhere() {
    test -s "$page"
    if grep 'dear to somebody' "$page"; then return 1; fi
}

# Pictures that lie beside the database are not taken, and the page is written through no link.
what_lies_beside_it_is_left_alone() {
    test -s "$page"
    if grep -q forged "$page"; then return 1; fi
    if ./headroom report --db "$made/r.db" --html "$made/linked.html" 2>"$scratch/said"; then return 1; fi
    test "$(cat "$made/home/a.log")" = 'dear to somebody'
}

behaviours texts_are_only_texts a_browser_sees_the_page_that_was_meant logs_lead_nowhere what_lies_beside_it_is_left_alone
