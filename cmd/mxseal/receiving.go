package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/web"
	"mxseal/web/inbox"
	"mxseal/web/inbox/mail"
)

const (
	reporters        = 200 // connections that bring TLS reports by mail, at a time
	networkReporters = 10  // of one network
)

// receiving holds the flags of serve about TLS reports that come by mail.
type receiving struct {
	domain, listen, certificate string
}

func (r *receiving) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.domain, "tlsrpt-domain", "", "mail `DOMAIN` of its own, whose MX record leads to --tlsrpt-listen: TLS reports are taken by mail too")
	f.StringVar(&r.listen, "tlsrpt-listen", "", "`ADDRESS` to listen on for them, HOST:PORT; usually port 25 of an address of its own")
	f.StringVar(&r.certificate, "tlsrpt-cert", "", "`FILE` with a key and a certificate with its chain, in PEM, for STARTTLS there; not offered without it")
}

// apply checks the flags, and tells the site by which addresses reports come.
func (r *receiving) apply(site *web.Config, engine *checks.Engine) error {
	switch {
	case (r.domain == "") != (r.listen == ""):
		return errors.New("--tlsrpt-domain and --tlsrpt-listen need each other")
	case r.domain == "" && r.certificate != "":
		return errors.New("--tlsrpt-cert needs --tlsrpt-domain and --tlsrpt-listen")
	case r.domain == "":
		return nil
	}
	d, err := engine.ParseDomain(r.domain)
	if err != nil {
		return fmt.Errorf("--tlsrpt-domain: %w", err)
	}
	site.ReportDomain = d.ASCII
	return nil
}

// open listens for reports, which go into the inboxes; what it returns serves them until ctx ends. It is nil
// where none come by mail.
func (r *receiving) open(boxes *inbox.Inboxes, engine *checks.Engine, log *slog.Logger) (serve func(context.Context), err error) {
	if r.listen == "" {
		return nil, nil
	}
	cfg := mail.Config{Inboxes: boxes, Texts: engine.Texts, Log: log}
	if r.certificate != "" {
		c, err := tls.LoadX509KeyPair(r.certificate, r.certificate)
		if err != nil {
			return nil, fmt.Errorf("--tlsrpt-cert %s: %w", r.certificate, err)
		}
		cfg.Certificate = &c
	}
	l, err := net.Listen("tcp", r.listen)
	if err != nil {
		return nil, fmt.Errorf("--tlsrpt-listen: %w", err)
	}
	who := newCrowd(nil)
	who.most, who.ofNetwork = reporters, networkReporters
	server := mail.New(cfg)
	return func(ctx context.Context) {
		defer context.AfterFunc(ctx, func() { server.Close() })()
		if err := server.Serve(who.at(l)); err != nil {
			log.Error("TLS reports by mail are not taken any more", "error", err)
		}
	}, nil
}
