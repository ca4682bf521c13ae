#!/bin/bash
set -e
printf 'all: a.o b.o\n' > Makefile
touch a.c
make
