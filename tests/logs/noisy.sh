#!/bin/bash
set -e
for n in $(seq 3000); do echo "checking for error: function $n... no"; done
make -j4 || { code=$?; for n in $(seq 2000); do echo "cleaning up $n"; done; exit $code; }
