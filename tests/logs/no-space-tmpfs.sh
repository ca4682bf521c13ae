#!/bin/bash
set -e
mkdir -p small
unshare -m sh -c 'mount -t tmpfs -o size=64k tmpfs small && cp Makefile *.c small/ && make -j2 -k -C small CFLAGS=-g3'
