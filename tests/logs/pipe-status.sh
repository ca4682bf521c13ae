#!/bin/bash
set -eo pipefail
make -C nowhere 2>&1 | tee build.out
echo never
