# Runs on a host: prints one line or two for each file and one for each unit, without what changes by itself.
export LC_ALL=C
set -f

# Left out: what the kernel or systemd keep for themselves, logs of logins, the data that a running etcd writes, and
# what a container is made of: a restart of one changes a host no more than the restart of a service does.
found() {
  find / \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /var/log \
    -o -path '/tmp/systemd-private-*' -o -path '/var/tmp/systemd-private-*' \
    -o -path /var/lib/systemd/timers -o -path /var/lib/systemd/random-seed \
    -o -path /var/lib/containerd -o -path /var/lib/kubelet/pods \
    -o -path '*/member/wal/*' -o -path '*/member/snap/*' \) -prune -o "$@"
}

# Of programs and big files the time of the last write tells as much as a hash of the content, and costs less.
hashed='-type f ( -path /usr/local/* -o -not -path /usr/* ) -not -path /opt/etcd/* -size -16384'
found $hashed -printf '%p: %y %m %U:%G %s bytes\n' \
  -o -type f -printf '%p: %y %m %U:%G %s bytes, written %T@\n' \
  -o -printf '%p: %y %m %U:%G %l\n'
found $hashed -print0 | xargs -0 -r sha256sum | sed 's/^\\\{0,1\}\([0-9a-f]*\)  \(.*\)/\2: sha256 \1/'

# Logins make and end these units; an inactive unit is listed only as long as somebody remembers it.
logins='(session-|user@|user-|user\.slice|run-user-)'
containers='(run-containerd-|var-lib-kubelet-pods-).*\.mount'
systemctl list-units --all --plain --no-legend | awk '$3 != "inactive" { print "unit " $1 ": " $2 " " $3 }' | grep -vE "^unit ($logins|$containers)"
systemctl list-unit-files --no-legend | awk '{ print "unit file " $1 ": " $2 }' | grep -vE "^unit file $logins"
