#!/bin/bash
set -eu
echo "building"
mkdir -pv "$LFS_NOT_SET/tools"
