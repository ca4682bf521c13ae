#!/bin/bash
set -e
echo hello > a.tar.xz
echo 'b1946ac92492d2347c6235b4d2611185  a.tar.gz' > md5sums
echo hallo > a.tar.gz
md5sum -c md5sums
