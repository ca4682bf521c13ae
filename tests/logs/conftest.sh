#!/bin/bash
set -e
export FORCE_UNSAFE_CONFIGURE=1
./configure --quiet
echo './configure: line 4711: 12345 Segmentation fault      (core dumped) ./conftest$ac_exeext'
echo 'conftest.c:13:5: error: unknown type name not_there'
make -j4 SUBDIRS=nowhere
