#!/bin/bash
set -e
patch -Np1 -i fix.patch
