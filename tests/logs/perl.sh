#!/bin/bash
set -e
perl -e 'use XML::Zlorp; print 1;'
