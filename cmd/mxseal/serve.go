package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
	"mxseal/templates"
	"mxseal/web"
	"mxseal/web/jobs"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

func serveCommand() *cobra.Command {
	var n network
	var listen, admin, data, imprint, privacy string
	var keep period
	var shutdown time.Duration
	var bounds bounds
	var shares database
	var tests sending
	var tell telling
	var mailed receiving
	var site web.Config
	var withLab bool
	var controls []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the website and its JSON API",
		Example: "  mxseal serve --lab    # the lab's example domains, on http://localhost:8080\n" +
			"  mxseal serve --data /var/lib/mxseal --base-url https://mxseal.example.net    # for the world",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			frugal()
			prompt()
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			greet := func(net.Addr) {}
			if withLab || terminal.Is(c.OutOrStdout()) {
				greet = greeting(c.OutOrStdout())
			}
			cfg, err := n.config()
			if err != nil {
				return err
			}
			if err := keep.check(); err != nil {
				return err
			}
			if site.Imprint, err = textOf("--imprint", imprint); err != nil {
				return err
			}
			if site.Privacy, err = textOf("--privacy", privacy); err != nil {
				return err
			}
			reports, closed, err := shares.open(c.Context(), data, &cfg, log)
			if err != nil {
				return err
			}
			defer closed()
			cfg.Log, cfg.Previous = log, previous(reports, log)
			if err := bounds.apply(&site, &cfg, log); err != nil {
				return err
			}
			defer site.Audit.Close()
			engine, err := newEngine(cfg)
			if err != nil {
				return err
			}
			if len(site.TrustedProxies) > 0 && site.BaseURL == "" {
				log.Warn("a web server in front is named, and the address of the site is not: links are made of what visitors write into Host", "see", "--base-url")
			}
			site.Engine, site.Store, site.Keep, site.Version, site.Log, site.Delay = engine, reports, time.Duration(keep), version(), log, scans.Delay()
			var world *lab.Lab
			if withLab {
				if world, err = lab.New(lab.Options{}); err != nil {
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
			lists := surveys.Config{Store: reports, OptedOut: site.OptOuts.Domain}.By(engine)
			if withLab {
				lists = ofLab(lists, site.Lab)
			}
			told, kinds, err := tell.open(site)
			if err != nil {
				return err
			}
			site.Watches = told
			ctx, end := context.WithCancel(c.Context())
			var aside sync.WaitGroup
			defer func() { end(); aside.Wait() }() // before the store is closed
			given, err := passed()
			if err != nil {
				return fault(err)
			}
			tests.site, tests.given = site.BaseURL, given.senders
			sockets, simulated, err := tests.openIn(ctx, world, reports, log)
			if err != nil {
				return fault(err)
			}
			site.Simulated = simulated
			work, kept, err := later(&retention{reports: reports, keep: time.Duration(keep), conditions: engine.Conditions, log: log}, lists, slices.Concat(kinds, tests.kinds(engine.Lookup, log), shares.eyes.kinds(engine)), &shares, log)
			if err != nil {
				return fault(err)
			}
			if sockets != nil {
				site.Senders = sockets.Senders
				aside.Go(func() {
					if err := sockets.Keep(ctx); err != nil {
						log.Error("the tests of senders could not be saved", "error", err)
					}
				})
			}
			if err := mailed.apply(&site, engine); err != nil {
				return err
			}
			open, err := web.New(site)
			if err != nil {
				return err
			}
			take, err := mailed.open(open.Inboxes(), engine, log)
			if err != nil {
				return fault(err)
			}
			if take != nil {
				aside.Go(func() { take(ctx) })
			}
			if told != nil {
				told.By(work, open.Look)
			}
			ofSite := func() []report.Condition { return told.DKIM(ctx, engine.Texts) }
			aside.Go(func() {
				selfTests(ctx, engine, controls, ofSite, log, withLab)
			})
			if err := work.Start(ctx); err != nil {
				return fault(err)
			}
			defer finish(work, log)
			if withLab {
				aside.Go(func() { surveyLab(ctx, kept, site.Examples, log) })
			}
			if !shares.inFile() {
				aside.Go(func() { site.OptOuts.Share(ctx, reports.ShareOptOuts, log) })
			}
			found := make(chan struct{})
			aside.Go(func() { site.OptOuts.Watch(ctx, engine.Whereabouts, sync.OnceFunc(func() { close(found) })) })
			select {
			case <-found:
			case <-time.After(listed):
				log.Warn("the names of the opt-out list have not all been looked up yet; until then a listed server may be found under another name")
			case <-ctx.Done():
			}
			return serve(ctx, listen, operator{admin, troubles(work), tests.page(engine.Lookup)}, given, shutdown, open, site, log, greet)
		},
	}
	n.register(c)
	shares.register(c)
	shares.eyes.register(c)
	bounds.register(c)
	tests.register(c)
	tell.register(c)
	mailed.register(c)
	c.Flags().StringVar(&listen, "listen", ":8080", "`ADDRESS` to listen on, HOST:PORT or unix:PATH; sockets that systemd passes are used in its place")
	c.Flags().StringVar(&admin, "admin-listen", "127.0.0.1:9090", "`ADDRESS` for metrics and profiles, which strangers must not reach; none if empty")
	c.Flags().StringVar(&data, "data", "./data", "`DIR` for the reports")
	c.Flags().StringVar(&site.Operator, "operator", "", "`NAME` of who runs this instance, shown on the home page")
	c.Flags().StringVar(&site.Contact, "contact", "", "mail `ADDRESS` or URL of the operator, for owners of mail servers")
	c.Flags().StringVar(&site.OptOut, "opt-out", "", "`TEXT` that says how to be left alone by this instance")
	c.Flags().StringVar(&imprint, "imprint", "", "`FILE` with the text of the imprint, or its URL")
	c.Flags().StringVar(&privacy, "privacy", "", "`FILE` with the text on privacy, or its URL")
	c.Flags().StringVar(&site.Logo, "logo", "", "`TEXT` at the top of every page, in place of mxseal")
	c.Flags().StringVar(&site.BaseURL, "base-url", "", "`URL` under which the site is reached, for permanent links: a scheme and a host, without a path")
	c.Flags().StringArrayVar(&controls, "control-host", nil, "mail `HOST` known to offer STARTTLS, asked every five minutes whether our own network is sound (repeatable)")
	c.Flags().Var(&keep, "keep", "delete reports that are older than this `TIME`, such as 365d or 52w; 0 keeps them for ever")
	c.Flags().DurationVar(&shutdown, "shutdown-timeout", 20*time.Second, "for running checks, once the program is told to end; then they are stopped and noted as interrupted")
	c.Flags().BoolVar(&withLab, "lab", false, "answer for the lab's example domains and list them on the home page")
	return c
}

// greeting tells who runs the program by hand where to look.
func greeting(out io.Writer) func(net.Addr) {
	return func(at net.Addr) {
		tcp, ok := at.(*net.TCPAddr)
		if !ok {
			return
		}
		host := tcp.IP.String()
		if tcp.IP.IsUnspecified() || tcp.IP.IsLoopback() {
			host = "localhost"
		}
		fmt.Fprintf(out, "\n  http://%s\n\n", net.JoinHostPort(host, fmt.Sprint(tcp.Port)))
	}
}

// textOf is the text of a file; an address stays what it is.
func textOf(flag, page string) (string, error) {
	if page == "" || templates.Elsewhere(page) {
		return page, nil
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return "", fault(fmt.Errorf("%s: %w", flag, err))
	}
	if len(text) > mostOfText {
		return "", fmt.Errorf("%s: %s is longer than %d KiB", flag, page, mostOfText>>10)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD"), nil
}

const mostOfText = 64 << 10 // octets of an imprint

// listed is how long the site stays closed while the names of those who are left alone are
// looked up.
const listed = 10 * time.Second

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

// selfTests tests our own place in the network now and every five minutes, and logs what changes.
// It is no job: it is about this process, and must go on where nothing can be kept. Where the lab
// answers it is calm: the examples need no network, and the site says at its foot what is wrong with ours.
// What more tests is for the log alone: no report rests on it.
func selfTests(ctx context.Context, engine *checks.Engine, controls []string, more func() []report.Condition, log *slog.Logger, calm bool) {
	known := make(map[report.ConditionName]report.ConditionState)
	for {
		for _, c := range append(engine.SelfTest(ctx, controls), more()...) {
			if known[c.Name] == c.State || ctx.Err() != nil {
				continue
			}
			known[c.Name] = c.State
			level := slog.LevelInfo
			switch {
			case calm:
				level = slog.LevelDebug
			case c.State == report.ConditionFailed:
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

// mostMemory is from where on memory is collected before it is due, rather than that more is
// taken: what strangers make us keep is far below it, what they make us throw away is not.
const mostMemory = 150 << 20

// frugal bounds the memory of the process, unless its environment does (GOMEMLIMIT).
func frugal() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mostMemory)
	}
}

// prompt gives the process twice as many threads that compute as there are processors, unless its
// environment says how many (GOMAXPROCS). Go lets who has a processor keep it for up to 10 ms, the
// system for less: of those who read while much is computed, the last in a hundred waits half as long.
func prompt() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * processors)
	}
}

// processors is how many there are for this process.
var processors = runtime.GOMAXPROCS(0)

// finish ends the jobs under way; they are done after the next start.
func finish(work *jobs.Engine, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := work.Stop(ctx); err != nil {
		log.Warn("jobs did not end in time; they are taken up again after the next start", "error", err)
	}
}

// farewell is how long visitors may take for their last answer once no check runs any more.
const farewell = 5 * time.Second

// operator is the door for who runs the site, and what is behind it beside the site's own metrics.
type operator struct {
	address string
	failed  http.Handler // the jobs that have failed
	senders http.Handler // the self-test of the test of senders; nil without one
}

// serve answers until ctx ends, then lets running checks finish within the time of shutdown.
func serve(ctx context.Context, address string, door operator, given handed, shutdown time.Duration, site *web.Site, cfg web.Config, log *slog.Logger, greet func(net.Addr)) error {
	doors := given.site
	admin, err := openAdmin(given.admin, site.Metrics(), door, log)
	if err != nil {
		return fault(err)
	}
	defer admin.Close()
	if len(doors) == 0 {
		l, err := listen(address)
		if err != nil {
			return fault(fmt.Errorf("--listen: %w", err))
		}
		doors = append(doors, l)
	}
	readers := newCrowd(cfg.TrustedProxies)
	server := &http.Server{
		Handler:           fromHere(site),
		ConnState:         readers.follow,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, len(doors))
	for _, l := range doors {
		log.Info("mxseal is open", "address", l.Addr().String(), "version", cfg.Version)
		greet(l.Addr())
		go func() { ended <- server.Serve(readers.at(l)) }()
	}
	if err := notify("READY=1"); err != nil {
		log.Warn("systemd was not told that the site is open", "error", err)
	}
	select {
	case err := <-ended:
		return fault(err)
	case <-ctx.Done():
	}
	log.Info("closing: running checks may finish", "within", shutdown)
	if err := notify("STOPPING=1"); err != nil {
		log.Warn("systemd was not told that the site closes", "error", err)
	}
	// Both at once: nobody new is let in, and those who listen to a check leave when it ends.
	visitors, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	gone := make(chan error, 1)
	go func() { gone <- server.Shutdown(visitors) }()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	err = site.Close(last)
	time.AfterFunc(farewell, leave)
	if err = errors.Join(err, <-gone); err != nil {
		log.Warn("closed before everything had ended", "error", err)
	}
	server.Close() // those who dawdle
	return nil
}
