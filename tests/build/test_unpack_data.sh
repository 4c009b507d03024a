#!/bin/sh
# workloads/unpack_data.sh on small archives laid out like the real ones.
. tests/build/tap.sh
scratch=${scratch:?}

# FETCHED is packed from a folder in $scratch; the product must be the lines of standard input.
product_is() { # fetched product
    cat >"$scratch/expected"
    workloads/unpack_data.sh "$scratch/$1" "$2" >"$scratch/product"
    diff "$scratch/expected" "$scratch/product"
    [ -z "$(find "$scratch" -name 'unpack.*')" ]
}

zip_of() { # archive folder
    command -v unzip >/dev/null || skip "unzip is not here"
    needs_python python3
    (cd "$scratch" && python3 -m zipfile -c "$1" "$2")
}

reviews_become_rows_in_the_order_of_their_numbers() {
    mkdir -p "$scratch/aclImdb/train/neg" "$scratch/aclImdb/train/pos" "$scratch/aclImdb/train/unsup"
    printf 'bad "\\" caf\303\251<br />' >"$scratch/aclImdb/train/neg/2_1.txt"
    printf 'a\tb\r\fc\bd\033e' >"$scratch/aclImdb/train/neg/10_4.txt"
    printf 'good\n' >"$scratch/aclImdb/train/pos/0_10.txt"
    printf 'of no label' >"$scratch/aclImdb/train/unsup/0_0.txt"
    tar -czf "$scratch/aclImdb_v1.tar.gz" -C "$scratch" aclImdb
    product_is aclImdb_v1.tar.gz imdb_train.jsonl <<'EOF'
{"id": "train/neg/2_1", "label": 0, "rating": 1, "text": "bad \"\\\" café<br />"}
{"id": "train/neg/10_4", "label": 0, "rating": 4, "text": "a\tb\r\fc\bd\u001be"}
{"id": "train/pos/0_10", "label": 1, "rating": 10, "text": "good\n"}
EOF
}

posts_become_rows_in_utf_8() {
    mkdir -p "$scratch/20news-bydate-test/sci.space" "$scratch/20news-bydate-test/alt.atheism" \
        "$scratch/20news-bydate-train/sci.space"
    printf 'From: x\n\nna\357ve\n' >"$scratch/20news-bydate-test/sci.space/60804"
    printf 'From: y\n\nno\n' >"$scratch/20news-bydate-test/sci.space/9"
    printf 'hm\n' >"$scratch/20news-bydate-test/alt.atheism/70000"
    tar -czf "$scratch/20news-bydate.tar.gz" -C "$scratch" 20news-bydate-test 20news-bydate-train
    product_is 20news-bydate.tar.gz 20news-bydate-test.jsonl <<'EOF'
{"id": "alt.atheism/70000", "label": "alt.atheism", "coarse": "alt", "text": "hm\n"}
{"id": "sci.space/9", "label": "sci.space", "coarse": "sci", "text": "From: y\n\nno\n"}
{"id": "sci.space/60804", "label": "sci.space", "coarse": "sci", "text": "From: x\n\nnaïve\n"}
EOF
}

members_of_archives_come_as_they_are() {
    mkdir -p "$scratch/dbpedia_csv" "$scratch/rt-polaritydata" "$scratch/snli_1.0"
    echo '1,"a","b"' >"$scratch/dbpedia_csv/train.csv"
    tar -czf "$scratch/dbpedia_csv.tgz" -C "$scratch" dbpedia_csv
    echo '1,"a","b"' | product_is dbpedia_csv.tgz train.csv
    printf 'caf\351\n' >"$scratch/rt-polaritydata/rt-polarity.pos"
    tar -czf "$scratch/rt-polaritydata.tar.gz" -C "$scratch" rt-polaritydata
    printf 'caf\351\n' | product_is rt-polaritydata.tar.gz rt-polarity.pos
    echo '{"gold_label": "-"}' >"$scratch/snli_1.0/snli_1.0_dev.jsonl"
    zip_of snli_1.0.zip snli_1.0
    echo '{"gold_label": "-"}' | product_is snli_1.0.zip snli_1.0_dev.jsonl
}

glue_loses_the_names_of_its_columns() {
    mkdir "$scratch/SST-2"
    printf 'sentence\tlabel\nhide new secretions \t0\n' >"$scratch/SST-2/train.tsv"
    zip_of SST-2.zip SST-2
    printf 'hide new secretions \t0\n' | product_is SST-2.zip glue_sst2_train.tsv
}

subsets_are_every_nth_row() {
    mkdir "$scratch/snli_1.0"
    seq 1 100 | sed 's/.*/{"gold_label": "neutral", "pairID": "&"}/; 2s/neutral/-/' \
        >"$scratch/snli_1.0/snli_1.0_train.jsonl"
    zip_of snli_1.0.zip snli_1.0
    printf '{"gold_label": "neutral", "pairID": "%s"}\n' 1 30 58 86 |
        product_is snli_1.0.zip snli_train_subset.jsonl
    seq 1 9 >"$scratch/train.csv"
    printf '%s\n' 1 5 9 | product_is train.csv train_subset.csv
    gzip "$scratch/train.csv"
    printf '%s\n' 1 5 9 | product_is train.csv train_subset.csv
}

missing_member_is_a_failure() {
    mkdir "$scratch/dbpedia_csv"
    tar -czf "$scratch/dbpedia_csv.tgz" -C "$scratch" dbpedia_csv
    ! workloads/unpack_data.sh "$scratch/dbpedia_csv.tgz" train.csv || return 1
    ! workloads/unpack_data.sh "$scratch/dbpedia_csv.tgz" unheard-of.csv 2>"$scratch/said" || return 1
    grep -q 'does not know how to make unheard-of.csv' "$scratch/said"
}

behaviours reviews_become_rows_in_the_order_of_their_numbers posts_become_rows_in_utf_8 \
    members_of_archives_come_as_they_are glue_loses_the_names_of_its_columns \
    subsets_are_every_nth_row missing_member_is_a_failure
