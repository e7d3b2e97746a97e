package surveys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/adoption"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

func opened(t *testing.T) *store.Store {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// working returns the surveys of a store with an engine that does their jobs once it is started.
func working(c Config) (*Surveys, *jobs.Engine) {
	return logged(c, Beside, slog.New(slog.DiscardHandler))
}

// logged is working with a log.
func logged(c Config, places int, log *slog.Logger) (*Surveys, *jobs.Engine) {
	if c.Parse == nil {
		c.Parse = parse
	}
	s, kinds := New(c)
	e, err := jobs.New(jobs.Config{Store: c.Store, Kinds: append(kinds, s.Due()), Queues: Queues(places), Log: log})
	if err != nil {
		panic(err)
	}
	s.By(e)
	return s, e
}

func create(t *testing.T, s *Surveys, one store.Survey, list string) {
	t.Helper()
	if err := s.Create(t.Context(), &one, NewList(strings.NewReader(list), parse)); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the end of the last run of a survey.
func ended(t *testing.T, s *store.Store, name string) store.Run {
	t.Helper()
	for {
		list, err := s.Runs(t.Context(), name, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 && !list[0].Ended.IsZero() {
			return list[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func rows(t *testing.T, s *Surveys, run store.Run) (list []Row) {
	t.Helper()
	if err := s.Rows(t.Context(), run, func(r Row) error { list = append(list, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

// The lab's domains have in a survey the letters that they have by themselves, and of what is counted
// that which their worlds show.
func TestASurveyOfTheLab(t *testing.T) {
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	engine, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{world.Resolver()}, Anchors: world.Anchors(), Roots: world.CA(), SMTPPort: world.SMTPPort(), STSPort: world.STSPort(),
		Allow: world.Networks(), HELO: "mxseal.example", Pace: -1, HostLooks: -1, Depth: report.Quick, Dial: world.Dial})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]func(adoption.Facts) bool{
		"perfect.test": func(f adoption.Facts) bool {
			return f.STARTTLS == adoption.Yes && f.Certificate == adoption.Yes && f.DNSSEC == adoption.Yes && f.DANE == adoption.Yes && f.MTASTS == "enforce" && f.TLS13 == adoption.Yes && f.TLSRPT == adoption.Yes && len(f.Broken) == 0
		},
		"sts.test": func(f adoption.Facts) bool {
			return f.Letter == "B" && f.DANE == adoption.No && f.MTASTS == "enforce" && f.Certificate == adoption.Yes
		},
		"sts-testing.test": func(f adoption.Facts) bool { return f.MTASTS == "testing" },
		"no-starttls.test": func(f adoption.Facts) bool {
			return f.Letter == "F" && f.STARTTLS == adoption.No && f.Certificate == adoption.No && f.TLS13 == adoption.No
		},
		"selfsigned.test": func(f adoption.Facts) bool { return f.STARTTLS == adoption.Yes && f.Certificate == adoption.No },
		"old-tls.test":    func(f adoption.Facts) bool { return f.TLS13 == adoption.No },
		"tlsa-mismatch.test": func(f adoption.Facts) bool {
			return f.DANE == adoption.No && slices.Equal(f.Broken, []report.Promise{report.PromiseDANE})
		},
		"null-mx.test": func(f adoption.Facts) bool { return f.Letter == "N" && f.Why != "" && f.STARTTLS == adoption.Untested },
	}
	var list strings.Builder
	want := make(map[string]report.Letter)
	for _, d := range world.Domains() {
		if shown[d.Name] != nil {
			want[d.Name] = d.Letter
			fmt.Fprintf(&list, "%s,%s\n", d.Name, d.Letter)
		}
	}
	if len(want) != len(shown) {
		t.Fatalf("the lab has only %v", want)
	}
	kept := opened(t)
	s, e := working(Config{Store: kept}.By(engine))
	create(t, s, store.Survey{Name: "lab"}, list.String())
	if _, err := s.Start(t.Context(), "lab"); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "lab")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	totals, err := s.Totals(t.Context(), run)
	if err != nil || totals.Domains != len(want) || run.Done != len(want) {
		t.Errorf("%+v of %+v, %v", totals, run, err)
	}
	for _, r := range rows(t, s, run) {
		if !shown[r.Domain](r.Facts) {
			t.Errorf("%s: %+v", r.Domain, r.Facts)
		}
		if of := totals.Labels[r.Labels[0]]; of == nil || of.Letters[r.Letter] == 0 {
			t.Errorf("%s is not counted under its label", r.Domain)
		}
	}
}

// servers are the addresses of the mail servers in a world of tests.
const servers = 7

// reporting has a world in which every domain has a mail server of its own name, on a few addresses
// that show one wildcard certificate, and the same letter. seen is told what is asked about.
func (c Config) reporting(seen func(domain string), looked func(checks.Call)) Config {
	c.Resolve = func(_ context.Context, d input.Domain, id string) (*report.Report, []checks.Call) {
		seen(d.ASCII)
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(d.ASCII, "d"), ".example"))
		return &report.Report{Meta: report.Meta{ID: id, Domain: d.ASCII}}, []checks.Call{
			{Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(n % servers)}), Name: strings.Replace(d.ASCII, ".", ".mx.", 1)}}
	}
	c.Look = func(_ context.Context, call checks.Call, _ string) *report.Report {
		looked(call)
		a := &report.Address{IP: call.Address.String(), Reachable: true, SMTP: &report.SMTP{STARTTLS: report.Works},
			Certificates: []*report.Certificate{{Via: "first", Names: []string{"*.mx.example"}, SHA256: "aa"}}}
		return &report.Report{Evidence: report.Evidence{Hosts: []*report.Host{{Name: call.Name, Addresses: []*report.Address{a}}}}}
	}
	c.Conclude = func(r *report.Report, seen func(checks.Call) *report.Report) *report.Report {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.Domain, "d"), ".example"))
		letter := report.Letter("C")
		if at := seen(checks.Call{Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(n % servers)}), Name: strings.Replace(r.Domain, ".", ".mx.", 1)}); at == nil || len(at.Hosts) != 1 {
			letter = "T"
		}
		r.Grade = &report.Grade{Letter: letter}
		return r
	}
	return c
}

func nobody(string)       {}
func nowhere(checks.Call) {}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "d%d.example\n", i)
	}
	return b.String()
}

// A run that is stopped goes on where it was, and every domain has one result.
func TestARunGoesOn(t *testing.T) {
	t.Parallel()
	const domains = 2*maxUnderWay + 7
	kept := opened(t)
	enough := make(chan struct{})
	var mu sync.Mutex
	seen := make(map[string]int)
	note := func(domain string) {
		mu.Lock()
		defer mu.Unlock()
		if seen[domain]++; len(seen) == 50 {
			close(enough)
		}
	}
	looks := make(chan checks.Call, domains)
	c := Config{Store: kept, OptedOut: func(domain string) bool { return domain == "d3.example" }}.reporting(note, func(c checks.Call) { looks <- c })
	s, e := working(c)
	create(t, s, store.Survey{Name: "many"}, many(domains)+many(domains))
	first, err := s.Start(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-enough
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, e = working(c)
	if again, err := s.Start(t.Context(), "many"); err != nil || again.ID != first.ID || again.Done == domains {
		t.Fatalf("%+v, %v; want run %d, under way", again, err, first.ID)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "many")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := rows(t, s, run)
	if len(list) != domains || run.Done != domains || run.Fed != domains || run.Domains != domains {
		t.Fatalf("%d results, %+v", len(list), run)
	}
	if n := len(looks); n > servers*(checks.EnoughAlike+1) { // one more of each may have been under way when it was stopped
		t.Errorf("%d looks at %d mail servers", n, servers)
	}
	for i, r := range list {
		if r.Domain != fmt.Sprintf("d%d.example", i) {
			t.Fatalf("place %d is %s", i, r.Domain)
		}
	}
	if r := list[3]; r.Letter != "T" || r.Why != "opted-out" || seen["d3.example"] > 0 {
		t.Errorf("who wants to be left alone: %+v, looked at %d times", r, seen["d3.example"])
	}
}

// A run of which all jobs were given up is made whole by the next start, without a second look at
// what has a result.
func TestARunOfWhichJobsAreGone(t *testing.T) {
	const domains = maxFeed + 300
	kept := opened(t)
	var mu sync.Mutex
	seen := make(map[string]int)
	s, e := working(Config{Store: kept}.reporting(func(domain string) {
		mu.Lock()
		defer mu.Unlock()
		seen[domain]++
	}, nowhere))
	create(t, s, store.Survey{Name: "many"}, many(domains))
	first, err := s.Start(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.feed(t.Context(), feedJob{first.ID}, 1); err == nil {
		t.Fatal("all were fed at once")
	}
	for n := range 50 {
		l := line{first.ID, 2 * n}
		address := fmt.Sprint("192.0.2.", l.N%servers)
		if err := cmp.Or(s.resolve(t.Context(), resolveJob{l}, 1), s.look(t.Context(), lookJob{first.ID, address}, 1), s.judge(t.Context(), judgeJob{l}, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kept.Writer().Exec("DELETE FROM river_job"); err != nil {
		t.Fatal(err)
	}
	if run, err := s.Start(t.Context(), "many"); err != nil || run.ID != first.ID || run.Done != 50 {
		t.Fatalf("%+v, %v", run, err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "many")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := rows(t, s, run); len(list) != domains || run.ID != first.ID {
		t.Errorf("%d results of %+v", len(list), run)
	}
	for domain, n := range seen {
		if n != 1 {
			t.Errorf("%s was looked at %d times", domain, n)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	kept := opened(t)
	s, _ := working(Config{Store: kept})
	create(t, s, store.Survey{Name: "there"}, "example.org\n")
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		one  store.Survey
		list string
		says string
	}{
		"a name of a path":    {store.Survey{Name: "../etc"}, "example.org", "a survey is called by"},
		"no name":             {store.Survey{}, "example.org", "a survey is called by"},
		"one that is there":   {store.Survey{Name: "there"}, "example.org", store.ErrExists.Error()},
		"nothing in the list": {store.Survey{Name: "empty"}, "# nothing\n!!\n", store.ErrEmpty.Error()},
		"all the time":        {store.Survey{Name: "often", Every: time.Minute}, "example.org", "every 1h0m0s at most"},
	} {
		if err := s.Create(t.Context(), &c.one, NewList(strings.NewReader(c.list), parse)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	half := NewList(&failing{strings.NewReader(many(5000)), gone}, parse)
	if err := s.Create(t.Context(), &store.Survey{Name: "half"}, half); !errors.Is(err, gone) {
		t.Errorf("a list that breaks off: %v", err)
	}
	if _, err := s.Start(t.Context(), "half"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("half a list was kept: %v", err)
	}
	if err := s.Create(t.Context(), &store.Survey{Name: "half"}, NewList(strings.NewReader(many(5000)), parse)); err != nil {
		t.Errorf("then the whole: %v", err)
	}
}

// failing breaks off where the text ends.
type failing struct {
	*strings.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err != nil {
		err = f.err
	}
	return n, err
}

// A survey with an interval has its first run when the engine starts, and the next when it is due.
func TestWhatIsDue(t *testing.T) {
	kept := opened(t)
	s, e := working(Config{Store: kept}.reporting(nobody, nowhere))
	create(t, s, store.Survey{Name: "weekly", Every: 7 * 24 * time.Hour}, "example.org")
	create(t, s, store.Survey{Name: "asked"}, "example.org")
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := ended(t, kept, "weekly")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for old, want := range map[time.Duration]int{6 * day: 1, 8 * day: 2, -day: 1, -6 * day: 1, -400 * day: 2} { // the last run is in the future where a clock was set back
		if _, err := kept.Writer().Exec("DELETE FROM survey_runs WHERE id > ?", first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Writer().Exec("UPDATE survey_runs SET began = ?", time.Now().Add(-old).UnixMilli()); err != nil {
			t.Fatal(err)
		}
		if err := s.due(t.Context(), dueJob{}); err != nil {
			t.Fatal(err)
		}
		if list, err := kept.Runs(t.Context(), "weekly", 10); err != nil || len(list) != want {
			t.Errorf("after %v there are %d runs, want %d; %v", old, len(list), want, err)
		}
	}
	if list, err := kept.Runs(t.Context(), "asked", 10); err != nil || len(list) != 0 {
		t.Errorf("nobody asked: %v, %v", list, err)
	}
}
