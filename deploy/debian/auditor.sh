#!/bin/sh
exec /usr/bin/python3 -IS /usr/lib/retention-auditor "$@"
