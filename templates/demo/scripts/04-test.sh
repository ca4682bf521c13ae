#!/bin/sh
# Runs the library's tests.
set -e
cd "$DEST/build"
cc -std=c99 $CFLAGS -I. -I"$SRC" "$SRC/test.c" -L. -ltally -o test-tally
./test-tally
