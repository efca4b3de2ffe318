#!/bin/sh
# The rules of the house, as tests.
exec "$(dirname "$0")/../lint"
