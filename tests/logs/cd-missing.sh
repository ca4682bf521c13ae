#!/bin/bash
set -e
cd binutils-2.46
mkdir -v build
