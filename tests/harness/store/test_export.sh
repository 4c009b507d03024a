#!/bin/sh
# Exports as other programs read them: Python's csv and json get from every view what sqlite3 gets, numbers
# to the bit, and texts as they were, whatever stands in them.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
export COLUMNS=1000 # a view, a line
headroom=$PWD/headroom

python() {
    needs_python python3
    python3 "$@"
}

# A database with rows in every view, made once.
made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
{
    echo 'BEGIN;'
    cat results/tables.sql results/views.sql
    echo 'CREATE TEMP TABLE size AS SELECT 2 AS n;'
    cat tests/harness/store/many.sql
    echo 'COMMIT;'
} | sqlite3 "$made/r.db"

# A view is planned anew for each process, which takes longer than its answer: each is exported as JSON, and the values of
# all together as CSV, from a table with one a row.
every_view_reads_in_python_as_in_sqlite() {
    cp "$made/r.db" "$scratch"
    python - "$headroom" "$scratch/r.db" <<'END'
import csv, json, sqlite3, subprocess, sys
program, path = sys.argv[1:]
def export(*words):
    return subprocess.run([program, "export", "--db", path, *words], check=True,
                          capture_output=True).stdout.decode()
names = [line.split()[0] for line in export("--list").split("\n\n")[0].splitlines()[1:]]
db = sqlite3.connect(path)
stored = {name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}
assert set(names) == stored, set(names) ^ stored
values = []
for name in names:
    objects = [json.loads(line) for line in export(name, "--format", "jsonl").splitlines()]
    # Where sqlite3 finds nothing the program may have compared arms first.
    cursor = db.execute(f"SELECT * FROM {name}")
    keys = [column[0] for column in cursor.description]
    wanted = [dict(zip(keys, row)) for row in cursor]
    assert not wanted or len(wanted) == len(objects), (name, len(wanted), len(objects))
    assert not wanted or sorted(map(repr, wanted)) == sorted(map(repr, objects)), name
    assert objects, name
    values += [(name, key, value) for found in objects for key, value in found.items()]
db.execute("CREATE TABLE value_of_view (view TEXT, key TEXT, value)")
db.executemany("INSERT INTO value_of_view VALUES (?, ?, ?)", values)
db.commit()
rows = list(csv.DictReader(export("value_of_view").splitlines(keepends=True), strict=True))
assert len(rows) == len(values)
for row, (name, key, value) in zip(rows, values):
    assert list(row) == ["view", "key", "value"] and row["view"] == name and row["key"] == key
    text = row["value"]
    same = (text == "" if value is None else text == value if isinstance(value, str)
            else int(text) == value if isinstance(value, int) else float(text) == value)
    assert same, (name, key, text, value)
END
}

every_ready_question_can_be_exported() {
    for query in results/queries/*.sql; do
        "$headroom" export "$query" --db "$made/r.db" --format md >"$scratch/out" || return 1
        grep -q '^| --- ' "$scratch/out" || { echo "$query: no table" && return 1; }
    done
    "$headroom" export "$query" --db "$made/r.db" --statement 1 >"$scratch/out"
}

hard_numbers_and_texts_come_back_as_they_were() {
    cp "$made/r.db" "$scratch"
    python - "$headroom" "$scratch/r.db" <<'END'
import csv, json, random, sqlite3, struct, subprocess, sys
program, path = sys.argv[1:]
numbers = [0.1, 1 / 3, 0.1 + 0.2, 5e-324, 2.2250738585072011e-308, 1.7976931348623157e308, 1e22, 1e23,
           float("inf"), float("-inf"), 5.0, 123456789012345680.0, -1e-5, 2.0 ** 53 + 2]
random.seed(1)
while len(numbers) < 2000:
    number = struct.unpack("d", random.getrandbits(64).to_bytes(8, "little"))[0]
    if number == number: numbers.append(number)
texts = ["", "NULL", "12", "1e5", 'a"b', '"', ",", "a\nb", "a\r\nb", "\r", "  x ", "Zürich \u2013 \U0001F600",
         "\\", "'", ";", "\t", "\x01\x1f\x7f", None]
db = sqlite3.connect(path)
db.execute("CREATE TABLE hard (number REAL, text TEXT, whole INTEGER, bytes BLOB)")
rows = [(number, texts[i % len(texts)], 2 ** 63 - 1 - i, bytes([i % 256, 0]))
        for i, number in enumerate(numbers)]
db.executemany("INSERT INTO hard VALUES (?, ?, ?, ?)", rows)
db.commit()
def export(format):
    return subprocess.run([program, "export", "hard", "--db", path, "--format", format], check=True,
                          capture_output=True).stdout.decode()
def bits(number): return struct.pack("d", number)
found = [json.loads(line) for line in export("jsonl").splitlines()]
assert len(found) == len(rows)
for row, object in zip(rows, found):
    assert type(object["number"]) is float and bits(object["number"]) == bits(row[0]), (row, object)
    assert object["text"] == row[1] and object["whole"] == row[2], (row, object)
    assert bytes.fromhex(object["bytes"]) == row[3], (row, object)
raw = export("csv")
assert raw.endswith("\r\n") and raw.startswith('"number","text","whole","bytes"\r\n')
found = list(csv.reader(raw.splitlines(keepends=True), strict=True))[1:]
assert len(found) == len(rows), (len(found), len(rows))
for row, cells in zip(rows, found):
    assert bits(float(cells[0])) == bits(row[0]) and int(cells[2]) == row[2], (row, cells)
    assert cells[1] == (row[1] or "") and bytes.fromhex(cells[3]) == row[3], (row, cells)
# What Python's csv does not keep apart, the file does: an empty field and "".
empty, null = (next(line for line in raw.split("\r\n") if line.endswith(f'"{i:02x}00"'))
               for i in (texts.index(""), texts.index(None)))
assert empty.split(",")[1] == '""' and null.split(",")[1] == "", (empty, null)
END
}

behaviours every_view_reads_in_python_as_in_sqlite every_ready_question_can_be_exported \
    hard_numbers_and_texts_come_back_as_they_were
