#!/bin/bash
set -e
ulimit -c 0
make a
./a
echo never
