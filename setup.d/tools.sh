# Programs and the engine: what is missing, and on Debian as root how it is brought up. Sourced, never run.
# shellcheck shell=bash

# The Debian release whose Compose knows `watch` and whose buildx a present docker accepts.
NEWER_SUITE=trixie

debian_codename() {
    # shellcheck disable=SC1091  # not there on other systems, and then empty
    (. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s\n' "${VERSION_CODENAME:-}") || true
}

may_install() { [[ -n $(debian_codename) && $(id -u) == 0 ]]; }

# An engine that somebody chose by name is theirs to start.
engine_is_chosen() {
    [[ -n ${DOCKER_HOST:-}${DOCKER_CONTEXT:-} ]] && return 0
    have docker && [[ $(docker context show 2>/dev/null || echo default) != default ]]
}

# The Debian packages for what is missing, one a line.
missing_packages() {
    local purpose=$1 engine=$2
    have git || echo git
    have cc || printf '%s\n' gcc libc6-dev
    if [[ $purpose == test ]] && ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo python3-venv
    fi
    [[ $engine == yes ]] || return 0
    if ! engine_answers && ! engine_is_chosen && ! have dockerd; then
        printf '%s\n' docker.io iptables
    fi
    have docker || echo docker.io
    docker compose version >/dev/null 2>&1 || echo docker-compose
    docker buildx version >/dev/null 2>&1 || echo docker-buildx
    # Trivy is built with it where there is none, and some specimens are.
    if ! go_is_usable && { [[ $purpose == test ]] || ! trivy_is_there; }; then echo golang-go; fi
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 "$@"
}

# The address that this machine's apt takes Debian from: no other one is ever named.
debian_mirror() {
    local uri
    # shellcheck disable=SC2016  # apt's own placeholders
    uri=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Identifier: Packages' 2>/dev/null |
        awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
    printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}

# On Debian 12 the newer suite is added at a priority at which nothing comes from it unasked.
add_newer_suite() {
    [[ $(debian_codename) == bookworm ]] || return 0
    cat >/etc/apt/preferences.d/grader-setup <<PIN || return 1
Package: *
Pin: release n=$NEWER_SUITE
Pin-Priority: 100
PIN
    cat >/etc/apt/sources.list.d/grader-setup.sources <<SOURCE
Types: deb
URIs: $(debian_mirror)
Suites: $NEWER_SUITE
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCE
}

install_packages() {
    local package suite=""
    local packages=()
    [[ $(debian_codename) == bookworm ]] && suite="/$NEWER_SUITE"
    quiet apt-update apt_get update || return 1
    for package in "$@"; do
        case $package in
            docker-compose | docker-buildx | golang-go)
                if [[ -n $suite && ! -e /etc/apt/sources.list.d/grader-setup.sources ]]; then
                    add_newer_suite && quiet apt-update apt_get update || return 1
                fi
                packages+=("$package$suite")
                [[ $package != golang-go ]] || packages+=("golang-src$suite")
                ;;
            *) packages+=("$package") ;;
        esac
    done
    quiet apt-install apt_get install --no-install-recommends "${packages[@]}"
}

# The network card that leads outside may carry less than 1500 bytes: a bridge that promises more
# lets downloads inside containers hang.
outer_mtu() {
    local card
    card=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route 2>/dev/null)
    cat "/sys/class/net/${card:-eth0}/mtu" 2>/dev/null || echo 1500
}

# dockerd believes a pid file of an earlier life whenever any process has that number now.
forget_stale_pid() {
    local file=$1 name=$2 pid
    [[ -s $file ]] || return 0
    pid=$(cat "$file")
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$name" ]] || rm -f "$file"
}

start_engine() {
    local try
    if [[ -d /run/systemd/system ]]; then
        quiet engine systemctl start docker || return 1
    elif [[ $(cat "/proc/$(cat /var/run/docker.pid 2>/dev/null || echo none)/comm" 2>/dev/null) != dockerd ]]; then
        forget_stale_pid /var/run/docker.pid dockerd
        forget_stale_pid /var/run/docker/containerd/containerd.pid containerd
        # A session of its own, and none of our files: it outlives this script, the terminal and the lock.
        setsid dockerd --mtu "$(outer_mtu)" >"$CACHE/dockerd.log" 2>&1 </dev/null 9>&- &
        echo $! >"$CACHE/dockerd.pid"
    fi
    for ((try = 0; try < 120; try++)); do
        engine_answers && return 0
        sleep 0.5
    done
    warn "The engine did not answer within a minute. The end of its log ($CACHE/dockerd.log):"
    tail -n 15 "$CACHE/dockerd.log" >&2 || true
    return 1
}
