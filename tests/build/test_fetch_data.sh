#!/bin/sh
# workloads/fetch_data.sh with data sets of its own: small files, their sums and a mirror, which is a
# folder (curl reads file:// addresses) or a web server of Python's. Where curl is not installed, a
# fake stands for it that reads file:// addresses and goes on where a download stopped.
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

place=set/questions.label
nowhere=http://127.0.0.1:1

sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# A set of one file; two of archives, the second large; one that is placed by hand.
prepare() {
    mirror=$scratch/mirror data=$scratch/data
    mkdir -p "$mirror/set" "$mirror/mr" "$mirror/big" "$data/set"
    seq 1 20000 >"$mirror/$place"
    sum=$(sum_of "$mirror/$place")
    mkdir "$scratch/rt-polaritydata"
    echo 'a film .' | tee "$scratch/rt-polaritydata/rt-polarity.pos" >"$scratch/rt-polaritydata/rt-polarity.neg"
    tar -czf "$mirror/mr/reviews.tar.gz" -C "$scratch" rt-polaritydata
    cp "$mirror/mr/reviews.tar.gz" "$mirror/big/"
    archive=$(sum_of "$mirror/mr/reviews.tar.gz")
    cat >"$scratch/sources" <<EOF
# a comment

$sum 108894 $place - $nowhere/questions.label
$archive 200 mr/reviews.tar.gz rt-polarity.pos,rt-polarity.neg $nowhere/reviews.tar.gz
$archive 50000000 big/reviews.tar.gz rt-polarity.pos $nowhere/reviews.tar.gz
- - mine/train.csv - https://example.org/behind-a-login
EOF
    command -v curl >/dev/null || fake_curl
}

fetch_from() { # url, expected status, sets
    url=$1 expected=$2
    shift 2
    status=0
    NO_INSTALL=1 HEADROOM_DATA=$data HEADROOM_DATA_URL=$url HEADROOM_DATA_SOURCES=$scratch/sources \
        workloads/fetch_data.sh "$@" >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    [ $status = "$expected" ]
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
    fetch_from "file://$mirror" 0 set
    cmp "$mirror/$place" "$data/$place"
    [ ! -e "$data/$place.part" ]
    grep -q 'questions.label (109 kB)' "$scratch/said"
}

broken_download_is_resumed() {
    prepare
    # The mirror's first bytes are spoilt afterwards: only a resumed download can be right.
    head -c 1000 "$mirror/$place" >"$data/$place.part"
    printf 'spoilt' | dd of="$mirror/$place" conv=notrunc 2>/dev/null
    fetch_from "file://$mirror" 0 set
    [ "$(sum_of "$data/$place")" = "$sum" ]
}

whole_part_is_not_fetched_again() {
    prepare
    cp "$mirror/$place" "$data/$place.part"
    fetch_from $nowhere 0 set
    cmp "$mirror/$place" "$data/$place"
}

useless_part_is_replaced() {
    prepare
    echo 'of another file' >"$data/$place.part"
    fetch_from "file://$mirror" 0 set
    cmp "$mirror/$place" "$data/$place"
}

wrong_sum_is_an_error_that_keeps_nothing() {
    prepare
    echo more >>"$mirror/$place"
    fetch_from "file://$mirror" 1 set
    grep -q "wrong sha256 .*expected $sum" "$scratch/said"
    [ -z "$(ls "$data/set")" ]
}

good_file_is_not_touched() {
    prepare
    cp "$mirror/$place" "$data/$place"
    fetch_from $nowhere 0 set
    gzip "$data/$place"
    fetch_from $nowhere 0 set
    [ "$(ls "$data/set")" = questions.label.gz ]
}

wrong_file_in_place_is_not_overwritten() {
    prepare
    echo mine >"$data/$place"
    fetch_from "file://$mirror" 1 set
    [ "$(cat "$data/$place")" = mine ]
}

no_network_says_how_to_place_the_files_and_keeps_the_part() {
    prepare
    echo part >"$data/$place.part"
    fetch_from $nowhere 1 set
    grep -q "place them here" "$scratch/said"
    grep -q "$data/$place, 109 kB, sha256 $sum" "$scratch/said"
    [ "$(cat "$data/$place.part")" = part ]
}

small_sets_come_by_default_and_others_when_they_are_named() {
    prepare
    fetch_from "file://$mirror" 0
    [ "$(cd "$data" && echo *)" = 'mr set' ]
    grep -q 'larger sets come when they are named.*: big (SETS=list' "$scratch/said"
    fetch_from "file://$mirror" 0 big
    [ -s "$data/big/rt-polarity.pos" ]
    rm -r "$data/mr" "$data/big"
    fetch_from "file://$mirror" 0 all
    [ "$(cd "$data" && echo *)" = 'big mr set' ]
}

list_names_every_set_and_fetches_nothing() {
    prepare
    fetch_from $nowhere 0 list
    grep -qx 'set: 109 kB' "$scratch/said"
    grep -qx 'big: 50.0 MB, fetched when it is named' "$scratch/said"
    grep -q '^mine: placed by hand' "$scratch/said"
    [ -z "$(ls "$data/set")" ]
}

unknown_set_is_an_error_that_names_the_others() {
    prepare
    fetch_from "file://$mirror" 1 sett
    grep -q "no data set 'sett'; there are: set mr big mine" "$scratch/said"
}

archive_is_unpacked_and_not_fetched_for_what_is_there() {
    prepare
    fetch_from "file://$mirror" 0 mr
    cmp "$scratch/rt-polaritydata/rt-polarity.pos" "$data/mr/rt-polarity.pos"
    [ "$(cd "$data/mr" && echo *)" = 'reviews.tar.gz rt-polarity.neg rt-polarity.pos' ]
    rm "$data/mr/reviews.tar.gz"
    gzip "$data/mr/rt-polarity.neg"
    fetch_from $nowhere 0 mr
}

archive_placed_by_hand_is_unpacked_without_network() {
    prepare
    mkdir "$data/mr"
    cp "$mirror/mr/reviews.tar.gz" "$data/mr/"
    echo mine >"$data/mr/rt-polarity.neg"
    fetch_from $nowhere 0 mr
    [ "$(cat "$data/mr/rt-polarity.pos" "$data/mr/rt-polarity.neg")" = "$(printf 'a film .\nmine')" ]
}

archive_that_cannot_be_unpacked_leaves_no_half_file() {
    prepare
    echo 'no archive' >"$mirror/mr/reviews.tar.gz"
    sed -i "s/$archive 200/$(sum_of "$mirror/mr/reviews.tar.gz") 200/" "$scratch/sources"
    fetch_from "file://$mirror" 1 mr
    grep -q 'rt-polarity.pos could not be made' "$scratch/said"
    [ "$(ls "$data/mr")" = reviews.tar.gz ]
}

set_without_an_address_says_where_to_get_it() {
    prepare
    fetch_from "file://$mirror" 1 mine
    grep -q "$data/mine/train.csv, from https://example.org/behind-a-login" "$scratch/said"
    mkdir "$data/mine"
    echo x >"$data/mine/train.csv"
    fetch_from "file://$mirror" 0 mine
}

# In each round $scratch/$fetcher is a PATH with one of the two only.
with_each_fetcher() { # command
    command -v curl >/dev/null || command -v wget >/dev/null || skip "neither curl nor wget is here"
    for fetcher in curl wget; do
        command -v $fetcher >/dev/null || continue
        only_programs "$scratch/$fetcher" $fetcher sh dirname cut sha256sum uname gzip mkdir mv rm cat \
            sort tr sed awk wc
        rm -f "$data/$place"
        "$@"
        cmp "$mirror/$place" "$data/$place"
    done
}

serve() { # program...
    needs_python python3
    : >"$scratch/server"
    (cd "$mirror" && exec "$@") >"$scratch/server" 2>"$scratch/requests" &
    server=$!
    trap 'kill $server' EXIT
    until grep -qE '^([0-9]+$|.* port [0-9])' "$scratch/server"; do
        kill -0 $server # or it ended before it said its port
        sleep 0.1
    done
    url=http://127.0.0.1:$(sed 's/.* port \([0-9]*\).*/\1/' "$scratch/server")
}

# Python's server cannot resume, so this also sees a part given up and begun again.
curl_and_wget_fetch_from_a_web_server() {
    prepare
    serve python3 -u -m http.server --bind 127.0.0.1 0
    # shellcheck disable=SC2317 # called by name
    replace_a_part() {
        head -c 1000 "$mirror/$place" >"$data/$place.part"
        PATH=$scratch/$fetcher fetch_from "$url" 0 set
    }
    with_each_fetcher replace_a_part
}

cut_connection_goes_on_where_it_stopped() {
    prepare
    serve python3 "$root/tests/build/range_server.py" 5000
    # shellcheck disable=SC2016 # expanded in each round
    with_each_fetcher eval 'PATH=$scratch/$fetcher fetch_from "$url" 0 set'
    grep -q "/$place bytes=5000-" "$scratch/requests"
}

the_sources_have_a_sum_a_size_and_a_known_product_each() {
    sed '/^#/d' workloads/data_sources.txt >"$scratch/rows"
    [ "$(wc -l <"$scratch/rows")" -gt 10 ]
    ! grep -vE '^([0-9a-f]{64} [0-9]+|- -) [a-z0-9_]+/[^ ]+ [^ ]+( https?://[^ ]+)+$' "$scratch/rows" || return 1
    [ -z "$(awk '{ print $3 }' "$scratch/rows" | sort | uniq -d)" ]
    awk '$4 != "-" { gsub(",", "\n", $4); print $4 }' "$scratch/rows" | while read -r product; do
        said=$(workloads/unpack_data.sh "$scratch/archive.tgz" "$product" 2>&1) || true
        case $said in *'does not know'*) echo "$said" && return 1 ;; esac
    done
}

behaviours good_file_is_fetched broken_download_is_resumed whole_part_is_not_fetched_again \
    useless_part_is_replaced wrong_sum_is_an_error_that_keeps_nothing good_file_is_not_touched \
    wrong_file_in_place_is_not_overwritten \
    no_network_says_how_to_place_the_files_and_keeps_the_part \
    small_sets_come_by_default_and_others_when_they_are_named \
    list_names_every_set_and_fetches_nothing unknown_set_is_an_error_that_names_the_others \
    archive_is_unpacked_and_not_fetched_for_what_is_there \
    archive_placed_by_hand_is_unpacked_without_network \
    archive_that_cannot_be_unpacked_leaves_no_half_file set_without_an_address_says_where_to_get_it \
    curl_and_wget_fetch_from_a_web_server cut_connection_goes_on_where_it_stopped \
    the_sources_have_a_sum_a_size_and_a_known_product_each
