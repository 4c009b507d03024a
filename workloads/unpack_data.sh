#!/bin/sh
# Writes, on standard output, one file that workload files read, made from a fetched one. Sets come as
# thousands of single files, or inside archives with much that nothing here reads; converted once, they
# are one file of rows each. The texts keep every character; only their encoding becomes UTF-8.
#
#   workloads/unpack_data.sh FETCHED PRODUCT       e.g. data/imdb/aclImdb_v1.tar.gz imdb_train.jsonl
#
# fetch_data.sh calls it; PRODUCT stands in data_sources.txt behind the file it is made from.
set -eu
fetched=$1 product=$2
folder=$(cd "$(dirname "$fetched")" && mktemp -d "$PWD/unpack.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
export LC_ALL=C # bytes, and one order of names everywhere

take() { # member of the archive; a pipe would hide that taking it failed
    case $fetched in
    *.zip) unzip -q -o "$fetched" "$1" -d "$folder" ;;
    *) tar -xzf "$fetched" -C "$folder" "$1" ;;
    esac
}

# Single files to JSON lines: their names on standard input, one file a row. A file is one awk record
# (no text has a \001, nothing else is awk's separator here), so that line ends at its end are kept.
# shellcheck disable=SC2016 # $0 is awk's
json_lines() { # program that prints the members in front of the text, from FILENAME
    xargs awk -v OFS= -v ORS= '
        function text_as_json(text, i) {
            gsub(/\\/, "&&", text)
            gsub(/"/, "\\\"", text)
            gsub(/\n/, "\\n", text)
            gsub(/\r/, "\\r", text)
            gsub(/\t/, "\\t", text)
            gsub(/\010/, "\\b", text)
            gsub(/\014/, "\\f", text)
            if (text ~ /[\002-\037]/)
                for (i = 2; i < 32; i++)
                    gsub(sprintf("%c", i), sprintf("\\u%04x", i), text)
            return "\"" text "\""
        }
        BEGIN { RS = "\001" }
        { '"$1"'; print ", \"text\": ", text_as_json($0), "}\n" }'
}

# IMDB: aclImdb/train/neg/0_3.txt is review 0, with a rating of 3.
reviews() { # train or test
    take "aclImdb/$1/neg"
    take "aclImdb/$1/pos"
    cd "$folder/aclImdb"
    for class in neg pos; do
        for file in "$1/$class"/*.txt; do echo "$file"; done | sort -t / -k 3n
    done >files
    json_lines 'id = FILENAME; sub(/\.txt$/, "", id); rating = id; sub(/.*_/, "", rating)
        print "{\"id\": \"", id, "\", \"label\": ", id ~ /pos/ ? 1 : 0, ", \"rating\": ", rating' <files
}

# 20 Newsgroups: 20news-bydate-train/sci.space/60804, in ISO-8859-1. A group's first part is the coarse class.
posts() { # folder of the archive
    take "$1"
    cd "$folder/$1"
    for file in */*; do echo "$file"; done | sort -t / -k 1,1 -k 2n >files
    json_lines 'group = FILENAME; sub(/\/.*/, "", group); coarse = group; sub(/\..*/, "", coarse)
        print "{\"id\": \"", FILENAME, "\", \"label\": \"", group, "\", \"coarse\": \"", coarse, "\""' \
        <files >rows
    iconv -f ISO-8859-1 -t UTF-8 rows
}

case $product in
imdb_*.jsonl) reviews "$(expr "$product" : 'imdb_\(.*\)\.jsonl')" ;;
20news-*.jsonl) posts "${product%.jsonl}" ;;
snli_train_subset.jsonl) # every 28th pair with a label: not every 27th, as three pairs share a premise
    take snli_1.0/snli_1.0_train.jsonl
    awk '!/"gold_label": "-"/ && ++n % 28 == 1' "$folder/snli_1.0/snli_1.0_train.jsonl"
    ;;
snli_*.jsonl) take "snli_1.0/$product" && cat "$folder/snli_1.0/$product" ;;
glue_sst2_*.tsv) # without the line that names the columns
    member=SST-2/${product#glue_sst2_}
    take "$member" && sed 1d "$folder/$member"
    ;;
rt-polarity.*) take "rt-polaritydata/$product" && cat "$folder/rt-polaritydata/$product" ;;
# AG News, whose rows are mixed and hold no line end; its class file is not in the place it comes from
train_subset.csv)
    if [ ! -e "$fetched" ]; then
        gzip -dc "$fetched.gz" >"$folder/rows"
        fetched=$folder/rows
    fi
    awk 'NR % 4 == 1' "$fetched"
    ;;
classes.txt) printf '%s\n' World Sports Business Sci/Tech ;;
train.csv | test.csv)
    member=$(basename "$fetched" .tgz)/$product
    take "$member" && cat "$folder/$member"
    ;;
*) echo "headroom: error: workloads/unpack_data.sh does not know how to make $product" >&2 && exit 1 ;;
esac
