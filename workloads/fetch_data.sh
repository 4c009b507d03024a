#!/bin/sh
# Fetches data sets into the data folder (HEADROOM_DATA, else data/), each file checked against its
# sha256. A file is downloaded beside its place and moved there only when its bytes are right, so
# what stands there is always whole: a broken download is resumed by the next call, a wrong one is
# deleted, a good file (plain or .gz) is never touched.
#
#   workloads/fetch_data.sh [SOURCES]      default: data_sources.txt beside this script
#
# HEADROOM_DATA_URL replaces the addresses in SOURCES by one folder: a mirror.
set -eu
sources=${1:-$(dirname "$0")/data_sources.txt}
data=${HEADROOM_DATA:-data}

say() { echo "headroom: $*" >&2; }

# sha256 of standard input: GNU, else the Perl tool that macOS has.
sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

is_good() { # file sum
    if [ -f "$1" ]; then
        [ "$(sha256 <"$1")" = "$2" ]
    else
        [ -f "$1.gz" ] && [ "$(gzip -dc "$1.gz" 2>/dev/null | sha256)" = "$2" ]
    fi
}

download() { # address file; goes on where an earlier download stopped
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 --connect-timeout 20 -C - -o "$2" "$1"
    else
        wget -q --tries=3 --timeout=20 -c -O "$2" "$1"
    fi
}

try() { # address file sum
    say "fetching $1"
    status=0
    download "$1" "$2.part" || status=$?
    # Not resumable, or refused: the server is there, so the part is of no use (codes of curl, wget).
    case $status in 1 | 8 | 22 | 33 | 36) rm -f "$2.part" ;; esac
    [ $status = 0 ] || return 1

    if is_good "$2.part" "$3"; then
        mv "$2.part" "$2" || return 1
        say "$2: fetched, sha256 right"
        return 0
    fi
    say "$1: wrong sha256 $(sha256 <"$2.part"), expected $3; deleted"
    rm -f "$2.part"
    return 1
}

fetch() { # sum place address...; true when the file is there in the end
    sum=$1 file=$data/$2
    shift 2
    if is_good "$file" "$sum"; then say "$file is there, sha256 right" && return; fi
    if [ -e "$file" ]; then
        say "$file: wrong sha256, expected $sum; delete it to have it fetched again"
        return 1
    fi
    mkdir -p "$(dirname "$file")" || return 1
    [ -z "${HEADROOM_DATA_URL:-}" ] || set -- "${HEADROOM_DATA_URL%/}/$(basename "$file")"

    for address; do
        # What an earlier call left may be of no use; then a second try starts from nothing.
        if [ -s "$file.part" ] && try "$address" "$file" "$sum"; then return; fi
        if [ ! -s "$file.part" ] && try "$address" "$file" "$sum"; then return; fi
    done
    return 1
}

"$(dirname "$0")/../harness/install_packages.sh" data
missing=0
while read -r sum place addresses; do
    case $sum in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086 # the addresses are words
    fetch "$sum" "$place" $addresses && continue
    missing=$((missing + 1))
    by_hand="${by_hand:-}  $data/$place, sha256 $sum, from ${addresses%% *}
"
done <"$sources"
[ $missing = 0 ] && exit 0

{
    echo "headroom: error: $missing of the files could not be fetched; the messages above say why."
    echo 'Where there is no network, get them on another machine and place them here (or as .gz):'
    printf '%s' "$by_hand"
    echo 'then run make data again: it checks what is there and fetches only the rest.'
} >&2
exit 1
