// Command loss measures what trouble of our own does to letters: it runs the built program
// against the lab over a path that loses, delays or swallows IP packets, or with a resolver
// that does not answer everything, and compares each letter with the undisturbed one. A
// letter may be missing (T) or provisional then; it may never be another one and firm.
//
// The lab lives in a network namespace, the program in one for each condition; between them
// IP packets travel from one TUN device to another through this process, which drops them at
// random, the same ones for the same -seed as far as the traffic is the same. TCP repeats
// what is lost as it does in the world. Nothing leaves the namespaces, which end with this
// process. It needs Linux, root and ip(8).
//
// It exits with 1 when a letter was wrong and firm, or when at a loss of 10 % of all packets
// less than 98 % of the letters were the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"mxseal/testdata/daemon"
)

var (
	checks = flag.Int("n", 300, "checks under each condition")
	aside  = flag.Int("side", 64, "checks side by side")
	only   = flag.String("conditions", "", "names of conditions, separated by commas; all if empty")
	seed   = flag.Uint64("seed", 1, "of what is lost")
	list   = flag.Bool("list", false, "name the conditions and end")
	folder = flag.String("keep", "", "`FOLDER` for the reports whose letter was wrong and firm")
)

// domains are asked about in turn: every letter, and every promise that a path can seem to break.
var domains = []string{
	"perfect.test", "hosted.test", "dane.test", "sts.test", "tlsa-one-broken.test", "certificate.test", "sts-testing.test",
	"selfsigned.test", "tlsa-mismatch.test", "bogus.test", "expired.test", "sts-expired.test", "backup-cleartext.test", "no-starttls.test",
}

func main() {
	flag.Parse()
	wrong, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loss:", err)
	}
	if wrong || err != nil {
		os.Exit(1)
	}
}

func run() (wrong bool, err error) {
	chosen, err := choose(*only)
	if err != nil || *list {
		for _, c := range conditions {
			fmt.Println(c.name)
		}
		return false, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "mxseal-loss-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir}
	if b.program, err = daemon.Build(dir); err != nil {
		return false, err
	}
	world, l, err := openWorld()
	if err != nil {
		return false, err
	}
	defer l.Close()
	if err := writeTrust(l, dir); err != nil {
		return false, err
	}
	for n, c := range chosen {
		p, err := newPlace(c, n, world, l, *seed)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.name, err)
		}
		b.places = append(b.places, p)
	}
	began := time.Now()
	if err := b.learn(ctx); err != nil {
		return false, err
	}
	results, err := b.run(ctx, *checks, *aside)
	wrong = show(b, results)
	fmt.Printf("\n%d checks in %v\n", len(results), time.Since(began).Round(time.Second))
	return wrong, err
}

// choose always begins with the undisturbed path, which is what all others are compared with.
func choose(names string) ([]condition, error) {
	if names == "" {
		return conditions, nil
	}
	chosen := conditions[:1:1]
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(conditions, func(c condition) bool { return c.name == name })
		if i < 0 {
			return nil, errors.New("no such condition: " + name)
		}
		if i > 0 {
			chosen = append(chosen, conditions[i])
		}
	}
	return chosen, nil
}
