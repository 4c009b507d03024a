#!/bin/sh
# Fetches data sets into the data folder (HEADROOM_DATA, else data/), each file checked against its
# sha256, and makes of archives the files that workloads read. A file is downloaded beside its place and
# moved there only when its bytes are right, so what stands there is always whole: a broken download
# is resumed, by this call or the next, a wrong one is deleted, a good file (plain or .gz) is never
# touched.
#
#   workloads/fetch_data.sh [SET...]     `list`: the sets there are; `all`; default: the small ones
#
# HEADROOM_DATA_URL replaces the addresses by one folder, a mirror of the data folder;
# HEADROOM_DATA_SOURCES replaces data_sources.txt, which explains its columns.
set -eu
here=$(dirname "$0")
sources=${HEADROOM_DATA_SOURCES:-$here/data_sources.txt}
data=${HEADROOM_DATA:-data}
large=40000000 # bytes of a set that only comes when it is named: all small ones take a minute or so

say() { echo "headroom: $*" >&2; }

sha256() { sha256sum | cut -d ' ' -f 1; } # of standard input

is_there() { [ -e "$1" ] || [ -e "$1.gz" ]; }

is_good() { # file sum
    if [ -f "$1" ]; then
        [ "$(sha256 <"$1")" = "$2" ]
    else
        [ -f "$1.gz" ] && [ "$(gzip -dc "$1.gz" 2>/dev/null | sha256)" = "$2" ]
    fi
}

size_of() { if [ -e "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

as_text() { # bytes
    if [ "$1" -lt 1000000 ]; then
        echo "$((($1 + 999) / 1000)) kB"
    else
        echo "$(($1 / 1000000)).$(($1 / 100000 % 10)) MB"
    fi
}

rows() { sed '/^#/d; /^$/d' "$sources"; }

# Every set with its bytes, 0 where it is placed by hand.
sets() {
    rows | awk '
        { sub("/.*", "", $3) }
        !($3 in bytes) { name[++n] = $3 }
        { bytes[$3] += $2 }
        END { for (i = 1; i <= n; i++) print name[i], bytes[name[i]] }'
}

sets_of() { # awk condition on $1, the name, and $2, the bytes
    sets | awk "$1 { print \$1 }" | tr '\n' ' '
}

list_sets() {
    sets | while read -r set bytes; do
        if [ "$bytes" = 0 ]; then
            echo "$set: placed by hand, see workloads/README.md"
        else
            [ "$bytes" -lt $large ] && when= || when=", fetched when it is named"
            echo "$set: $(as_text "$bytes")$when"
        fi
    done
}

download() { # address file; goes on where an earlier download stopped
    if command -v curl >/dev/null; then
        [ -t 2 ] && progress=--progress-bar || progress=-sS
        curl -fL "$progress" --retry 2 --connect-timeout 20 --speed-limit 1 --speed-time 60 \
            -C - -o "$2" "$1"
    else
        [ -t 2 ] && progress=--show-progress || progress=--no-verbose
        wget -q "$progress" --tries=3 --timeout=20 -c -O "$2" "$1"
    fi
}

try() { # address file sum bytes
    status=0
    if ! is_good "$2.part" "$3"; then
        say "fetching $1 ($(as_text "$4"))"
        download "$1" "$2.part" || status=$?
    fi
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

fetch() { # file sum bytes address...; true when the file is there in the end
    file=$1 sum=$2 bytes=$3
    shift 3
    if is_good "$file" "$sum"; then say "$file is there, sha256 right" && return; fi
    if [ -e "$file" ]; then
        say "$file: wrong sha256, expected $sum; delete it to have it fetched again"
        return 1
    fi
    mkdir -p "$(dirname "$file")" || return 1
    for address; do
        # Again while a try changes something: a part of no use is gone, or a cut download has grown.
        before=-1
        while [ "$(size_of "$file.part")" != "$before" ]; do
            before=$(size_of "$file.part")
            if try "$address" "$file" "$sum" "$bytes"; then return; fi
        done
    done
    return 1
}

# What is made of a fetched file: moved to its place when it is whole, as a download is.
make_products() { # fetched product...
    fetched=$1
    shift
    for product; do
        target=$(dirname "$fetched")/$product
        if is_there "$target"; then continue; fi
        say "making $target"
        if ! { "$here/unpack_data.sh" "$fetched" "$product" >"$target.part" && [ -s "$target.part" ]; }; then
            say "$target could not be made of $fetched"
            rm -f "$target.part"
            return 1
        fi
        mv "$target.part" "$target" || return 1
    done
}

obtain() { # sum bytes place made address...
    sum=$1 bytes=$2 place=$3 made=$4 file=$data/$3
    shift 4
    if [ "$sum" = - ]; then is_there "$file" && say "$file is there, not checked" && return; fi
    [ "$sum" != - ] || return 1
    [ "$made" = - ] && made= || made=$(echo "$made" | tr , ' ')

    # An archive is only wanted for what is made of it.
    case $place in *.zip | *.tgz | *.tar.gz)
        lacking=
        for product in $made; do is_there "$(dirname "$file")/$product" || lacking=$product; done
        [ -n "$lacking" ] || { say "$(dirname "$file"): $made: there" && return; }
        ;;
    esac
    [ -z "${HEADROOM_DATA_URL:-}" ] || set -- "${HEADROOM_DATA_URL%/}/$place"
    # shellcheck disable=SC2086 # the products are words
    fetch "$file" "$sum" "$bytes" "$@" && make_products "$file" $made
}

case ${*:-} in
list) list_sets && exit ;;
'') wanted=$(sets_of "\$2 > 0 && \$2 < $large") ;;
all) wanted=$(sets_of "\$2 > 0") ;;
*) wanted="$* " ;;
esac
for set in $wanted; do
    case " $(sets_of 1)" in *" $set "*) continue ;; esac
    say "error: no data set '$set'; there are: $(sets_of 1)"
    exit 1
done

"$here/../harness/install_packages.sh" data
missing=0 rows=$(rows)
while read -r sum bytes place made addresses; do
    case " $wanted" in *" ${place%%/*} "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086 # the addresses are words
    obtain "$sum" "$bytes" "$place" "$made" $addresses && continue
    missing=$((missing + 1))
    [ "$sum" = - ] && what= || what=", $(as_text "$bytes"), sha256 $sum"
    by_hand="${by_hand:-}  $data/$place$what, from ${addresses%% *}
"
done <<EOF
$rows
EOF

if [ $missing != 0 ]; then
    {
        echo "headroom: error: $missing of the files could not be had; the messages above say why."
        echo 'Where there is no network, get them on another machine and place them here (or as .gz):'
        printf '%s' "$by_hand"
        echo 'then run make data again: it checks what is there and fetches only the rest.'
    } >&2
    exit 1
fi
[ $# != 0 ] || say "larger sets come when they are named, as in make data SETS=\"imdb snli\":" \
    "$(sets_of "\$2 >= $large")(SETS=list: all with their sizes)"
