package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// script reads what is to be removed, one a line: “group” and the process group of a daemon, or “netns”
// and the name of a network namespace. When its input ends, because this process closed it or was killed,
// it ends them all, with a signal that cannot be caught after three seconds, and removes the folder of the
// run.
const script = `
while read -r kind name; do case $kind in
group) groups="$groups -$name" ;;
netns) spaces="$spaces $name" ;;
esac; done
[ -z "$groups" ] || kill -s TERM -- $groups 2>/dev/null
for try in $(seq 30); do
	alive=
	for group in $groups; do kill -s 0 -- $group && alive=yes; done
	[ -n "$alive" ] || break
	sleep 0.1
done 2>/dev/null
[ -z "$alive" ] || kill -s KILL -- $groups 2>/dev/null
for space in $spaces; do ip netns del "$space"; done
rm -rf "$1"
`

// keeper is the process that runs it.
type keeper struct {
	cmd  *exec.Cmd
	tell io.WriteCloser
}

func keep(dir string) (*keeper, error) {
	k := &keeper{cmd: exec.Command("sh", "-c", script, "keeper", dir)}
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt from the terminal is not for it
	k.cmd.Stderr = os.Stderr
	var err error
	if k.tell, err = k.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *keeper) note(kind, name string) error {
	_, err := fmt.Fprintln(k.tell, kind, name)
	return err
}

func (k *keeper) close() error { return errors.Join(k.tell.Close(), k.cmd.Wait()) }
