#!/bin/bash
set -e
echo one
if true; then
  echo two
done
