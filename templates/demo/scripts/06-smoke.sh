#!/bin/sh
# Uses what was installed.
set -e
text='to be or not to be, that is the question: to build or not to build'
printf '%s\n' "$text" | "$DEST$PREFIX/bin/tally" 3 | tee "$DEST/build/smoke.out"
grep -q '^ *4  *to$' "$DEST/build/smoke.out"
