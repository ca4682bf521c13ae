#!/bin/bash
set -e
printf '#include <zlorp/zlorp.h>\nint main(void) { return 0; }\n' > a.c
gcc -c a.c -o a.o
