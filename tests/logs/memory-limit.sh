#!/bin/bash
set -e
ulimit -v 120000
make -j2
