#!/bin/bash
set -e
sed -i s/undeclared_thing/0/ broken.c
make -j3 broken.o f1.o
tar -cf /dev/full .
