package main

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/checks/lab/outgoing"
	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/web/senders"
	"mxseal/web/store/sqlite"
)

// simulatedSenders are what each kind of sender has to be taken for.
var simulatedSenders = map[string]struct {
	row    sender.Row
	letter report.Letter
	rules  string // that have to be found
}{
	"cleartext":    {sender.RowClear, "F", "SND-02 SND-26"},
	"ordinary":     {sender.RowOrdinary, "C", "SND-01 SND-05 SND-07 SND-09 SND-11 SND-14 SND-17 SND-26 SND-28"},
	"encrypts":     {sender.RowEncrypts, "C", "SND-01 SND-06 SND-08 SND-10 SND-17 SND-24"},
	"pkix":         {sender.RowPKIX, "C", "SND-01 SND-12 SND-13 SND-17 SND-39"},
	"pkix-domain":  {sender.RowDomain, "B", "SND-12 SND-13"},
	"mta-sts":      {sender.RowMTASTS, "B", "SND-01 SND-17 SND-27"},
	"dane":         {sender.RowStrict, "A", "SND-01 SND-16 SND-23 SND-24 SND-29"},
	"dane-lenient": {sender.RowLenient, "A", "SND-01 SND-16 SND-22 SND-24 SND-29"},
	"dane-only":    {sender.RowDANEOnly, "A", "SND-03 SND-16"},
	"dane-mta-sts": {sender.RowBoth, "A+", "SND-01 SND-16 SND-24 SND-27"},
}

// Every simulated sender is led into every trap, over sockets, and taken for what it is.
func TestSimulatedSenders(t *testing.T) {
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	reports, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	l, err := openLabSending(t.Context(), world, reports, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Keep(ctx) }()
	defer func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	if len(outgoing.Kinds) != len(simulatedSenders) {
		t.Errorf("%d kinds send, and %d are expected", len(outgoing.Kinds), len(simulatedSenders))
	}
	t.Run("kinds", func(t *testing.T) {
		for i, k := range outgoing.Kinds {
			t.Run(k.ID, func(t *testing.T) {
				t.Parallel()
				l.lead(t, k, byte(i+1))
			})
		}
	})
}

// lead leads one kind of sender into every trap.
func (l *labSending) lead(t *testing.T, k outgoing.Kind, network byte) {
	id, err := l.Start(t.Context(), netip.AddrFrom4([4]byte{192, 0, network, 1}))
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Evidence(t.Context(), id)
	if err != nil || len(e.Missing) > 0 {
		t.Fatalf("not offered: %v, %v", e.Missing, err)
	}
	w := l.world
	w.From, w.Pause = netip.AddrFrom4([4]byte{127, 79, network, 1}), 0
	kept := outgoing.Send(t.Context(), k, w, senders.Addresses(e))
	for e, err = l.Evidence(t.Context(), id); err == nil && sender.Judge(e, time.Now()).View.Open; e, err = l.Evidence(t.Context(), id) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := sender.Judge(e, time.Now().Add(2*time.Minute)) // silence takes its time
	want := simulatedSenders[k.ID]
	if v.Grade.Row != want.row || v.Grade.Letter != want.letter || v.Grade.Provisional {
		t.Errorf("it is %s and gets %s (provisional: %t, because %v), not %s and %s", v.Grade.Row, v.Grade.Letter, v.Grade.Provisional, v.Grade.Because, want.row, want.letter)
	}
	for _, o := range v.View.Outcomes {
		if !o.Fate.Settled() {
			t.Errorf("%s is not decided: %+v", o.Trap, *o)
		}
	}
	for rule := range strings.FieldsSeq(want.rules) {
		if !slices.ContainsFunc(v.Findings, func(f sender.Finding) bool { return f.ID == rule }) {
			t.Errorf("%s is not found", rule)
		}
	}
	for _, d := range sender.Designs { // what the sender says that it did is what was seen
		o := v.View.Of(d.Trap)
		if why := kept[id+"@"+e.Domains[d.Trap]]; (why == nil) != o.Fate.Delivered() {
			t.Errorf("%s: %+v, and the sender says: %v", d.Trap, o, why)
		}
	}
	if v.Software != sender.Postfix {
		t.Errorf("it looks like %q", v.Software)
	}
}
