package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mxseal/checks"
	"mxseal/checks/report"
)

// network holds the flags that say how to reach the world, shared by serve, check, probe
// and dns. Each is also an environment variable, MXSEAL_SMTP_PORT for --smtp-port; the
// flag wins.
type network struct {
	resolvers   []string
	trustAnchor string
	caFile      string
	smtpPort    uint16
	stsPort     uint16
	allow       []string
	helo        string
	timeout     time.Duration
	depth       string
	maxConns    int
	pace        time.Duration
}

func (n *network) register(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&n.resolvers, "resolver", nil, "recursive resolver to ask, `HOST:PORT` (repeatable; default those of /etc/resolv.conf)")
	f.StringVar(&n.trustAnchor, "trust-anchor", "", "`FILE` with DS or DNSKEY records of the DNS root (default IANA's, built in)")
	f.StringVar(&n.caFile, "ca-file", "", "PEM `FILE` of roots for mail and policy servers (default Mozilla's, built in)")
	f.Uint16Var(&n.smtpPort, "smtp-port", 25, "`PORT` of the mail servers, for test networks")
	f.Uint16Var(&n.stsPort, "sts-port", 443, "`PORT` of the MTA-STS policy hosts, for test networks")
	f.StringArrayVar(&n.allow, "allow-net", nil, "special-purpose network that may be contacted all the same, `CIDR` (repeatable)")
	f.StringVar(&n.helo, "helo", "", "`NAME` to give in EHLO (default the host's name)")
	f.DurationVar(&n.timeout, "timeout", 90*time.Second, "for one domain; what is missing then is untested")
	f.StringVar(&n.depth, "depth", "standard", "how much to ask of each server: quick, standard or full")
	f.IntVar(&n.maxConns, "max-conns", 2, "connections at a time to one address")
	f.DurationVar(&n.pace, "pace", 50*time.Millisecond, "between two connections to one address")
	complete(c, "depth", "quick", "standard", "full")
	c.PreRunE = func(c *cobra.Command, _ []string) error { return fromEnvironment(c.Flags()) }
}

// complete tells the shell what a flag takes.
func complete(c *cobra.Command, flag string, values ...string) {
	// The error is that of a flag which is not there: a mistake that every test run shows.
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// fromEnvironment sets every flag that was not given from its variable.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "MXSEAL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if !set || f.Changed || f.Name == "help" {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		}
		for _, v := range values {
			if e := flags.Set(f.Name, v); e != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
			}
		}
	})
	return err
}

// config turns the flags into the engine's configuration.
func (n *network) config() (checks.Config, error) {
	cfg := checks.Config{
		SMTPPort: n.smtpPort,
		STSPort:  n.stsPort,
		HELO:     n.helo,
		Timeout:  n.timeout,
		Depth:    report.Depth(n.depth),
		MaxConns: n.maxConns,
		Pace:     n.pace,
		Version:  version(),
	}
	switch cfg.Depth {
	case report.Quick, report.Standard, report.Full:
	default:
		return cfg, fmt.Errorf("--depth %q: it is quick, standard or full", n.depth)
	}
	switch {
	case n.timeout <= 0:
		return cfg, fmt.Errorf("--timeout %v: a time above zero is needed", n.timeout)
	case n.maxConns <= 0:
		return cfg, fmt.Errorf("--max-conns %d: at least one connection is needed", n.maxConns)
	case n.pace < 0:
		return cfg, fmt.Errorf("--pace %v: it cannot be negative", n.pace)
	case n.pace == 0:
		cfg.Pace = -1 // none; zero would be the engine's default
	}
	for _, r := range n.resolvers {
		at, err := upstream(r)
		if err != nil {
			return cfg, err
		}
		cfg.Resolvers = append(cfg.Resolvers, at)
	}
	for _, a := range n.allow {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			return cfg, fmt.Errorf("--allow-net %q: a network such as 127.0.0.0/8 is needed", a)
		}
		cfg.Allow = append(cfg.Allow, p.Masked())
	}
	var err error
	if n.trustAnchor != "" {
		if cfg.Anchors, err = os.ReadFile(n.trustAnchor); err != nil {
			return cfg, ofFile("--trust-anchor", err)
		}
	}
	if n.caFile != "" {
		if cfg.Roots, err = os.ReadFile(n.caFile); err != nil {
			return cfg, ofFile("--ca-file", err)
		}
	}
	return cfg, nil
}

// ofFile is what a flag that names a file fails with: that the file is not to be had may pass,
// that it makes no sense does not.
func ofFile(flag string, err error) error {
	err = fmt.Errorf("%s: %w", flag, err)
	if missing := (*fs.PathError)(nil); errors.As(err, &missing) {
		return fault(err)
	}
	return err
}

func (n *network) engine() (*checks.Engine, error) {
	cfg, err := n.config()
	if err != nil {
		return nil, err
	}
	return newEngine(cfg)
}

// newEngine makes an engine. That the system names no resolver may pass, as where the network
// is not up yet.
func newEngine(cfg checks.Config) (*checks.Engine, error) {
	engine, err := checks.New(cfg)
	if errors.Is(err, checks.ErrNoResolver) {
		return nil, fault(err)
	}
	return engine, err
}

// upstream reads HOST:PORT, or a host alone for port 53. A name is looked up once.
func upstream(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 53), nil
	}
	if !strings.Contains(s, ":") {
		s += ":53"
	}
	host, digits, err := net.SplitHostPort(s)
	port, wrong := strconv.ParseUint(digits, 10, 16)
	if err != nil || host == "" || wrong != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("--resolver %q: HOST:PORT is needed", s)
	}
	ip, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return netip.AddrPort{}, fault(fmt.Errorf("--resolver %q: %w", s, err))
	}
	a, _ := netip.AddrFromSlice(ip.IP)
	return netip.AddrPortFrom(a.Unmap().WithZone(ip.Zone), uint16(port)), nil
}
