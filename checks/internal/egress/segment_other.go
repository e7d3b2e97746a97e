//go:build !linux

package egress

import "syscall"

// smallSegments does nothing here: the usual size serves.
func smallSegments(syscall.RawConn) {}
