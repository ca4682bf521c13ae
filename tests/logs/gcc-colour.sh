#!/bin/bash
set -e
export CFLAGS=-fdiagnostics-color=always
make -e -k
