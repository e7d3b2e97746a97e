// Command peers holds the program against its peers, on the same servers in the same run,
// over a wire of a known delay: wall time, processor time, connections, and how many cipher
// suites each has found. Root and iproute2 are needed; ../tls/install.sh brings the rest.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"mxseal/testdata/real/tls/stack"
)

func main() {
	servers := flag.String("servers", "hardened", "which, by comma: hardened, default")
	delays := flag.String("rtt", "0,20,100", "added round trips in milliseconds, by comma")
	only := flag.String("peers", "", "only those whose names match this regular expression, beside the first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	wanted, err := regexp.Compile(*only)
	if err == nil {
		err = bench(ctx, wanted, strings.Split(*servers, ","), strings.Split(*delays, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, wanted *regexp.Regexp, servers, delays []string) (err error) {
	w, err := stack.Open()
	defer func() { err = errors.Join(err, w.Close()) }()
	if err != nil {
		return err
	}
	wire, err := newLink(w.Remove)
	defer wire.close()
	if err != nil {
		return err
	}
	w.Netns, w.Port = wire.server, 25 // nmap knows STARTTLS by the port
	w.IP["default"], w.IP["hardened"] = defaultIP, hardIP
	if err := w.StartPostfix(); err != nil {
		return err
	}
	for _, server := range servers {
		if w.IP[server] == "" {
			return fmt.Errorf("there is no server %q", server)
		}
		for _, ms := range delays {
			n, err := strconv.Atoi(ms)
			if err != nil {
				return err
			}
			wire.roundTrip.Store(int64(time.Duration(n) * time.Millisecond))
			if err := compare(ctx, w, wire, wanted, server, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare prints the table of one server and delay.
func compare(ctx context.Context, w *stack.World, wire *link, wanted *regexp.Regexp, server string, ms int) error {
	fmt.Printf("\n%s, %d ms added\n", server, ms)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\twall s\tCPU s\tconnections\tsuites\twall ×\tconnections ×\t")
	var base measure
	for i, p := range peers(w.Program(), w.Address(server), w.Dir+"/testssl.json", ms) {
		if i > 0 && !wanted.MatchString(p.name) {
			continue
		}
		m, err := p.measure(ctx, wire)
		if err != nil {
			return err
		}
		if i == 0 {
			base = m
		}
		fmt.Fprintf(out, "%s\t%.2f\t%.2f\t%d\t%d\t%.1f\t%.1f\t\n", p.name, m.wall.Seconds(), m.cpu.Seconds(), m.connections, m.suites,
			m.wall.Seconds()/base.wall.Seconds(), float64(m.connections)/float64(base.connections))
	}
	return out.Flush()
}

type measure struct {
	wall, cpu   time.Duration
	connections int64
	suites      int
}

// measure runs a peer; a quick one three times, of which the one of middle duration counts.
func (p peer) measure(ctx context.Context, wire *link) (measure, error) {
	var all []measure
	for len(all) == 0 || len(all) < 3 && all[0].wall < 10*time.Second {
		m, err := p.once(ctx, wire)
		if err != nil {
			return m, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b measure) int { return int(a.wall - b.wall) })
	return all[len(all)/2], nil
}

func (p peer) once(ctx context.Context, wire *link) (m measure, err error) {
	ctx, stop := context.WithTimeout(ctx, 15*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", wire.client}, p.command...)...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "HOME=/nonexistent"}
	// What a peer started ends with it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if p.file != "" {
		os.Remove(p.file) // testssl.sh does not write over one
	}
	before, start := wire.syns.Load(), time.Now()
	out, err := c.Output()
	m.wall = time.Since(start)
	// Exit codes of peers count what they dislike; only what cannot be run is an error.
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || ctx.Err() != nil {
		return m, errors.Join(err, ctx.Err())
	}
	m.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	m.connections = wire.syns.Load() - before
	if p.file != "" {
		if out, err = os.ReadFile(p.file); err != nil {
			return m, err
		}
	}
	if m.suites, err = p.count(out); err == nil && m.suites == 0 {
		err = errors.New("it found no suite")
	}
	if err != nil {
		return m, fmt.Errorf("%w:\n%.1000s\n%.1000s", err, out, &stderr)
	}
	return m, nil
}
