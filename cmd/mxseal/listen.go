package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"mxseal/web/senders"
)

// listen opens an address: HOST:PORT, or unix:PATH for a socket in the file system. Those who
// may enter the folder of such a socket may use it.
func listen(address string) (net.Listener, error) {
	path, local := strings.CutPrefix(address, "unix:")
	if !local {
		return net.Listen("tcp", address)
	}
	if path == "" {
		return nil, errors.New("unix: is followed by the path of a socket")
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		os.Remove(path)
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// abandoned reports whether a socket was left behind by a program that is gone.
func abandoned(path string) bool {
	if s, err := os.Lstat(path); err != nil || s.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// handed are the sockets that systemd has opened for us (sd_listen_fds(3)): those that its unit calls admin
// are for the operator, those that it calls sender for the test of senders, all others for the site.
type handed struct {
	site, admin []net.Listener
	senders     senders.Sockets
}

// passed takes them up.
func passed() (h handed, err error) {
	defer func() {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			os.Unsetenv(name) // no child of ours is meant
		}
	}()
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") == "" {
		return h, nil
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil {
		return h, fmt.Errorf("LISTEN_FDS is no number")
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		if err := h.take(os.NewFile(uintptr(3+i), "socket "+strconv.Itoa(i+1)), name); err != nil {
			return h, err
		}
	}
	return h, nil
}

// take works on a copy of a socket.
func (h *handed) take(f *os.File, name string) error {
	defer f.Close()
	if name == "sender" {
		if p, err := net.FilePacketConn(f); err == nil {
			h.senders.Packets = append(h.senders.Packets, p)
			return nil
		}
	}
	l, err := net.FileListener(f)
	switch {
	case err != nil:
		return fmt.Errorf("%s of systemd is none to listen on: %w", f.Name(), err)
	case name == "admin":
		h.admin = append(h.admin, l)
	case name == "sender":
		h.senders.Streams = append(h.senders.Streams, l)
	default:
		h.site = append(h.site, l)
	}
	return nil
}

// fromHere makes visitors over a socket in the file system, who have no address, visitors
// from this machine: so a web server in front is named by --trusted-proxy 127.0.0.1.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.RemoteAddr, ":") {
			r.RemoteAddr = "127.0.0.1:0"
		}
		next.ServeHTTP(w, r)
	})
}
