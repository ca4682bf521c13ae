#!/bin/bash
set -e
head -c 100000 /sources/sed_4.9.orig.tar.xz > sed.tar.xz
tar -xf sed.tar.xz
