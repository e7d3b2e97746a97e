package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a daemon may take to answer.
const patience = 30 * time.Second

// Daemon is one that runs.
type Daemon struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
	err  error         // how it did
}

// Start runs a command in a session of its own, whose output goes to the file name.out of the run, and
// waits until up returns no error. A command without a slash is one of this machine, one that begins with
// usr/ or the like lies in the cache. The error shows what the daemon said.
func (r *Run) Start(name string, up func() error, command ...string) (*Daemon, error) {
	out, err := os.Create(filepath.Join(r.Dir, name+".out"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if filepath.Base(command[0]) != command[0] && !filepath.IsAbs(command[0]) {
		command = append([]string{filepath.Join(r.Cache, command[0])}, command[1:]...)
	}
	if r.Netns != "" {
		command = append([]string{"ip", "netns", "exec", r.Netns}, command...)
	}
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Stdout, c.Stderr = r.Dir, out, out
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if r.Libraries != "" {
		c.Env = append(c.Env, "LD_LIBRARY_PATH="+r.Libraries)
	}
	c.Env = append(c.Env, r.Env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if r.keeper == nil {
		c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	d := &Daemon{cmd: c, gone: make(chan struct{})}
	go func() { d.err = c.Wait(); close(d.gone) }()
	if err := r.Keep(c.Process.Pid); err != nil {
		d.Stop()
		return nil, err
	}
	if err := d.wait(up); err != nil {
		d.Stop()
		return nil, fmt.Errorf("%s: %w:\n%s", name, err, r.Read(name+".out"))
	}
	return d, nil
}

// Keep says that a process with its group is to end with the run.
func (r *Run) Keep(pid int) error {
	if r.keeper == nil {
		return nil
	}
	return r.keeper.note("group", fmt.Sprint(pid))
}

func (d *Daemon) wait(up func() error) error {
	for end := time.Now().Add(patience); ; {
		select {
		case <-d.gone:
			return fmt.Errorf("it ended at once (%v)", d.err)
		case <-time.After(20 * time.Millisecond):
		}
		err := up()
		switch {
		case err == nil:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// Stop ends a daemon with its children: politely, after three seconds for good.
func (d *Daemon) Stop() {
	group := -d.cmd.Process.Pid
	last := time.AfterFunc(3*time.Second, func() { syscall.Kill(group, syscall.SIGKILL) })
	defer last.Stop()
	syscall.Kill(group, syscall.SIGTERM) // fails where it has ended
	<-d.gone
}

// Kill ends a daemon with its children, without a word to them.
func (d *Daemon) Kill() {
	syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) // fails where it has ended
	<-d.gone
}

// OpenSMTPD is the command that runs it with a configuration, and with folders of its own where it has fixed
// ones, so that another one on this machine is not in its way.
func (r *Run) OpenSMTPD(file string) []string {
	const private = `mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs -o mode=711 tmpfs /var/spool/smtpd && exec "$@"`
	return []string{"unshare", "-m", "sh", "-c", private, "sh", r.Cache + "/usr/sbin/smtpd", "-d", "-f", file}
}
