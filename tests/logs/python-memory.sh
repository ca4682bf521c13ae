#!/bin/bash
set -e
ulimit -v 200000
python3 -c 'x = bytearray(10**9)'
