#!/bin/sh
# The extension in the real sqlite3 shell.
#
#     CONTEXTUAL_LIBRARY=./contextual.so sh tests/host/test_shell.sh

library=${CONTEXTUAL_LIBRARY:-./contextual.so}
tests=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
bind="SELECT embed_model('tiny', '$tests/golden/bert') IS NULL;"
passed=0 failed=0

# is SENTENCE GOT WANT
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED shell: %s: got\n    %s\n  expected\n    %s\n' "$1" "$2" "$3"
    fi
}

# shell SQL...: what the shell prints for a new in-memory database, errors included.
shell() {
    sqlite3 -batch :memory: ".load $library" "$bind" "$@" 2>&1 | sed 1d
}

is ".load finds the entry point by the file's name" \
    "$(shell "SELECT contextual_version() IS NOT NULL;")" 1
is ".load works without the suffix" \
    "$(sqlite3 -batch :memory: ".load ${library%.so}" \
           "SELECT typeof(contextual_version());" 2>&1)" text
is "SELECT load_extension() works" \
    "$(sqlite3 -batch :memory: "SELECT load_extension('$library');" \
       "SELECT typeof(contextual_version());" 2>&1 | tail -n 1)" text
is "nothing is printed but the answer" \
    "$(shell "SELECT typeof(embed('bank', 'tiny'));")" blob
is "an error is one line, and the next statement runs" \
    "$(printf '%s\n' ".load $library" "SELECT cosine(x'00', x'00');" "SELECT 'goes on';" |
       sqlite3 -batch :memory: 2>&1 | sed 's/.*cosine: .*/cosine: .../')" \
    "$(printf 'cosine: ...\ngoes on')"
is "a dump of a table of vectors restores them" \
    "$(sqlite3 -batch "$folder/a.db" ".load $library" \
           "$bind" \
           "CREATE TABLE t AS SELECT embed('bank', 'tiny') AS e;" >/dev/null 2>&1
       sqlite3 -batch "$folder/a.db" .dump | sqlite3 -batch "$folder/b.db" 2>&1
       sqlite3 -batch "$folder/b.db" ".load $library" \
           "$bind" \
           "SELECT e = embed('bank', 'tiny') FROM t;" 2>&1 | tail -n 1)" 1
is "a dump of an index restores it, its content renamed" \
    "$(sqlite3 -batch "$folder/c.db" ".load $library" "$bind" \
           "SELECT embed_model_default('tiny');" \
           "CREATE TABLE articles(id INTEGER PRIMARY KEY, title);" \
           "CREATE VIRTUAL TABLE search USING semantic(title, content='articles',
                                                       content_rowid='id', fts='1');" \
           "INSERT INTO search(search) VALUES('triggers');" \
           "INSERT INTO articles VALUES (1, 'the bank'), (2, 'the river');" \
           "ALTER TABLE articles RENAME TO papers;" \
           "ALTER TABLE papers RENAME COLUMN title TO head;" >/dev/null 2>&1
       sqlite3 -batch "$folder/c.db" .dump | sqlite3 -batch "$folder/d.db" 2>&1
       sqlite3 -batch "$folder/d.db" ".load $library" "$bind" \
           "INSERT INTO papers VALUES (3, 'the shore');" \
           "INSERT INTO search(search) VALUES('integrity-check');" \
           "SELECT group_concat(title), sum(vector = embed(title, 'tiny')) FROM search;" 2>&1 |
           tail -n 1)" "the bank,the river,the shore|3"
is "a view is usable with an untrusted schema" \
    "$(shell "PRAGMA trusted_schema = OFF;" \
             "CREATE VIEW v AS SELECT vector_length(embed('bank', 'tiny')) AS n;" \
             "SELECT n > 0 FROM v;")" 1
is "the shell's .timer, .mode and .import leave the extension alone" \
    "$(printf 'bank\nriver\n' >"$folder/words.csv"
       shell "CREATE TABLE w(word);" ".import $folder/words.csv w" ".mode csv" \
             "SELECT word, typeof(embed(word, 'tiny')) FROM w;" | tr -d '\r')" \
    "$(printf 'bank,blob\nriver,blob')"
is "a second process reads what the first one stored" \
    "$(sqlite3 -batch "$folder/a.db" ".load $library" \
           "SELECT vector_length(e) > 0 FROM t;" 2>&1)" 1

model=${CONTEXTUAL_TEST_MODEL-$tests/../models/all-MiniLM-L6-v2}
skipped=0
if [ -f "$model/model.safetensors" ]; then
    is "the demonstration runs to its end without an error" \
        "$(CONTEXTUAL_MODEL=$model sh "$tests/../sql/demo.sh" "$tests/../LICENSE" \
               >"$folder/demo.txt" 2>&1 || tail -n 3 "$folder/demo.txt")" ""
else
    echo "skipped shell: the demonstration: all-MiniLM-L6-v2 is not there (make model)"
    skipped=1
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
