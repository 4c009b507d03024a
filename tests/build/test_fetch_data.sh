#!/bin/sh
# workloads/fetch_data.sh with a data set of its own: a small file, its sum and a mirror, which is a
# folder (curl reads file:// addresses) or Python's web server. Where curl is not installed, a fake
# stands for it that reads file:// addresses and goes on where a download stopped.
. tests/build/tap.sh

place=set/questions.label

prepare() {
    mirror=$scratch/mirror data=$scratch/data
    mkdir -p "$mirror" "$data/set"
    seq 1 20000 >"$mirror/questions.label"
    sum=$(sha256sum <"$mirror/questions.label" | cut -d ' ' -f 1)
    printf '# a comment\n%s %s %s\n' "$sum" $place http://127.0.0.1:1/questions.label \
        >"$scratch/sources"
    command -v curl >/dev/null || fake_curl
}

fetch_from() { # url, expected status
    status=0
    NO_INSTALL=1 HEADROOM_DATA=$data HEADROOM_DATA_URL=$1 \
        workloads/fetch_data.sh "$scratch/sources" >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    [ $status = "$2" ]
}

fake_curl() {
    mkdir "$scratch/fake"
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$scratch/fake/curl" 'while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
        case $1 in file://*) ;; *) echo "fake curl: no network" >&2; exit 7 ;; esac
        [ -f "${1#file://}" ] || exit 37
        tail -c +$(($(cat "$out" 2>/dev/null | wc -c) + 1)) "${1#file://}" >>"$out"'
    PATH=$scratch/fake:$PATH
}

good_file_is_fetched() {
    prepare
    fetch_from "file://$mirror" 0
    cmp "$mirror/questions.label" "$data/$place"
    [ ! -e "$data/$place.part" ]
}

broken_download_is_resumed() {
    prepare
    # The mirror's first bytes are spoilt afterwards: only a resumed download can be right.
    head -c 1000 "$mirror/questions.label" >"$data/$place.part"
    printf 'spoilt' | dd of="$mirror/questions.label" conv=notrunc 2>/dev/null
    fetch_from "file://$mirror" 0
    [ "$(sha256sum <"$data/$place" | cut -d ' ' -f 1)" = "$sum" ]
}

useless_part_is_replaced() {
    prepare
    echo 'of another file' >"$data/$place.part"
    fetch_from "file://$mirror" 0
    cmp "$mirror/questions.label" "$data/$place"
}

wrong_sum_is_an_error_that_keeps_nothing() {
    prepare
    echo more >>"$mirror/questions.label"
    fetch_from "file://$mirror" 1
    grep -q "wrong sha256 .*expected $sum" "$scratch/said"
    [ -z "$(ls "$data/set")" ]
}

good_file_is_not_touched() {
    prepare
    cp "$mirror/questions.label" "$data/$place"
    fetch_from http://127.0.0.1:1 0
    gzip "$data/$place"
    fetch_from http://127.0.0.1:1 0
    [ "$(ls "$data/set")" = questions.label.gz ]
}

wrong_file_in_place_is_not_overwritten() {
    prepare
    echo mine >"$data/$place"
    fetch_from "file://$mirror" 1
    [ "$(cat "$data/$place")" = mine ]
}

no_network_says_how_to_place_the_files_and_keeps_the_part() {
    prepare
    echo part >"$data/$place.part"
    fetch_from http://127.0.0.1:1 1
    grep -q "place them here" "$scratch/said"
    grep -q "$data/$place, sha256 $sum" "$scratch/said"
    [ "$(cat "$data/$place.part")" = part ]
}

# Python's server cannot resume, so this also sees a part given up and begun again.
curl_and_wget_fetch_from_a_web_server() {
    command -v curl >/dev/null || command -v wget >/dev/null || skip "neither curl nor wget is here"
    command -v python3 >/dev/null || skip "python3 is not here to serve files"
    prepare
    python3 -u -m http.server --bind 127.0.0.1 --directory "$mirror" 0 >"$scratch/server" 2>&1 &
    server=$!
    trap 'kill $server' EXIT
    for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q port "$scratch/server" && break || sleep 0.3; done
    url=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$scratch/server")
    for fetcher in curl wget; do
        command -v $fetcher >/dev/null || continue
        only_programs "$scratch/$fetcher" $fetcher sh dirname basename cut sha256sum gzip mkdir mv rm cat sort tr
        rm -f "$data/$place"
        head -c 1000 "$mirror/questions.label" >"$data/$place.part"
        PATH=$scratch/$fetcher fetch_from "$url" 0
        cmp "$mirror/questions.label" "$data/$place"
    done
}

behaviours good_file_is_fetched broken_download_is_resumed useless_part_is_replaced \
    wrong_sum_is_an_error_that_keeps_nothing good_file_is_not_touched \
    wrong_file_in_place_is_not_overwritten \
    no_network_says_how_to_place_the_files_and_keeps_the_part curl_and_wget_fetch_from_a_web_server
