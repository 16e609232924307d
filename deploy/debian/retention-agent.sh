#!/bin/sh
# What root asks for is done as the service does it: as its user, with its two rights. So no file of
# the agent becomes root's, and `doctor` finds what the service would find.
set -eu
agent='/usr/bin/python3 -IS /usr/lib/retention-agent'
if [ "$(id -u)" = 0 ]; then
    rights='-all,+dac_override,+fowner'
    exec setpriv --reuid retention-agent --regid retention-agent --init-groups \
        --bounding-set "$rights" --inh-caps "$rights" --ambient-caps "$rights" $agent "$@"
fi
exec $agent "$@"
