#!/bin/sh
# bench_scan.sh BUILD - how fast codes are scanned, as CSV on standard output: bench_scan on every
# kernel.
set -e
kernels=$("$1/tests/bench/bench_scan" -k | sed 's/,//g')
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "# $(date -u +%F); ${cpu:-$(uname -m)}; one core; make bench-scan"
echo "kernel,type,rows,dimensions,GB/s,plain read GB/s,times of the read,ms"
for kernel in $kernels; do
    [ "$kernel" = openblas ] || CONTEXTUAL_KERNEL=$kernel "$1/tests/bench/bench_scan"
done
