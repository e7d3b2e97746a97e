package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"text/tabwriter"
	"time"

	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/senders"
)

// needs says what a condition of the test of senders means, and what to do where it is not met.
var needs = map[senders.Need]struct{ met, failed, fix string }{
	senders.NeedDelegation: {"The zone above leads to our name server.", "The zone above does not lead to our name server.", "Add to the zone above:"},
	senders.NeedDS:         {"The zone above vouches for our key.", "The zone above does not vouch for our key, or is not signed itself.", "Add to the zone above (it has to be signed):"},
	senders.NeedPort:       {"We answer there.", "We do not answer there.", "Give the address to this machine, and let the port through:"},
	senders.NeedPTR:        {"The address has a name.", "The address has no name. Some senders mind that.", "Ask the owner of the network to add:"},
	senders.NeedIPv4:       {"Mail servers of this manner have an IPv4 address.", "Mail servers of this manner have no IPv4 address: senders without IPv6 cannot be tested with them.", "Add the flag:"},
	senders.NeedMail:       {"The certificate of our mail servers is valid until then.", "The certificate of our mail servers is missing or about to end.", "See /jobs and the log for what stops its renewal, or renew the file of --sender-cert."},
	senders.NeedPolicy:     {"Every policy host has a certificate.", "Policy hosts have no valid certificate: traps with MTA-STS are not offered in each test.", "See /jobs and the log, or add to a file of --sender-cert a certificate for names such as:"},
	senders.NeedExpired:    {"There is a certificate that is over.", "", "There is no certificate that is over yet; until then that trap is not offered. The first one that is renewed becomes it once its time is over."},
}

// senderTest is the job that looks whether the test of senders has what it needs.
type senderTest struct{}

func (senderTest) Kind() string { return "sender-self-test" }

// selfTest is that job: it logs what changes.
func (s *sending) selfTest(side *senders.Senders, lookup senders.Lookup, log *slog.Logger) jobs.Kind {
	known := make(map[string]report.ConditionState)
	return jobs.Every(senders.SelfTestEvery, func(ctx context.Context, _ senderTest) error {
		for _, c := range side.SelfTest(ctx, lookup) {
			key := string(c.Need) + " " + c.Of
			if known[key] == c.State || ctx.Err() != nil {
				continue
			}
			known[key] = c.State
			level := slog.LevelInfo
			if c.State == report.ConditionFailed {
				level = slog.LevelWarn
			}
			log.Log(ctx, level, "self-test of the test of senders", "need", c.Need, "of", c.Of, "state", c.State, "seen", c.Seen)
		}
		return nil
	})
}

// pageFresh is how old a self-test may be that the page shows.
const pageFresh = 10 * time.Second

// senderPage is the page of the operator about the test of senders.
func senderPage(side *senders.Senders, lookup senders.Lookup) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if last := side.Tested(); last == nil || time.Since(last.At) > pageFresh {
			side.SelfTest(r.Context(), lookup)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeSelfTest(w, side.Tested())
	})
}

// writeSelfTest writes what is not met first, each with its fix, then the rest.
func writeSelfTest(w io.Writer, last *senders.SelfTested) {
	fmt.Fprintf(w, "Self-test of %s\n", last.At.Format(time.RFC3339))
	good := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range last.Conditions {
		says := needs[c.Need]
		switch c.State {
		case report.ConditionOK:
			fmt.Fprintf(good, "ok\t%s\t%s\t%s\t%s\n", c.Need, c.Of, says.met, c.Seen+guest(c))
			continue
		case report.ConditionUntested:
			fmt.Fprintf(w, "\n%s  %s  %s\n", c.State, c.Need, c.Of)
		default:
			fmt.Fprintf(w, "\n%s  %s  %s\n  %s\n", c.State, c.Need, c.Of, says.failed)
		}
		if c.Seen != "" {
			fmt.Fprintf(w, "  Seen: %s\n", c.Seen)
		}
		fmt.Fprintf(w, "  %s\n", says.fix)
		for _, line := range c.Wants {
			fmt.Fprintf(w, "      %s\n", line)
		}
	}
	fmt.Fprintln(w)
	good.Flush() // into the answer: who is not there any more misses nothing
	fmt.Fprintln(w, "\nPorts are tried from this machine. That others come through, too, shows only in that somebody has come from elsewhere.")
}

// guest says when somebody from elsewhere last came to a port.
func guest(c senders.Condition) string {
	switch {
	case c.Need != senders.NeedPort:
		return ""
	case c.Met.IsZero():
		return "Nobody has come from elsewhere since the start."
	}
	return "Somebody from elsewhere came at " + c.Met.Format(time.RFC3339) + "."
}
