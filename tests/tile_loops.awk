# tile_loops.awk - finds loops of tiles in what objdump -d shows of a kernel, and stores in them.
#
#     objdump -d --no-show-raw-insn kernel.o | awk -f tests/tile_loops.awk
#
# A tile keeps its sums in registers over the depths, and what these loops alone have is multiply-adds
# beside a fetch into the second-level cache. None of them stores a vector, unless the compiler has run
# out of registers: then the product takes twice the time and is right all the same. Prints each such
# store, then "loops N".
function leave_function() { delete at; delete line; delete mnemonic; n = 0; last_back = 0 }

function look(first, last,   i, sums, fetches) {
    for (i = first; i <= last; i++) {
        sums += mnemonic[i] ~ /^(vpdpbusds?|vpmaddwd|vdpbf16ps|vfn?madd[0-9]*ps)$/
        fetches += mnemonic[i] ~ /^prefetcht[12]$/
    }
    if (!sums || !fetches)
        return
    loops++
    for (i = first; i <= last; i++)
        if (line[i] ~ /%[yz]mm[0-9]+,[^%]*\(%r[^)]*\)(\{%k[0-7]\})?[ \t]*$/)
            print name ": " line[i]
}

/^[0-9a-f]+ <.*>:$/ { leave_function(); name = $2; next }

/^ *[0-9a-f]+:\t/ {
    address = $1
    sub(/:$/, "", address)
    at[address] = ++n
    line[n] = $0
    mnemonic[n] = $2 ~ /^{/ ? $3 : $2
    if ($2 ~ /^j/ && ($3 in at)) { # back to where it came from; an inner loop ends first
        if (at[$3] > last_back)
            look(at[$3], n)
        last_back = n
    }
}

END { print "loops " loops + 0 }
