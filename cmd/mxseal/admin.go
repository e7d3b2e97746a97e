package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// openAdmin opens the listener for the operator's eyes: /metrics, the jobs that failed at /jobs, the
// self-test of the test of senders at /senders, where there is one, and profiles of the running program below /debug/pprof/. Both tell more than strangers should know, so that they stand
// apart from the site and by default on loopback. An empty address opens nothing. The
// caller closes the server last, so that the end can be watched too. Where systemd has passed
// sockets, they take the place of the address.
func openAdmin(sockets []net.Listener, metrics http.Handler, door operator, log *slog.Logger) (*http.Server, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.Handle("GET /jobs", door.failed)
	if door.senders != nil {
		mux.Handle("GET /senders", door.senders)
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      time.Minute, // pprof adds the time that a profile is asked to take
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if len(sockets) == 0 && door.address != "" {
		l, err := listen(door.address)
		if err != nil {
			return nil, fmt.Errorf("--admin-listen: %w; name another address, or none with --admin-listen \"\"", err)
		}
		sockets = append(sockets, l)
	}
	for _, l := range sockets {
		log.Info("metrics and profiles", "address", l.Addr().String())
		go func() {
			if err := server.Serve(l); err != http.ErrServerClosed {
				log.Error("the admin listener ended", "error", err)
			}
		}()
	}
	return server, nil
}
