#!/bin/sh
# Proves what the layout promises, from the sources, the objects and the library.
#
#     tests/layers.sh BUILD LIBRARY
#
# Includes point one way: ext -> core/encoder.h -> model -> (text, maths) -> base. Each rule
# is a test; a broken one is shown with the lines that break it.

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

rule "core/ never includes SQLite" "$(includes core/* | grep sqlite)"
rule "core/ includes headers of its own folder only" "$(includes core/* | grep '"[^"]*/')"
rule "ext/ includes SQLite, jansson, core/encoder.h and its own headers only" \
    "$(includes ext/* | grep -vE "$ext_may")"
rule "OpenBLAS is known to kernel_openblas.c alone" \
    "$(includes core/* ext/* | grep -E "$blas" | grep -v '^core/kernel_openblas\.c:')"
rule "vector intrinsics stand in kernels alone" \
    "$(includes core/* ext/* | grep -E "$vectors" | grep -v '^core/kernel')"

# The lower layers; every other file of core/ is of the model layer, which may include all.
base='encoder|error|memory|poll|pool|cpu_count|digest|file'
text='unicode[a-z_]*|[a-z_]*token(s|izer)[a-z_]*|word_?piece[a-z_]*|normali[sz]e[a-z_]*'
text="$text|vocabulary|template|pre_token[a-z_]*|json"
maths='ops|kernel[a-z_0-9]*|cpu|vector[a-z_]*'
model='model|load|checkpoint|safetensors|session|forward|reading|pooling'

# layer SENTENCE FILES FORBIDDEN
layer() {
    files=$(ls core | grep -vE "^(tokens|$model)\." | grep -E "^($2)\.(c|h|inc)$" |
            sed 's,^,core/,')
    rule "$1" "$(includes $files | grep -E "\"($3)\.(h|inc)\"")"
}
layer "base (memory, threads, files) stands on nothing" "$base" "$text|$maths|$model"
layer "text (Unicode, tokenizer) stands on base alone" "$text" "$maths|$model"
layer "maths (kernels, vectors) stands on base alone" "$maths" "$text|$model"

# ---- Objects -----------------------------------------------------------------------------

undefined=$(nm -u -A "$build"/core/*.o "$build"/ext/*.o)
calls() {
    printf '%s\n' "$undefined" | grep -E " ($1)$"
}
rule "nothing in core/ or ext/ can end the process" \
    "$(calls 'abort|_?exit|_Exit|__assert_fail|raise|kill')"
rule "nothing in core/ or ext/ prints" \
    "$(calls '(__)?v?f?printf(_chk)?|f?puts|putchar|fputc|fwrite|perror|stdout|stderr')"
rule "nothing in core/ or ext/ depends on the locale" \
    "$(calls 'strto(d|f|ld)|ato[fi]|is[a-z]+|to(lower|upper)|__ctype_[a-z_]+|setlocale')"

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
