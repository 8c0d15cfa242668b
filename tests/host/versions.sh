#!/bin/sh
# Runs the tests of the semantic index, and all SQL, on other versions of SQLite than this machine's.
#
#     tests/host/versions.sh BUILD LIBRARY [SQLITE...]
#
# SQLITE is a shared library (libsqlite3.so.0) or an amalgamation (sqlite3.c), which is compiled
# here. If none is named, npm fetches the amalgamations that releases of better-sqlite3 carry: the
# oldest SQLite that is supported, those in which something came that virtual tables may ask for
# (3.38 sqlite3_vtab_in, 3.44 xIntegrity), the newest. BUILD/sqlite keeps what was fetched and
# compiled. The programs of BUILD/tests and /usr/bin/python3 then run on each.

# SQLite 3.34.0, 3.35.2, 3.37.0, 3.38.5, 3.39.1, 3.40.1, 3.44.2, 3.47.0, 3.54.1
RELEASES="7.1.2 7.1.5 7.4.6 7.5.3 7.6.2 8.1.0 9.2.2 11.5.0 13.2.0"
# As distributions compile it, with what Python's module links to.
OPTIONS="-DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DESERIALIZE
    -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_JSON1 -DSQLITE_ENABLE_MATH_FUNCTIONS
    -DSQLITE_SECURE_DELETE -DSQLITE_THREADSAFE=1"

build=$1 library=$2
shift 2
case $build in /*) ;; *) build=$PWD/$build ;; esac
case $library in /*) ;; *) library=$PWD/$library ;; esac
mkdir -p "$build/sqlite" || exit 2
python=${PYTHON:-/usr/bin/python3}

# fetched RELEASE: fetches the package's amalgamation and says where it is.
fetched() {
    folder=$build/sqlite/better-sqlite3-$1
    if [ ! -s "$folder/sqlite3.c" ]; then
        mkdir -p "$folder" &&
        (cd "$folder" && npm pack --silent "better-sqlite3@$1" >/dev/null && tar xzf ./*.tgz) ||
            return 1
        for archive in "$folder"/package/deps/*.tar.gz; do
            [ ! -f "$archive" ] || tar xzf "$archive" -C "$folder/package/deps"
        done
        for name in sqlite3.c sqlite3.h; do
            found=$(find "$folder/package/deps" -name $name | head -n 1)
            [ -n "$found" ] && cp "$found" "$folder/$name" || return 1
        done
        rm -rf "$folder/package" "$folder"/*.tgz
    fi
    echo "$folder/sqlite3.c"
}

# compiled AMALGAMATION: its shared library.
compiled() {
    made=$build/sqlite/$(cksum <"$1" | tr ' ' -)/libsqlite3.so.0
    if [ ! -s "$made" ]; then
        mkdir -p "${made%/*}"
        # shellcheck disable=SC2086
        ${CC:-cc} -O1 -w -fPIC -shared -Wl,-soname,libsqlite3.so.0 $OPTIONS \
            -o "$made.partial" "$1" -lm -lpthread -ldl && mv "$made.partial" "$made" || return 1
    fi
    echo "$made"
}

# run NAME COMMAND...: one line if it went well, everything otherwise.
run() {
    name=$1
    shift
    log=$("$@" 2>&1)
    status=$?
    closing=$(echo "$log" | tail -n 1)
    case $status$closing in
    0*" 0 failed"*) echo "  $name: $closing" ;;
    *) echo "$log" | tail -n 60; echo "FAILED $name on SQLite $version"; failed=1 ;;
    esac
}

on_version() {
    version=$("$python" -c 'import sqlite3; print(sqlite3.sqlite_version)') || { failed=1; return; }
    echo "SQLite $version"
    run "SQL" "$build/tests/sql/run"
    for test in "${0%/*}"/test_semantic_*.py; do
        name=${test##*/test_}
        run "${name%.py}" "$python" "$test"
    done
}

if [ $# -eq 0 ]; then
    command -v npm >/dev/null || { echo "versions: name a libsqlite3.so.0 or a sqlite3.c" \
        "(npm, which would fetch some, is missing)" >&2; exit 2; }
    for release in $RELEASES; do
        set -- "$@" "$(fetched "$release")"
    done
fi

export CONTEXTUAL_LIBRARY="$library"
failed=0
for sqlite in "$@"; do
    case $sqlite in
    *.c) shared=$(compiled "$sqlite") ;;
    *) shared=$sqlite ;;
    esac
    if [ ! -f "$shared" ]; then
        echo "FAILED: no SQLite '$sqlite'"
        failed=1
        continue
    fi
    folder=$build/sqlite/run
    rm -rf "$folder"
    mkdir -p "$folder"
    ln -s "$(realpath "$shared")" "$folder/libsqlite3.so.0"
    LD_LIBRARY_PATH=$folder
    export LD_LIBRARY_PATH
    on_version
    unset LD_LIBRARY_PATH
done
exit $failed
