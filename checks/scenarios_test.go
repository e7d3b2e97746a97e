package checks_test

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// world opens the lab in memory and an engine that sees nothing else.
func world(t *testing.T, o lab.Options, change func(*checks.Config)) (*lab.Lab, *checks.Engine) {
	t.Helper()
	l, err := lab.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := checks.Config{
		Resolvers: []netip.AddrPort{l.Resolver()},
		Anchors:   l.Anchors(),
		Roots:     l.CA(),
		SMTPPort:  l.SMTPPort(),
		STSPort:   l.STSPort(),
		Allow:     l.Networks(),
		HELO:      "mxseal.example",
		Dial:      l.Dial,
	}
	if change != nil {
		change(&cfg)
	}
	e, err := checks.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l, e
}

func scan(t *testing.T, e *checks.Engine, name string) *report.Report {
	t.Helper()
	d, err := e.ParseDomain(name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Run(t.Context(), d, "id", nil)
}

// looked is a domain of the lab and its report.
type looked struct {
	lab.Domain
	report *report.Report
}

var looks struct {
	once sync.Once
	all  []looked
}

// everyDomain is the whole lab. It is looked at once for all tests of this package, which change
// nothing in the reports.
func everyDomain(t *testing.T) []looked {
	t.Helper()
	looks.once.Do(func() {
		synctest.Test(t, func(t *testing.T) {
			l, e := world(t, lab.Options{}, nil)
			for _, d := range l.Domains() {
				looks.all = append(looks.all, looked{d, scan(t, e, d.Name)})
			}
		})
	})
	if len(looks.all) == 0 {
		t.Fatal("the lab was not looked at")
	}
	return looks.all
}

// Every domain of the lab gets the letter and fires the rules that it is there to show.
func TestTheLabsDomains(t *testing.T) {
	letters := map[report.Letter]bool{}
	areas := map[string]bool{}
	domains := everyDomain(t)
	if len(domains) < 30 {
		t.Errorf("the lab has %d domains, want at least 30", len(domains))
	}
	for _, d := range domains {
		r := d.report
		letters[r.Grade.Letter] = true
		if r.Grade.Letter != d.Letter {
			t.Errorf("%s gets %s, want %s (%s)\n%s", d.Name, r.Grade.Letter, d.Letter, d.Shows, outline(r))
		}
		if len(r.Faults) > 0 {
			t.Errorf("%s: fault in %v", d.Name, r.Faults)
		}
		for _, f := range r.Findings {
			area, _, _ := strings.Cut(f.Rule, "-")
			areas[area] = true
			for _, s := range []string{f.Title, f.Text, f.FixText} {
				if placeholder.MatchString(s) {
					t.Errorf("%s: %s leaves a placeholder: %s", d.Name, f.Rule, s)
				}
			}
		}
		for _, rule := range d.Rules {
			if !fired(r, rule) {
				t.Errorf("%s does not fire %s\n%s", d.Name, rule, outline(r))
			}
		}
	}
	for _, l := range []report.Letter{"A+", "A", "B", "C", "D", "E", "F", "T", "N"} {
		if !letters[l] {
			t.Errorf("no domain of the lab gets %s", l)
		}
	}
	for _, a := range []string{"MX", "NET", "SMT", "ENF", "TLS", "CRT", "SEC", "DAN", "STS", "RPT", "NBR"} {
		if !areas[a] {
			t.Errorf("no domain of the lab fires a rule of the area %s", a)
		}
	}
}

func fired(r *report.Report, rule string) bool {
	return slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Rule == rule })
}

func outline(r *report.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		if f.Verdict != report.Pass && f.Verdict != report.Info {
			b.WriteString("  " + f.Rule + " " + string(f.Verdict) + " " + f.Host + " " + f.Address + " " + f.Title + " " + strings.Join(f.Detail, " | ") + "\n")
		}
	}
	return b.String()
}

func TestSpecialAddressesAreNeverContacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, nil)
		r := scan(t, e, "private-mx.test")
		if !fired(r, "MX-17") {
			t.Error("MX-17 does not fire")
		}
		if n := l.Dialled("127.0.0.1"); n != 0 {
			t.Errorf("%d connections to 127.0.0.1", n)
		}
	})
}

// The whole report in at most 14 round trips: DNS in waves, hosts and addresses side by side.
func TestRoundTrips(t *testing.T) {
	const trip = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{Delay: trip}, func(c *checks.Config) { c.Depth = report.Quick })
		start := time.Now()
		r := scan(t, e, "perfect.test")
		trips := int(time.Since(start) / trip)
		if trips > 14 {
			t.Errorf("%d round trips, want at most 14", trips)
		}
		addresses := 0
		for _, h := range r.Hosts {
			addresses += len(h.Addresses)
		}
		if len(r.Hosts) != 2 || addresses != 4 {
			t.Errorf("%d hosts with %d addresses, want 2 with 4 in all", len(r.Hosts), addresses)
		}
		if r.Connections > 2*addresses+2 {
			t.Errorf("%d connections for %d addresses and a policy", r.Connections, addresses)
		}
	})
}

// Whatever a domain's servers do, nothing is left behind.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, nil)
		for _, d := range l.Domains() {
			scan(t, e, d.Name)
		}
		if n := l.Open(); n != 0 {
			t.Errorf("%d connections are still open", n)
		}
	})
	// The bubble itself insists that every goroutine started in it has ended. The runtime's own
	// (finalizers) may take a moment.
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

// A report that was stored is judged again to the same letter, without asking anybody.
func TestStoredReportsAreJudgedAgain(t *testing.T) {
	for _, d := range everyDomain(t) {
		r := d.report
		again := stored(t, r)
		again.Conclusions = checks.Judge(again.Meta, again.Evidence)
		checks.Explain(again)
		if again.Grade.Letter != r.Grade.Letter {
			t.Errorf("%s: %s when scanned, %s when judged again", d.Name, r.Grade.Letter, again.Grade.Letter)
		}
		if !slices.EqualFunc(again.Findings, r.Findings, func(a, b report.Finding) bool {
			return a.Rule == b.Rule && a.Verdict == b.Verdict && a.Host == b.Host && a.Address == b.Address && a.Text == b.Text
		}) {
			t.Errorf("%s: other findings when judged again", d.Name)
		}
	}
}

// Nobody answers questions: the domain is not testable, and the check ends in its time.
func TestADeadResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) {
			c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		start := time.Now()
		r := scan(t, e, "perfect.test")
		if r.Grade.Letter != "T" || !fired(r, "MX-02") {
			t.Errorf("%s\n%s", r.Grade.Letter, outline(r))
		}
		if took := time.Since(start); took > 90*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A resolver that strips DNSSEC is our own trouble: nothing is called bogus, nothing is held
// against the domain, and the letter says that it is provisional.
func TestAResolverThatStripsDNSSEC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err == nil && strings.HasPrefix(network, "udp") {
					conn = withoutDO{conn}
				}
				return conn, err
			}
		})
		r := scan(t, e, "perfect.test")
		if r.MX.DNSSEC.State != report.Indeterminate || r.MX.DNSSEC.Reason != "upstream-not-dnssec-capable" {
			t.Errorf("the MX records are %s (%s)", r.MX.DNSSEC.State, r.MX.DNSSEC.Reason)
		}
		if r.Grade.Letter != "B" || !r.Grade.Provisional || len(r.Grade.Broken) > 0 {
			t.Errorf("%+v\n%s", r.Grade, outline(r))
		}
		for _, f := range r.Findings {
			if f.Verdict == report.Fail {
				t.Errorf("held against the domain: %s %s", f.Rule, f.Title)
			}
		}
	})
}

// withoutDO asks every question without the DO bit, as old forwarders do.
type withoutDO struct{ net.Conn }

func (c withoutDO) Write(b []byte) (int, error) {
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		return 0, err
	}
	if o := m.IsEdns0(); o != nil {
		o.SetDo(false)
	}
	out, err := m.Pack()
	if err != nil {
		return 0, err
	}
	_, err = c.Conn.Write(out)
	return len(b), err
}

// When the time of a domain runs out, what was seen until then stands and the rest is untested.
func TestTheTimeRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) { c.Timeout = 3 * time.Second })
		r := scan(t, e, "slow.test") // greets after six seconds
		if !fired(r, "OPS-11") || !r.Grade.Provisional || r.Interrupted == "" {
			t.Errorf("%+v\n%s", r.Grade, outline(r))
		}
		if r.MX == nil || r.MX.State != "ok" || len(r.Hosts) != 1 {
			t.Error("what was seen before is gone")
		}
	})
}
