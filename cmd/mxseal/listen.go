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

// passed returns the sockets that systemd has opened for us (sd_listen_fds(3)): those that
// its unit calls admin for the operator, all others for the site.
func passed() (site, admin []net.Listener, err error) {
	defer func() {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			os.Unsetenv(name) // no child of ours is meant
		}
	}()
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") == "" {
		return nil, nil, nil
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil {
		return nil, nil, fmt.Errorf("LISTEN_FDS is no number")
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		f := os.NewFile(uintptr(3+i), "socket "+strconv.Itoa(i+1))
		l, err := net.FileListener(f) // works on a copy
		f.Close()
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("%s of systemd is none to listen on: %w", f.Name(), err)
		case i < len(names) && names[i] == "admin":
			admin = append(admin, l)
		default:
			site = append(site, l)
		}
	}
	return site, admin, nil
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
