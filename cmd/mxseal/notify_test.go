package main

import (
	"net"
	"path/filepath"
	"testing"
)

func TestNotify(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := notify("READY=1"); err != nil {
		t.Errorf("where nobody waits: %v", err)
	}
	path := filepath.Join(t.TempDir(), "notify")
	for _, socket := range []string{path, "@mxseal-test-" + filepath.Base(t.TempDir()) + t.Name()} { // a file, and an abstract name
		l, err := net.ListenPacket("unixgram", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		t.Setenv("NOTIFY_SOCKET", socket)
		if err := notify("READY=1"); err != nil {
			t.Errorf("%s: %v", socket, err)
			continue
		}
		buffer := make([]byte, 100)
		if n, _, err := l.ReadFrom(buffer); err != nil || string(buffer[:n]) != "READY=1" {
			t.Errorf("%s: systemd reads %q, %v", socket, buffer[:n], err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	if err := notify("READY=1"); err == nil {
		t.Error("a socket that is not there is no error")
	}
}
