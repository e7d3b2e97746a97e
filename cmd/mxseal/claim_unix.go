//go:build linux || darwin || freebsd || netbsd || openbsd

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// claim takes the data folder for this process until the file is closed, or the process ends
// however it does. Two of them would check the same domain twice and know nothing of each
// other's limits; several processes share a database, never a folder.
func claim(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "mxseal.lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		who := make([]byte, 20)
		n, _ := f.ReadAt(who, 0)
		return nil, fmt.Errorf("%s is %w by another mxseal (process %s); stop it, or give this one a folder of its own", dir, errInUse, strings.TrimSpace(string(who[:n])))
	}
	if err := errors.Join(f.Truncate(0), write(f, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
