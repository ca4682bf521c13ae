#!/bin/bash
set -e
echo '<html>404 Not Found</html>' > sed-4.9.tar.gz
tar -xzf sed-4.9.tar.gz
