#!/bin/bash
set -e
echo working
bison-3.8 --version
