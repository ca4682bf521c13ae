#!/bin/bash
set -e
export FORCE_UNSAFE_CONFIGURE=1
./configure --prefix=/usr CC=x86_64-lfs-linux-gnu-gcc
make
