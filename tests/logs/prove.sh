#!/bin/bash
set -e
mkdir t
printf 'print "1..2\\nok 1 - fine\\nnot ok 2 - broken thing\\n";\n' > t/a.t
printf 'print "1..1\\nok 1\\n";\n' > t/b.t
prove -v t
