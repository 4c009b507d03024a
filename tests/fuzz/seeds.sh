#!/bin/sh
# What the fuzz targets start from, beside their corpus: files as the program meets them and makes them.
#
#   tests/fuzz/seeds.sh FOLDER
#
# FOLDER gets a folder for each target. A small sweep over a file of texts makes most of it: checkpoints
# of several methods, rows of a database, a file of the cache. Needs ./headroom.
set -eu
mkdir -p "$1"
out=$(realpath "$1")
root=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for target in guess yaml csv label_text jsonl json gzip checkpoint row cache; do mkdir -p "$out/$target"; done

# Texts of two classes: what stands in a table of results, by the kind of its second column.
{
    echo label,text
    sed 1d results/published/claims.csv | tr -d '"\r' | tr , ' ' |
        awk 'NF > 2 && n < 16 { print (n++ % 3 ? "good:a" : "bad") ",\"" $0 "\"" }'
} >"$scratch/texts.csv"
cat >"$scratch/small.yaml" <<END
workload: small
data: {source: csv, train_file: $scratch/texts.csv, label: label, text: text, test_share: 0.3,
       validation_share: 0.3, label_depth: 1, max_len: 8, vocab_limit: 20}
model: {layers: 2, dim: 8, heads: 2, ffn: 8}
train: {epochs: 1, batch: 16}
profile: {seeds: 0}
tune: {learning_rate: [1e-3, 2e-3]}
arms:
  - {arm: fixed, policy: fixed, heads: 2}
  - {arm: none, policy: none}
  - {arm: budgetformer, policy: budgetformer, tune: {cost: [0.1, 0.2]}}
  - {arm: paper, policy: budgetformer-paper, mode: mass}
  - {arm: moh, policy: moh, shared: 1, routed: 1}
  - {arm: cut, policy: michel, base: fixed, heads: 1}
seeds: [1]
END
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
(cd "$scratch" && HEADROOM_CACHE=$scratch/cache "$root/headroom" sweep small.yaml --db r.db) \
    >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; exit 1; }
set -- "$scratch"/checkpoints/*
cp "$@" "$out/checkpoint"
for file in "$scratch"/cache/*; do # without what the target puts around it: the key and the sum
    tail -c +66 "$file" | head -c -8 >"$out/cache/${file##*/}"
done
sqlite3 "$scratch/r.db" "SELECT id FROM trial" | while read -r id; do
    sqlite3 "$scratch/r.db" "SELECT config FROM trial WHERE id = $id" >"$out/row/$id"
done

# A target sees one file, so those that extend others are merged first.
cp harness/config/starter.yaml "$scratch/small.yaml" "$out/yaml"
for file in workloads/*.yaml; do
    name=$(basename "$file" .yaml)
    ./headroom show "$file" >"$out/yaml/$name"
    ./headroom show "$file" --resolved --tier full >"$out/yaml/$name-full"
done

for file in results/published/*.csv; do head -n 30 "$file" >"$out/csv/$(basename "$file" .csv)"; done
cp "$scratch/texts.csv" "$out/csv"
cp "$out/csv"/* "$out/guess"
sed '1d; s/,/ /' "$scratch/texts.csv" >"$out/label_text/texts"
sed '1d; s/^\(.*\),"\(.*\)"$/{"label": "\1", "text": "\2", "n": [1, null, true, {"a.b": 1e-3}]}/' \
    "$scratch/texts.csv" >"$out/jsonl/texts"
cut -d ' ' -f 3- "$out/label_text/texts" | head -n 5 |
    ./headroom predict "$1" --json >"$out/jsonl/predictions"
cp "$out/jsonl"/* "$out/guess"
{ printf '{"rows": [' && sed 's/$/,/; $s/,$//' "$out/jsonl/texts" && printf ']}'; } >"$out/json/rows"
{ printf '[' && sed 's/$/,/; $s/,$//' "$out/jsonl/texts" && printf ']'; } >"$out/json/list"
cp "$out/row"/* "$out/json"
for level in 1 9; do gzip -n -$level <"$out/label_text/texts" >"$out/gzip/$level.gz"; done
cat "$out/gzip/1.gz" "$out/gzip/9.gz" >"$out/gzip/two.gz"
cp "$out/label_text/texts" "$out/gzip"
