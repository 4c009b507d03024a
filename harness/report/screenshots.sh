#!/bin/sh
# The pictures of the report that README shows, from any database: `make screenshots DB=...`. Chromium without a window
# opens the page as readers do, by day and by night; the trial is of the most expensive budget, which has all
# that a trial can show. Where ImageMagick is here the pictures become a quarter as large.
set -e
db=${1:?usage: harness/report/screenshots.sh DATABASE [FOLDER]}
folder=${2:-results/published}

for name in chromium chromium-browser google-chrome ''; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then break; fi
done
[ -n "$name" ] || { echo 'no Chromium: apt-get install --no-install-recommends chromium' >&2 && exit 1; }
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT

# Chromium takes pictures of the top of a page alone, so that what else is on it is hidden in a copy, whose policy
# would not allow that.
shot() { # picture scheme height css [fragment]; scheme 0: dark, 1: light
    sed -e 's/<meta http-equiv="Content-Security-Policy"[^>]*>//' -e "s|^</head>|<style>$4</style></head>|" \
        "$own/report.html" >"$own/page.html"
    if ! HOME=$own "$name" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$own/profile" \
        --blink-settings=preferredColorScheme="$2" --window-size=1100,"$3" --virtual-time-budget=5000 \
        --screenshot="$own/$1" "file://$own/page.html$5" 2>"$own/browser.log" || ! [ -s "$own/$1" ]; then
        cat "$own/browser.log" >&2
        echo "$name made no $1" >&2
        exit 1
    fi
    ! command -v convert >/dev/null || convert "$own/$1" +dither -colors 64 -strip "PNG8:$own/$1"
}

./headroom report --db "$db" --html "$own/report.html"
cat >"$own/trial.sql" <<'SQL'
SELECT trial_id FROM accuracy_by_seed WHERE instr(policy, '/') = 0
ORDER BY mean_s IS NULL, workload DESC, cost_weight DESC, seed LIMIT 1;
SQL
trial=$(./headroom export "$own/trial.sql" --db "$db" | tail -n 1 | tr -d '\r')
shot report_light.png 1 1000 ''
shot report_dark.png 0 1300 'section:not(#models) { display: none }'
shot report_trial.png 1 1000 "header, nav, section:not(#trials), #trials > :not(#trial-$trial) { display: none }" "#trial-$trial"
mv "$own"/report_*.png "$folder"
echo "written: report_light.png, report_dark.png and report_trial.png in $folder"
