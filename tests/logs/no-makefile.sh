#!/bin/bash
set -e
cd ..
make
