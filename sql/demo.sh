#!/bin/sh
# Runs demo.sql in the sqlite3 shell, over the paragraphs of text files.
#
#     sql/demo.sh FILE...
#
# demo.sql finds them in the table paragraph(id, file, body), one row for each piece of text
# between blank lines, its lines joined. Expects contextual.so at the top of the tree
# (CONTEXTUAL_LIBRARY names another).

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
[ $# -gt 0 ] || { echo "usage: $0 FILE..." >&2; exit 2; }

# The whole splitting is done in SQL, in time linear in the text: blank lines become a
# character that no text has (U+E000), the text a JSON string, and that character the '","'
# between the elements of an array.
{
    echo "CREATE TEMP TABLE source(path);"
    for path in "$@"; do
        [ -r "$path" ] || { echo "demo: '$path' can't be read" >&2; continue; }
        printf "INSERT INTO source VALUES ('%s');\n" "$(printf %s "$path" | sed "s/'/''/g")"
    done
    cat <<'SQL'
CREATE TEMP TABLE paragraph(id INTEGER PRIMARY KEY, file, body);
WITH raw(path, body) AS (
    SELECT path, CAST(readfile(path) AS TEXT) FROM source),
lines(path, body) AS (      -- one kind of line end, no blanks before it
    SELECT path, replace(replace(replace(replace(replace(replace(body,
           char(13), ''), char(9), ' '), char(12), char(10, 10)),
           '    ' || char(10), char(10)), '  ' || char(10), char(10)),
           ' ' || char(10), char(10))
    FROM raw),
pieces(path, body) AS (
    SELECT path, '[' || replace(json_quote(replace(body, char(10, 10), char(57344))),
                                char(57344), '","') || ']'
    FROM lines),
joined(path, body) AS (     -- lines joined, runs of blanks shortened
    SELECT pieces.path, trim(replace(replace(replace(replace(replace(value,
           char(10), ' '), '     ', ' '), '   ', ' '), '  ', ' '), '  ', ' '))
    FROM pieces, json_each(pieces.body))
INSERT INTO paragraph(file, body)
SELECT replace(path, rtrim(path, replace(path, '/', '')), ''), body
FROM joined WHERE body <> '';
DROP TABLE source;
SQL
    printf '.load "%s"\n' "${CONTEXTUAL_LIBRARY:-$top/contextual.so}"
    printf '.read "%s"\n' "$top/sql/demo.sql"
} | sqlite3 -batch -bail :memory:
