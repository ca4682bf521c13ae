#!/bin/bash
set -e
touch prog
setpriv --reuid=65534 --regid=65534 --clear-groups install -v -m 755 prog /usr/bin/prog-of-mine
