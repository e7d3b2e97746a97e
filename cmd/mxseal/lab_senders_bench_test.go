package main

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/checks/lab/outgoing"
	"mxseal/checks/sender"
	"mxseal/web/senders"
	"mxseal/web/store/sqlite"
)

// BenchmarkSenders has 200 tests at a time, each with a sender that walks into every trap, and whose page is
// read each second. The memory is that of both sides.
func BenchmarkSenders(b *testing.B) {
	const tests = 200
	world, err := lab.New(lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer world.Close()
	for b.Loop() {
		reports, err := sqlite.Open(filepath.Join(b.TempDir(), "mxseal.db"))
		if err != nil {
			b.Fatal(err)
		}
		l, err := openLabSending(b.Context(), world, reports, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		ctx, end := context.WithCancel(b.Context())
		var side, sending sync.WaitGroup
		side.Go(func() { l.Keep(ctx) })
		most := watchMemory(ctx, &side)
		var met, asked atomic.Int64
		for n := range tests {
			from := netip.AddrFrom4([4]byte{127, 79, byte(n), 1})
			id, err := l.Start(ctx, from)
			if err != nil {
				b.Fatal(err)
			}
			sending.Go(func() {
				e, err := l.Evidence(ctx, id)
				if err != nil {
					b.Error(err)
					return
				}
				w := l.world
				w.From = from
				sent := make(chan struct{})
				go func() { outgoing.Send(ctx, outgoing.Kinds[1], w, senders.Addresses(e)); close(sent) }()
				for over := false; !over; {
					select {
					case <-sent:
						over = true
					case <-time.After(time.Second):
					}
					if e, err = l.Evidence(ctx, id); err != nil {
						b.Error(err)
						return
					}
					sender.Judge(e, time.Now())
				}
				met.Add(int64(len(e.Sessions)))
				asked.Add(int64(len(e.Questions)))
			})
		}
		sending.Wait()
		end()
		side.Wait()
		reports.Close()
		b.ReportMetric(float64(most.Load())/(1<<20), "MiB")
		b.ReportMetric(float64(met.Load())/tests, "conversations/test")
		b.ReportMetric(float64(asked.Load())/tests, "questions/test")
	}
}

// watchMemory returns the most that the process has from the system, in octets, until ctx ends.
func watchMemory(ctx context.Context, over *sync.WaitGroup) *atomic.Uint64 {
	most := new(atomic.Uint64)
	over.Go(func() {
		list := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for ctx.Err() == nil {
			metrics.Read(list)
			most.Store(max(most.Load(), list[0].Value.Uint64()-list[1].Value.Uint64()))
			time.Sleep(50 * time.Millisecond)
		}
	})
	return most
}
