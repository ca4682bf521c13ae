#!/bin/bash
set -e
(for n in $(seq 200); do p=$(pgrep -n -f 'cc1 .*big\.c'); [ -n "$p" ] && kill -9 $p && exit; sleep 0.05; done) &
make
