#!/bin/bash
set -e
printf 'fn main() { let x: u32 = "a"; }\n' > a.rs
rustc a.rs
