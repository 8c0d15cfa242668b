#!/bin/sh
# Runs the parts of the test suite and adds their counts up.
#
#     tests/run.sh BUILD LIBRARY [PART...]
#
# BUILD is the folder with the test programs, LIBRARY the extension under test; the parts
# are layers, unit, damage, replay, sql, tables, semantic, faults, host, shell and python, all of
# these if none is named, and same-bits. Each part ends with a line "N passed, N failed[, N skipped]";
# one that does not (a crash, a sanitizer's exit) counts as a failure. The last line is the sum,
# the exit status 1 if anything failed.
#
# Environment: UNDER is put in front of each test program (valgrind); CONTEXTUAL_KERNEL
# limits the unit tests to one kernel; DAMAGE is the number of mutants of each file;
# FAULTS is the number of points of each act at which something fails (0: all);
# CONTEXTUAL_TEST_MODEL is the real model's folder (empty: none).

build=$1 library=$2
shift 2
[ $# -gt 0 ] || set -- layers unit damage replay sql tables semantic faults host shell python

# What the user's own sessions set must not decide what the tests see.
kernel=${CONTEXTUAL_KERNEL:-}
unset CONTEXTUAL_KERNEL CONTEXTUAL_MODEL CONTEXTUAL_PATH CONTEXTUAL_THREADS
case $library in /*) ;; *) library=$PWD/$library ;; esac
export CONTEXTUAL_LIBRARY="$library"

# An error report ends the program with a status of its own, never with 0 or 1.
export ASAN_OPTIONS="exitcode=99:detect_stack_use_after_return=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="exitcode=99:halt_on_error=1:${TSAN_OPTIONS:-}"

passed=0 failed=0 skipped=0
log=$(mktemp) && status=$(mktemp) || exit 2
trap 'rm -f "$log" "$log.0" "$log.1" "$status"' EXIT
trap 'exit 130' INT TERM

# part NAME COMMAND...: shows what the command says but for its closing line, which is
# counted.
part() {
    name=$1
    shift
    begin=$(date +%s)
    { "$@" 2>&1; echo $? >"$status"; } | tee "$log" | sed '/^[0-9]* passed, [0-9]* failed/d'
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed/\1 \2/p' "$log" |
             sed 's/,//; s/ skipped//' | tail -n 1)
    if [ -z "$counts" ]; then
        echo "FAILED $name: ended with status $(cat "$status") before it was done"
        counts="0 1 0"
    elif [ "$(cat "$status")" -gt 1 ]; then
        echo "FAILED $name: ended with status $(cat "$status")"
        counts="$counts +"
    fi
    add $counts
    echo "$name: $result ($(($(date +%s) - begin)) s)"
}

# add PASSED FAILED [SKIPPED] [+]: one more failure for the plus.
add() {
    plus=0
    case "$*" in *+) plus=1 ;; esac
    set -- "$1" $(($2 + plus)) "${3#+}"
    result="$1 passed, $2 failed"
    [ "${3:-0}" -eq 0 ] || result="$result, $3 skipped"
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + ${3:-0}))
}

unit() {
    for name in ${kernel:-$("$build/tests/unit/run" -k)}; do
        CONTEXTUAL_KERNEL=$name \
            part "unit tests, kernel $name" $UNDER "$build/tests/unit/run"
    done
}

replay() {
    for program in "$build"/tests/fuzz/replay_*; do
        [ -x "$program" ] || continue
        name=${program##*/replay_}
        part "fuzz corpus, $name" $UNDER "$program" "tests/fuzz/corpus/$name"
    done
}

# The two halves of the rows at the same time; a half that does not end as it should leaves no
# closing line.
damaged() {
    DAMAGE_HALF=0 $UNDER "$build/tests/damage/damage" >"$log.0" 2>&1 &
    DAMAGE_HALF=1 $UNDER "$build/tests/damage/damage" >"$log.1" 2>&1
    wait
    cat "$log.0" "$log.1" | grep -v '^[0-9]* passed, [0-9]* failed'
    cat "$log.0" "$log.1" | awk '
        /^[0-9]+ passed, [0-9]+ failed/ { ended++; passed += $1; failed += $3; skipped += $5 }
        END { if (ended == 2) print passed " passed, " failed " failed, " skipped " skipped" }'
}

# A Python whose sqlite3 module may load extensions; some builds leave that out.
find_python() {
    for python in /usr/bin/python3 python3; do
        "$python" -c 'import sqlite3; sqlite3.Connection.enable_load_extension' \
            2>/dev/null && return
    done
    python=
}

for part in "$@"; do
    case $part in
    layers) part "layers" sh tests/layers.sh "$build" "$library" ;;
    unit) unit ;;
    damage) part "damaged files" damaged ;;
    replay) replay ;;
    sql) part "SQL" $UNDER "$build/tests/sql/run" ;;
    tables) part "tables" $UNDER "$build/tests/host/test_tables" ;;
    semantic) part "semantic index" $UNDER "$build/tests/semantic/run" ;;
    faults) part "faults" $UNDER "$build/tests/faults/run" ;;
    host) part "C host" $UNDER "$build/tests/host/test_host" ;;
    shell) part "sqlite3 shell" sh tests/host/test_shell.sh ;;
    python)
        find_python
        for name in python models saved memory bits readme semantic_query semantic_step \
                    semantic_model semantic_kinds semantic_damage semantic_kill semantic_ivf \
                    semantic_host; do
            part "Python's sqlite3, $name" "${python:-python3}" "tests/host/test_$name.py"
        done ;;
    same-bits)
        part "same bits" sh tests/same_bits/run.sh "$build/tests/same_bits/embed" \
            tests/golden/bert tests/golden/modernbert ;;
    *) echo "run.sh: no part '$part'" >&2; exit 2 ;;
    esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
