#!/bin/sh
# As the official image: options or a .conf file alone mean the server, which never runs as root.
set -eu

case "${1:-redis-server}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis:redis '{}' +
        exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
    fi
    # The official build has protected mode off: other containers may connect.
    set -- "$@" --protected-mode no
fi
exec "$@"
