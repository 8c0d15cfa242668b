#!/bin/sh
# The same text gives the same bits: in any batch, order and place, on any number of threads.
#
#     tests/same_bits/run.sh PROGRAM CHECKPOINT...
#
# PROGRAM is what embed.c became. For each checkpoint, kernel and number type there must be one
# SHA-256 of all texts' vectors, whatever the size of the batches and the number of threads.
# Environment: TEXTS (10000), of which float32 of the first checkpoint takes all, the rest a
# fifth.

program=$1
shift
texts=${TEXTS:-10000}
fewer=$((texts / 5 + 1))
passed=0 failed=0 skipped=0
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# embed THREADS BATCH: the digest; the error instead, and the program's status.
embed() {
    CONTEXTUAL_KERNEL=$kernel CONTEXTUAL_THREADS=$1 \
        "$program" "$checkpoint" "$type" "$texts" "$2" 2>"$folder/error.$1.$2" >"$folder/$1.$2" &&
        sha256sum <"$folder/$1.$2" >"$folder/sum.$1.$2"
    status=$?
    rm "$folder/$1.$2"
    [ $status -eq 0 ] ||
        echo "status $status: $(cat "$folder/error.$1.$2")" >"$folder/sum.$1.$2"
}

compare() {
    first=$(cat "$folder/sum.1.1")
    case $first in
    "status 3: "*)
        echo "SKIPPED ${checkpoint##*/}, kernel $kernel, $type: ${first#*: }"
        skipped=$((skipped + 1))
        return ;;
    esac
    for threads in 1 2 4; do
        for batch in 1 2 3 7 64; do
            sum=$(cat "$folder/sum.$threads.$batch")
            if [ "$sum" = "$first" ] && [ "${sum#status}" = "$sum" ]; then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
                echo "FAILED ${checkpoint##*/}, kernel $kernel, $type: batches of $batch on" \
                     "$threads threads give other bits: $sum, not $first"
            fi
        done
    done
}

for checkpoint in "$@"; do
    for type in none bf16 int8; do
        for kernel in $("$program" -k | tr -d ,); do
            for threads in 1 2 4; do
                for batch in 1 2 3 7 64; do
                    embed $threads $batch &
                done
                wait
            done
            compare
        done
        texts=$fewer
    done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
