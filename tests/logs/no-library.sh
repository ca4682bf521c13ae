#!/bin/bash
set -e
sed -i 's/missing_function()/0/' a.c
sed -i 1d a.c
make LIBS=-lzlorp
