#!/bin/bash
set -e
meson setup build --prefix=/usr
ninja -C build
