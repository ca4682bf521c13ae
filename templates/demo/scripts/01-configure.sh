#!/bin/sh
# Finds a compiler and writes config.h.
set -e
mkdir -p "$DEST/build"
cd "$DEST/build"
printf 'checking for a C compiler... '
command -v cc
printf 'checking that it makes programs... '
printf 'int main(void) { return 0; }\n' > probe.c
cc -o probe probe.c && ./probe && echo yes
rm -f probe probe.c
printf 'checking the size of long... '
printf 'int size[sizeof(long) == 8 ? 1 : -1];\n' > probe.c
if cc -c probe.c -o probe.o 2>/dev/null; then bits=64; else bits=32; fi
echo "$bits bits"
rm -f probe.c probe.o
printf '#define TALLY_TOP %s\n#define TALLY_LONG_BITS %s\n' "$TALLY_TOP" "$bits" > config.h
echo "wrote config.h"
