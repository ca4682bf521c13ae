#!/bin/bash
set -e
tar -xf ../sources/zlorp-1.2.tar.xz
cd zlorp-1.2
