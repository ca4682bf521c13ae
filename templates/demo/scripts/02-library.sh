#!/bin/sh
# Compiles libtally.a.
set -e
cd "$DEST/build"
set -x
cc -std="$C_STANDARD" -pedantic-errors $CFLAGS -I. -c "$SRC/tally.c" -o tally.o
ar rcs libtally.a tally.o
