#!/bin/sh
# report.html in a browser: opened, clicked, sorted, filtered and gone through by keyboard, in both themes, and held
# against axe's rules for readers who do not see, or do not see colours.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/harness/report/browser.sh
scratch=${scratch:?}

made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
page=$made/report.html
{
    cat results/tables.sql results/views.sql tests/plots/fixture.sql
    cat <<'SQL'
UPDATE trial SET config = '{"train": {"epochs": 2}, "seed": 1}';
INSERT INTO epoch (trial_id, epoch, step, train_loss, validation_loss, validation_accuracy, validation_mean_heads)
SELECT id, e, 10 * e, 1.0 / e, 1.1 / e, 0.5 + e / 10.0, 8 FROM trial, (SELECT 1 AS e UNION SELECT 2) WHERE kind = 'train';
INSERT INTO warning (trial_id, at, text) VALUES (1, '2000-01-01T00:00:00Z', 'the room was warm');
SQL
} | sqlite3 -bail "$made/r.db" >"$made/said"
./headroom report --db "$made/r.db" --html "$page" 2>"$made/said" || cat "$made/said"

# Every line says "true", but for what is told.
used() { # lines told theme
    sed -n 's/^| //p' >"$scratch/used"
    grep -v ': true$' "$scratch/used" >"$scratch/other" || true
    printf 'filter tells: %s\nsystem theme is: %s\n' "3 of $(grep -o 'id="view-accuracy_by_seed"><summary>[^<]*<span class="count">[0-9]*' \
        "$page" | sed 's/.*>//') rows" "$1" | diff - "$scratch/other"
    test "$(grep -c ': true$' "$scratch/used")" -eq 20
}

a_reader_opens_sorts_filters_and_follows_links() {
    find_browser
    with_script "$page" tests/harness/report/browser.js >"$scratch/page.html"
    dom_of "$scratch/page.html" | used light
    dom_of --dark "$scratch/page.html" | used dark
}

# The page's own script runs under its policy, and any other does not.
a_browser_runs_no_script_but_its_own() {
    find_browser
    sed 's|^</body>$|<script>document.title = "another ran"</script><b onclick="x()" id="b">b</b></body>|' "$page" >"$scratch/page.html"
    dom_of "$scratch/page.html" >"$scratch/dom"
    grep -q '<button type="button">Theme: system</button>' "$scratch/dom"
    grep -q '<title>r.db: Headroom report</title>' "$scratch/dom"
}

axe_finds_nothing_in_either_theme() {
    find_browser
    axe=${AXE:-$(npm root -g 2>/dev/null || true)/axe-core/axe.min.js}
    test -f "$axe" || skip 'no axe: npm install -g axe-core, or its axe.min.js in AXE'
    with_script "$page" "$axe" tests/harness/report/axe.js >"$scratch/page.html"
    for theme in '' --dark; do
        dom_of $theme "$scratch/page.html" | grep '^broken\|^rules\|^error' >"$scratch/broken"
        printf 'rules that hold: true\nbroken rules: 0\n' | diff - "$scratch/broken"
    done
    # It would find something.
    sed 's/aria-label="Parts"/aria-label="Parts" role="nothing"/; s/--quiet: #565d66/--quiet: #b5bdc6/' "$scratch/page.html" >"$scratch/bad.html"
    dom_of "$scratch/bad.html" >"$scratch/dom"
    grep -q '^broken: aria-roles' "$scratch/dom"
    grep -q '^broken: color-contrast' "$scratch/dom"
}

behaviours a_reader_opens_sorts_filters_and_follows_links a_browser_runs_no_script_but_its_own \
    axe_finds_nothing_in_either_theme
