#!/bin/bash
set -e
sed -i 's/0 }/1; }/' a.c
printf 'enable_testing()\nadd_test(demo demo)\n' >> CMakeLists.txt
cmake -S . -B build
cmake --build build
ctest --test-dir build
