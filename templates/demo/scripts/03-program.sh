#!/bin/sh
# Compiles and links the program.
set -e
cd "$DEST/build"
set -x
cc -std=c99 $CFLAGS -I. -I"$SRC" "$SRC/main.c" -L. -ltally -o tally
