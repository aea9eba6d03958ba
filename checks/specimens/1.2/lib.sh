# What the hooks of these specimens share: looking at a container as a learner would, on the host.
# Sourced, in the workspace, with the specimen's name in SPECIMEN.
# shellcheck shell=sh

set -e

start() { docker run -d --name "$1" redis:7 >/dev/null; }
pid_of() { docker inspect --format '{{.State.Pid}}' "$1"; }
merged_of() { docker inspect --format '{{.GraphDriver.Data.MergedDir}}' "$1"; }
namespace_of() { readlink "/proc/$1/ns/$2" | tr -dc 0-9; }
namespaces_of() {
    for kind in mnt pid net uts ipc; do
        echo "$kind = $(namespace_of "$1" "$kind")"
    done
}

# The path in the hierarchy that limits memory: version 1 has one for each controller, version 2 one for all.
cgroup_of() {
    sed -n -e 's/^[0-9]*:memory://p' -e 's/^0:://p' "/proc/$1/cgroup" | head -n 1
}

# set_value KEY VALUE: replaces the line of a key.
set_value() {
    sed -i "s|^$1 = .*|$1 = $2|" answers/1.2.toml
}

# Writes down all that a learner finds out about container $1.
write_down() {
    mkdir -p answers
    pid=$(pid_of "$1")
    cat >answers/1.2.toml <<TOML
container = "$1"
pid = $pid
merged = "$(merged_of "$1")"
cgroup = "$(cgroup_of "$pid")"
[namespaces]
$(namespaces_of "$pid")
TOML
}

question() { docker ps --no-trunc --filter "label=grader.question=$SPECIMEN" --format "{{.$1}}"; }

# limit OLD-FOLDER/OLD-FILE NEW-FILE: a file of the question's control group, of version 1 or 2.
limit() {
    path=$(cgroup_of "$(pid_of "$(question ID)")")
    folder=${1%/*}
    if [ -e "/sys/fs/cgroup/$folder$path" ]; then
        cat "/sys/fs/cgroup/$folder$path/${1##*/}"
    else
        cat "/sys/fs/cgroup$path/$2"
    fi
}

# Answers the question as the kernel has it.
answer() {
    cpu=$(limit cpu/cpu.cfs_quota_us cpu.max)
    period=$(limit cpu/cpu.cfs_period_us cpu.max)
    cat >>answers/1.2.toml <<TOML
[question]
container = "$(question Names)"
memory_limit_bytes = $(limit memory/memory.limit_in_bytes memory.max)
cpu_quota_us = ${cpu%% *}
cpu_period_us = ${period##* }
pids_max = $(limit pids/pids.max pids.max)
TOML
}
