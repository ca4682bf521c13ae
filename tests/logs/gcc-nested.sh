#!/bin/bash
set -e
cd ../src
make -j4 all
make install
