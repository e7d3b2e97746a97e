package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks/report"
	"mxseal/web/senders"
)

// Every need has its sentences, and what is not met stands first, with what mends it.
func TestPageOfTheTestOfSenders(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	tested := &senders.SelfTested{At: at}
	for _, n := range []senders.Need{senders.NeedDelegation, senders.NeedPort, senders.NeedPTR, senders.NeedIPv4, senders.NeedMail, senders.NeedPolicy, senders.NeedExpired} {
		tested.Conditions = append(tested.Conditions, senders.Condition{Need: n, Of: "some " + string(n), State: report.ConditionOK, Met: at})
	}
	tested.Conditions = append(tested.Conditions, senders.Condition{Need: senders.NeedDS, Of: "traps.example", State: report.ConditionFailed, Seen: "NXDOMAIN", Wants: []string{"traps.example. 30 IN DS 1 13 2 00"}})
	var page strings.Builder
	writeSelfTest(&page, tested)
	want := "Self-test of 2026-11-29T12:00:00Z\n\nfailed  ds  traps.example\n  The zone above does not vouch for our key, or is not signed itself.\n  Seen: NXDOMAIN\n" +
		"  Add to the zone above (it has to be signed):\n      traps.example. 30 IN DS 1 13 2 00\n\nok  delegation "
	if !strings.HasPrefix(page.String(), want) || strings.Count(page.String(), "\nok  ") != 7 || !strings.Contains(page.String(), "Somebody from elsewhere came at 2026-11-29T12:00:00Z.") {
		t.Errorf("the page is\n%s", &page)
	}
	for _, c := range tested.Conditions {
		if says := needs[c.Need]; says.met == "" || says.fix == "" {
			t.Errorf("%s has no sentences", c.Need)
		}
	}
}

// Flags that cannot work together are refused before anything is opened.
func TestFlagsOfTheTestOfSenders(t *testing.T) {
	for _, args := range []string{
		"--sender-listen 192.0.2.1=honest", "--sender-cert x.pem", "--sender-acme https://ca.example/dir", "--sender-zone traps.example",
		"--sender-zone traps.example --sender-listen 192.0.2.1=honest --sender-cert x.pem --sender-acme-email me@example.net",
		"--sender-zone traps.example --sender-listen 192.0.2.1=nobody", "--sender-zone traps.example --sender-listen 192.0.2.1=honest --sender-cert /nowhere/x.pem",
		"--sender-zone traps.example --sender-listen 192.0.2.1=honest --sender-acme-ca /nowhere/x.pem",
	} {
		var s sending
		c := &cobra.Command{}
		s.register(c)
		if err := c.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.open(context.Background(), nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--sender-") {
			t.Errorf("%s: %v", args, err)
		}
	}
	var none sending
	none.register(&cobra.Command{})
	if l, err := none.open(context.Background(), nil, nil); l != nil || err != nil || none.page(nil) != nil || len(none.kinds(nil, nil)) != 0 {
		t.Errorf("without a zone: %v, %v", l, err)
	}
}
