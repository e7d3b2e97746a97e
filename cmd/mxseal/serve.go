package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/web"
	"mxseal/web/store"
)

func serveCommand() *cobra.Command {
	var n network
	var listen, data string
	var site web.Config
	var withLab bool
	var controls []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the website and its JSON API",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			cfg, err := n.config()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(data, 0o750); err != nil {
				return fmt.Errorf("--data: %w", err)
			}
			reports, err := store.Open(filepath.Join(data, "mxseal.db"))
			if err != nil {
				return fault(err)
			}
			defer reports.Close()
			reports.Explain = checks.Explain
			cfg.Log, cfg.Previous = log, previous(reports, log)
			engine, err := checks.New(cfg)
			if err != nil {
				return err
			}
			site.Engine, site.Store, site.Version, site.Log = engine, reports, version(), log
			if withLab {
				world, err := lab.New(lab.Options{})
				if err != nil {
					return fault(err)
				}
				defer world.Close()
				if site.Lab, err = labEngine(world, n.timeout, cfg.Previous); err != nil {
					return fault(err)
				}
				for _, d := range world.Domains() {
					site.Examples = append(site.Examples, web.Example{Domain: d.Name, Shows: d.Shows, Letter: d.Letter})
				}
			}
			go watch(c.Context(), engine, controls, log)
			return serve(c.Context(), listen, site, log)
		},
	}
	n.register(c)
	c.Flags().StringVar(&listen, "listen", ":8080", "`ADDRESS` to listen on")
	c.Flags().StringVar(&data, "data", "./data", "`DIR` for the reports")
	c.Flags().StringVar(&site.Operator, "operator", "", "`NAME` of who runs this instance, shown on the home page")
	c.Flags().StringVar(&site.Contact, "contact", "", "mail `ADDRESS` or URL of the operator, for owners of mail servers")
	c.Flags().StringVar(&site.OptOut, "opt-out", "", "`TEXT` that says how to be left alone by this instance")
	c.Flags().StringVar(&site.BaseURL, "base-url", "", "`URL` under which the site is reached, for permanent links")
	c.Flags().StringArrayVar(&controls, "control-host", nil, "mail `HOST` known to offer STARTTLS, asked every five minutes whether our own network is sound (repeatable)")
	c.Flags().BoolVar(&withLab, "lab", false, "answer for the lab's example domains and list them on the home page")
	return c
}

// previous gives a check the latest report of its domain, for what has changed since.
func previous(reports *store.Store, log *slog.Logger) func(context.Context, string) *report.Report {
	return func(ctx context.Context, domain string) *report.Report {
		r, err := reports.Latest(ctx, domain)
		if err != nil {
			if !errors.Is(err, store.ErrNotFound) {
				log.Error("the previous report cannot be read", "error", err)
			}
			return nil
		}
		return r
	}
}

// watch tests our own place in the network now and every five minutes, and logs what changes.
func watch(ctx context.Context, engine *checks.Engine, controls []string, log *slog.Logger) {
	known := make(map[string]string)
	for {
		for _, c := range engine.SelfTest(ctx, controls) {
			if known[c.Name] == c.State || ctx.Err() != nil {
				continue
			}
			known[c.Name] = c.State
			level := slog.LevelInfo
			if c.State == "failed" {
				level = slog.LevelWarn
			}
			log.Log(ctx, level, "self-test", "condition", c.Name, "state", c.State, "text", c.Text)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Minute):
		}
	}
}

// shutdown is how long running checks and visitors may take to end.
const shutdown = 20 * time.Second

// serve answers until ctx ends, then lets visitors and running checks finish.
func serve(ctx context.Context, listen string, cfg web.Config, log *slog.Logger) error {
	site, err := web.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	log.Info("mxseal is open", "address", l.Addr().String(), "version", cfg.Version)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fault(err)
	case <-ctx.Done():
	}
	log.Info("closing: running checks may finish", "within", shutdown)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	err = errors.Join(server.Shutdown(last), site.Close(last))
	if err != nil {
		log.Warn("closed before everything had ended", "error", err)
	}
	return nil
}
