#!/bin/sh
# Installs program, library, header and manual page below $DEST$PREFIX.
set -e
cd "$DEST/build"
to=$DEST$PREFIX
install -d "$to/bin" "$to/lib" "$to/include" "$to/share/man/man1"
install -m 755 tally "$to/bin/tally"
ln -sf tally "$to/bin/words"
install -m 644 libtally.a "$to/lib/libtally.a"
install -m 644 "$SRC/tally.h" "$to/include/tally.h"
install -m 644 "$SRC/tally.1" "$to/share/man/man1/tally.1"
find "$to" -type f -o -type l | sort | sed "s|^$DEST||"
