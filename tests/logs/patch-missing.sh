#!/bin/bash
set -e
patch -Np1 -i ../glibc-2.41-fhs-1.patch
