#!/bin/bash
set -e
printf 'all:\n    echo spaces\n' > Makefile
make all
