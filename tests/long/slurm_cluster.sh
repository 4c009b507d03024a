# shellcheck shell=sh
# A Slurm of this machine alone, in a folder of its own, on loopback: what start_slurm starts, stop_slurm
# stops. Where slurmdbd and MariaDB are installed it keeps accounts, so that sacct answers ($accounts is 1).
# Sourced after tests/build/tap.sh.
scratch=${scratch:?}
PATH=$PATH:/usr/sbin:/sbin

# Adds accounts to the configuration.
keep_accounts() {
    accounts=
    for program in slurmdbd mariadbd mariadb-install-db sacctmgr; do
        command -v $program >"$scratch/which" || return 0
    done
    accounts=1
    cat >>"$SLURM_CONF" <<END
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((port + 2))
AccountingStoragePass=$slurm/munge.socket
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/none
END
    cat >"$slurm/slurmdbd.conf" <<END
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((port + 2))
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((port + 3))
StorageUser=accounts
StoragePass=accounts
StorageLoc=accounts
PidFile=$slurm/slurmdbd.pid
LogFile=$slurm/slurmdbd.log
END
    chmod 600 "$slurm/slurmdbd.conf"
}

start_accounts() {
    [ "$accounts" ] || return 0
    cat >"$slurm/accounts.sql" <<'END'
CREATE DATABASE accounts;
CREATE USER accounts@'127.0.0.1' IDENTIFIED BY 'accounts';
GRANT ALL ON accounts.* TO accounts@'127.0.0.1';
END
    mariadb-install-db --no-defaults --datadir="$slurm/mariadb" --user="$(id -un)" --skip-test-db >"$slurm/mariadb.log" &&
        mariadbd --no-defaults --datadir="$slurm/mariadb" --user="$(id -un)" --bind-address=127.0.0.1 \
            --port=$((port + 3)) --socket="$slurm/mariadb.socket" --pid-file="$slurm/mariadbd.pid" \
            --skip-name-resolve --init-file="$slurm/accounts.sql" >>"$slurm/mariadb.log" 2>&1 &
    for _ in $(seq 120); do
        ! grep -qs 'ready for connections' "$slurm/mariadb.log" || break
        sleep 0.5
    done
    slurmdbd || return
    for _ in $(seq 120); do
        ! sacctmgr -i add cluster headroom >"$slurm/sacctmgr.log" 2>&1 || return 0
        sleep 0.5
    done
    return 1
}

start_slurm() {
    for program in munged slurmctld slurmd sbatch; do
        command -v $program >"$scratch/which" ||
            skip "no $program: apt-get install --no-install-recommends slurm-wlm munge"
    done
    slurm=$scratch/cluster port=$((20000 + $$ % 20000)) host=$(hostname -s)
    mkdir -p "$slurm/state" "$slurm/spool" && chmod 700 "$slurm"
    export SLURM_CONF="$slurm/slurm.conf"
    trap stop_slurm EXIT
    trap 'exit 1' INT TERM HUP # and so stops it
    cat >"$SLURM_CONF" <<END
ClusterName=headroom
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 Gres=gpu:1
PartitionName=all Nodes=$host Default=YES
END
    echo 'Name=gpu File=/dev/null' >"$slurm/gres.conf"
    keep_accounts
    (umask 077 && head -c 128 /dev/urandom >"$slurm/munge.key")
    munged --force --key-file="$slurm/munge.key" --socket="$slurm/munge.socket" \
        --pid-file="$slurm/munged.pid" --log-file="$slurm/munged.log" \
        --seed-file="$slurm/munged.seed" && start_accounts &&
        slurmctld && slurmd && started=1
    [ "${started:-}" ] || skip "no Slurm of this user's own can be started here"
    tries=0
    until [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || skip "Slurm did not come up: $(tail -n 1 "$slurm/slurmctld.log")"
        sleep 0.5
    done
}

stop_slurm() {
    scancel --user="$(id -un)" 2>/dev/null && sleep 1
    for daemon in slurmd slurmctld slurmdbd mariadbd munged; do
        [ ! -e "$slurm/$daemon.pid" ] || kill "$(cat "$slurm/$daemon.pid")" 2>/dev/null || :
    done
    for daemon in slurmd slurmctld slurmdbd mariadbd munged; do
        while [ -e "$slurm/$daemon.pid" ] && kill -0 "$(cat "$slurm/$daemon.pid")" 2>/dev/null; do
            sleep 0.1
        done
    done
}
