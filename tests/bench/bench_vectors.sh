#!/bin/sh
# bench_vectors.sh BUILD LIBRARY [SQLITE_VEC] - how fast vectors are compared, as CSV on standard
# output: bench_vectors on every kernel, then bench_vectors_sql on the best one.
set -e
build=$1 library=$2 vec=$3
case $library in */*) ;; *) library=./$library ;; esac # not the linker's search path

kernels=$("$build/tests/bench/bench_vectors" -k | sed 's/,//g')
version=$(sqlite3 :memory: 'SELECT sqlite_version()' 2>/dev/null || echo unknown)
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "# $(date -u +%F); ${cpu:-$(uname -m)}; kernels $kernels; SQLite $version; make bench-vectors"
echo "part,kernel,type,metric,elements,value,unit,share"
for kernel in $kernels; do
    [ "$kernel" = openblas ] || CONTEXTUAL_KERNEL=$kernel "$build/tests/bench/bench_vectors"
done
"$build/tests/bench/bench_vectors_sql" "$library" $vec
