package checks_test

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// BenchmarkRoundTrips checks a domain with two mail servers of two addresses each, with
// 50 ms added to every DNS, TCP and TLS round trip and nothing cached, and prints how many
// round trips of wall time the report took.
func BenchmarkRoundTrips(b *testing.B) {
	const trip = 50 * time.Millisecond
	l, err := lab.New(lab.Options{Delay: trip})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var took time.Duration
	connections := 0
	for b.Loop() {
		e, err := checks.New(checks.Config{
			Resolvers: []netip.AddrPort{l.Resolver()},
			Anchors:   l.Anchors(),
			Roots:     l.CA(),
			SMTPPort:  l.SMTPPort(),
			STSPort:   l.STSPort(),
			Allow:     l.Networks(),
			HELO:      "mxseal.example",
			Depth:     report.Quick,
			Dial:      l.Dial,
		})
		if err != nil {
			b.Fatal(err)
		}
		d, err := e.ParseDomain("perfect.test")
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		r := e.Run(b.Context(), d, "id", nil)
		took += time.Since(start)
		connections += r.Connections
	}
	b.ReportMetric(float64(took)/float64(trip)/float64(b.N), "round-trips")
	b.ReportMetric(float64(connections)/float64(b.N), "connections")
}

// BenchmarkJudge judges the stored reports of the whole lab again, one after another, and
// prints how many that is in a second of one processor's time, whoever else is using it: without
// a sentence, as surveys and old reports are judged, and with all that a reader is shown.
func BenchmarkJudge(b *testing.B) {
	l, err := lab.New(lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e, err := checks.New(checks.Config{
		Resolvers: []netip.AddrPort{l.Resolver()}, Anchors: l.Anchors(), Roots: l.CA(),
		SMTPPort: l.SMTPPort(), STSPort: l.STSPort(), Allow: l.Networks(), HELO: "mxseal.example",
		Timeout: 2 * time.Second, Pace: -1, Dial: l.Dial,
	})
	if err != nil {
		b.Fatal(err)
	}
	var reports []*report.Report
	for _, world := range l.Domains() {
		d, err := e.ParseDomain(world.Name)
		if err != nil {
			b.Fatal(err)
		}
		reports = append(reports, stored(b, e.Run(b.Context(), d, "id", nil)))
	}
	for _, c := range []struct {
		name   string
		finish func(*report.Report)
	}{{"bare", func(*report.Report) {}}, {"explained", checks.Explain}} {
		b.Run(c.name, func(b *testing.B) {
			i, before := 0, processorTime(b)
			for b.Loop() {
				r := reports[i%len(reports)]
				r.Conclusions = checks.Judge(r.Meta, r.Evidence)
				c.finish(r)
				i++
			}
			b.ReportMetric(float64(i)/(processorTime(b)-before).Seconds(), "reports/s")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
