#!/bin/bash
set -e
printf '.text\nmain:\n\tfrobnicate %%eax\n' > a.s
gcc -c a.s
