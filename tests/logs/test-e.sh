#!/bin/bash
set -e
echo checking
grep -q zlorp /etc/passwd
echo never
