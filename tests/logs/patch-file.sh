#!/bin/bash
set -e
rm a.txt
patch -Np1 --batch -i fix.patch
