#!/bin/bash
set -e
make -j2
