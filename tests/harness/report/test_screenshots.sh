#!/bin/sh
# The pictures of README are made by one command from any database. A program that stands for Chromium keeps the page
# that it is shown, and what it is asked.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Of the program the page is made up, as drawing its figures takes long.
shoot() { # browser's body
    cat results/tables.sql results/views.sql tests/plots/fixture.sql | sqlite3 -bail "$scratch/r.db" >"$scratch/said"
    only_programs "$scratch/bin" sh sed cat rm mv mktemp tail tr
    fake_program "$scratch/bin/chromium" "$1"
    fake_program "$scratch/headroom" "[ \$1 = report ] || exec $root/headroom \"\$@\"
printf '<head><meta http-equiv=\"Content-Security-Policy\" content=\"none\">\n</head>\n' >\"\$5\""
    mkdir "$scratch/pictures"
    cd "$scratch"
    PATH=$scratch/bin "$root/harness/report/screenshots.sh" r.db pictures >said 2>&1 || { cat said; false; }
}

every_picture_is_of_its_part_of_the_page() {
    # shellcheck disable=SC2016 # of the browser
    shoot 'for a; do case $a in --screenshot=*) to=${a#*=} ;; file://*) url=${a#file://} ;; esac; done
echo "$@" >"$to"; cat "${url%%#*}" >>"$to"'
    grep -q 'written: report_light.png, report_dark.png and report_trial.png' "$scratch/said"
    cd pictures
    head -n 1 report_light.png | grep -q 'preferredColorScheme=1 .*=1100,1000 .*/page.html$'
    head -n 1 report_dark.png | grep -q 'preferredColorScheme=0 .*=1100,1300 .*/page.html$'
    grep -q '<style>section:not(#models) { display: none }</style></head>' report_dark.png
    # The most expensive budget of the last workload that has results, first seed.
    trial=$(sqlite3 "$scratch/r.db" "SELECT t.id FROM trial t JOIN workload w ON w.id = workload_id
        WHERE w.name = 'topic' AND arm = 'budgetformer-0.1' AND seed = 0 AND kind = 'train'")
    head -n 1 report_trial.png | grep -q "/page.html#trial-$trial$"
    grep -q "#trials > :not(#trial-$trial) " report_trial.png
    ! grep -l 'Content-Security-Policy' report_*.png || return 1
}

browser_that_makes_no_picture_is_told() {
    ! shoot 'echo "no room left" >&2' || return 1
    grep -q 'no room left' "$scratch/said"
    grep -q 'chromium made no report_light.png' "$scratch/said"
}

behaviours every_picture_is_of_its_part_of_the_page browser_that_makes_no_picture_is_told
