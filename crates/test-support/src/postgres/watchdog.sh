# Stops a test cluster that nobody uses any more, and removes it.
# Arguments: the cluster's folder, its lock file, seconds of quiet to wait for, seconds between looks.
folder=$1 lock=$2 patience=$3 pause=$4
trap '' HUP INT

# Leases are files named by process id. Those of dead processes go, but count once: somebody was here since the last look.
anybody() {
    found=1
    for lease in "$folder"/leases/*; do
        [ -e "$lease" ] || continue
        found=0
        kill -0 "${lease##*/}" 2>/dev/null || rm -f "$lease"
    done
    return $found
}

quiet=0
while sleep "$pause"; do
    [ -d "$folder/leases" ] || exit 0
    if anybody; then quiet=0; else quiet=$((quiet + pause)); fi
    [ "$quiet" -ge "$patience" ] || continue
    # Whoever wants the cluster holds this lock while looking for it. Systems without flock run a race of milliseconds.
    exec 9>>"$lock"
    if command -v flock >/dev/null 2>&1; then flock 9; fi
    if anybody; then
        quiet=0
        exec 9>&-
        continue
    fi
    read -r postmaster <"$folder/data/postmaster.pid" && kill -QUIT "$postmaster"
    while kill -0 "$postmaster" 2>/dev/null; do sleep 1; done
    rm -rf "$folder"
    exit 0
done
