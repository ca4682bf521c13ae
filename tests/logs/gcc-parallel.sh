#!/bin/bash
set -e
make -j8
make DESTDIR=/nowhere install
