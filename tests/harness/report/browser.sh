# shellcheck shell=sh
# For the tests that open a page in a browser, which source it behind tap.sh: Chromium without a window, its settings
# in the private folder. What a page says of itself is found in its DOM when its scripts are done; time passes as
# fast as it can there, so that nothing depends on a clock.
scratch=${scratch:?}

find_browser() {
    browser=
    for name in chromium chromium-browser google-chrome; do
        if command -v $name >/dev/null; then browser=$name && break; fi
    done
    test -n "$browser" || skip 'no Chromium: apt-get install --no-install-recommends chromium'
}

# Prints the DOM of a page. With --dark as the first argument the reader prefers that.
dom_of() { # [--dark] page
    scheme=1
    if [ "$1" = --dark ]; then scheme=0 && shift; fi
    HOME=$scratch timeout 500 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-extensions \
        --user-data-dir="$scratch/profile" --blink-settings=preferredColorScheme=$scheme --window-size=1100,900 \
        --virtual-time-budget=5000 --dump-dom "file://$1" 2>"$scratch/browser.log"
}

# A copy of a page that runs our script as well: without its policy, which allows its own alone.
with_script() { # page script...  > copy
    sed -e 's/<meta http-equiv="Content-Security-Policy"[^>]*>//' -e '/^<\/body>$/,$d' "$1"
    shift
    for script; do echo '<script>' && cat "$script" && echo '</script>'; done
    echo '</body></html>'
}
