#!/bin/bash
set -e
head -c 64 /bin/true | sed 's/\x3e\x00/\xb7\x00/' > prog
chmod +x prog
./prog
