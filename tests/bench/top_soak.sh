#!/bin/bash
# `teachroot top` for a minute while 500 processes a second are born and die: the test of that, at length.
#   TOP_SOAK_SECONDS=60
set -eu
TOP_SOAK_SECONDS=${TOP_SOAK_SECONDS:-60} "$TEACHROOT_BUILD/tests/unit/screen_top_soak"
