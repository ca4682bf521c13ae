#!/bin/bash
set -e
./configure --prefix=/usr CFLAGS=-fno-such-option
make
