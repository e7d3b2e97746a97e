package main

import (
	"fmt"
	"net"
	"os"
)

// notify tells systemd how far the service is, such as READY=1 (sd_notify(3)). Where nobody
// waits for it, it does nothing.
func notify(state string) error {
	socket := os.Getenv("NOTIFY_SOCKET") // a path or, after @, an abstract name
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	return nil
}
