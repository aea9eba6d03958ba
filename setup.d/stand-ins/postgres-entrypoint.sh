#!/bin/bash
# Honours the official image's variables: POSTGRES_PASSWORD, _USER, _DB, _INITDB_ARGS,
# _HOST_AUTH_METHOD, each also as NAME_FILE; runs /docker-entrypoint-initdb.d once.
set -euo pipefail

# from_file NAME: a secret may be given as the path of a file.
from_file() {
    local file_variable="${1}_FILE"
    if [[ -n ${!file_variable:-} ]]; then
        export "$1=$(<"${!file_variable}")"
    fi
}

initialise() {
    local user=${POSTGRES_USER:-postgres} method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    local database=${POSTGRES_DB:-$user} script
    if [[ -z ${POSTGRES_PASSWORD:-} && $method != trust ]]; then
        echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
        echo '       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.' >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # several arguments, as in the official image
    initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-trust}") ${POSTGRES_INITDB_ARGS:-}
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

    # On the socket alone: whoever waits for the port must not take this server for the real one.
    PGUSER=$user pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    [[ $database == postgres ]] || createdb -U "$user" -O "$user" "$database"
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) bash "$script" ;;
            *.sql) psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" -f "$script" ;;
            *.sql.gz) gunzip -c "$script" | psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" ;;
        esac
    done
    PGUSER=$user pg_ctl -D "$PGDATA" -m fast -w stop
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

[[ ${1:-postgres} != -* ]] || set -- postgres "$@"
if [[ $1 == postgres ]]; then
    if [[ $(id -u) == 0 ]]; then
        mkdir -p "$PGDATA"
        chown -R postgres:postgres "$PGDATA" /var/run/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    chmod 700 "$PGDATA"
    for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do
        from_file "$name"
    done
    [[ -s $PGDATA/PG_VERSION ]] || initialise
fi
exec "$@"
