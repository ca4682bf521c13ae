#!/bin/bash
set -e
mkdir build
cd build
meson setup .. --prefix=/usr
ninja
