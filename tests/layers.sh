#!/bin/sh
# Proves what the layout promises, from the sources, the objects and the library.
#
#     tests/layers.sh BUILD LIBRARY
#
# Includes point one way: ext -> core/encoder.h -> calls -> forward -> model -> (text, maths,
# files) -> base. Each rule is a test; a broken one is shown with the lines that break it.

build=$1 library=$2
passed=0 failed=0

# rule SENTENCE LINES: the lines are what breaks it.
rule() {
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED layers: %s\n%s\n' "$1" "$2"
    fi
}

# ---- Sources -----------------------------------------------------------------------------

# Lines "file:line:#include <name>" of the files.
includes() {
    grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null "$@"
}

standard='dirent|dlfcn|errno|fcntl|float|inttypes|limits|math|pthread|sched|signal|stdarg'
standard="$standard|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|time|unistd"
standard="$standard|sys/[a-z]+"
ext_may="<($standard)\.h>|[<\"](sqlite3ext|jansson)\.h[>\"]"
ext_may="$ext_may|\"\.\./core/encoder\.h\"|\"[a-z_0-9]+\.(h|inc)\""
blas='<(cblas|f77blas|openblas_config)\.h>'
vectors='<(.mmintrin|immintrin|x86intrin|arm_neon|arm_sve)\.h>'

rule "core/ never includes SQLite" "$(includes core/*.h core/*/* | grep sqlite)"
rule "core/ includes headers of its own folder only" "$(includes core/*.h core/*/* | grep '"[^"]*/')"
rule "ext/ includes SQLite, jansson, core/encoder.h and its own headers only" \
    "$(includes ext/*.[ch] ext/*/* | grep -vE "$ext_may")"
rule "OpenBLAS is known to kernel_openblas.c alone" \
    "$(includes core/*/* ext/*.[ch] ext/*/* | grep -E "$blas" | grep -v '^core/maths/kernel_openblas\.c:')"
rule "vector intrinsics stand in kernels alone" \
    "$(includes core/*/* ext/*.[ch] ext/*/* | grep -E "$vectors" | grep -v '^core/maths/kernel')"

# layer NAME SENTENCE FOLDERS: what NAME includes stands in itself or in these.
layer() {
    wrong=$(includes core/"$1"/* | sed -n 's/^\([^"]*\)"\([a-z_0-9.]*\)"$/\1 \2/p' |
            while read -r where name; do
                for folder in . "$1" $3; do
                    [ -e "core/$folder/$name" ] && continue 2
                done
                echo "$where \"$name\""
            done)
    rule "$2" "$wrong"
}
layer base    "base (memory, threads, files) stands on nothing" ""
layer maths   "maths (kernels, vectors) stands on base alone" "base"
layer text    "text (Unicode, tokenizers) stands on base alone" "base"
layer files   "files (tensors by name) stands on base alone" "base"
layer model   "model stands on base, maths, text and files" "base maths text files"
layer forward "forward stands on the model" "base maths text files model"
layer calls   "calls stand on all others" "base maths text files model forward"
rule "names of files in core/ are unique" \
    "$(ls core core/* | grep -E '\.(c|h|inc)$' | sort | uniq -d)"

# ---- Objects -----------------------------------------------------------------------------

undefined=$(nm -u -A "$build"/core/*/*.o "$build"/ext/*.o "$build"/ext/*/*.o)
calls() {
    printf '%s\n' "$undefined" | grep -E " ($1)$"
}
rule "nothing in core/ or ext/ can end the process" \
    "$(calls 'abort|_?exit|_Exit|__assert_fail|raise|kill')"
rule "nothing in core/ or ext/ prints" \
    "$(calls '(__)?v?f?printf(_chk)?|f?puts|putchar|fputc|fwrite|perror|stdout|stderr')"
rule "nothing in core/ or ext/ depends on the locale" \
    "$(calls 'strto(d|f|ld)|ato[fi]|is[a-z]+|to(lower|upper)|__ctype_[a-z_]+|setlocale')"

# Instrumented code is another one, the loops are those of x86, and clang keeps some weights on the
# stack, which costs nothing.
tiles="avx2 avx512 bf16_avx512 int8_avx2 int8_avxvnni int8_avx512bw int8_avx512vnni"
if command -v objdump >/dev/null && [ "$(uname -m)" = x86_64 ] &&
   ! printf '%s\n' "$undefined" | grep -qE ' __(asan|ubsan|tsan|msan|gcov|llvm_prof)' &&
   ! grep -q 'clang version' "$build/core/maths/kernel_avx2.o"; then
    stores= without=
    for kernel in $tiles; do
        found=$(objdump -d --no-show-raw-insn "$build/core/maths/kernel_$kernel.o" |
                awk -f tests/tile_loops.awk)
        case $found in *"loops 0") without="$without $kernel" ;; esac
        stores="$stores$(printf '%s\n' "$found" | sed -n "/^loops/!s/^/$kernel: /p")"
    done
    rule "every kernel with tiles has loops that look like it" "$without"
    rule "no tile keeps a sum on the stack" "$stores"
fi

# ---- The library -------------------------------------------------------------------------

shown=$(nm -D --defined-only "$library" 2>&1 | awk '{print $NF}')
[ "$shown" = sqlite3_contextual_init ] && shown=
rule "the library shows its entry point alone" "$shown"
if command -v readelf >/dev/null; then
    dynamic=$(readelf -d "$library" 2>&1)
    case $dynamic in *NODELETE*) mapped= ;; *) mapped=$dynamic ;; esac
    rule "the library stays mapped after the last close" "$mapped"
    rule "the library's code is not patched when loaded" "$(echo "$dynamic" | grep TEXTREL)"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
