package scans

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOptOutList(t *testing.T) {
	list, err := parseOptOuts(strings.NewReader(`
# who has written to us
example.org            # 2026-10-02, by mail
MX7.Provider.Example.
bücher.example
192.0.2.7
198.51.100.77/25	# bits beyond the length do no harm
2001:db8:1::/48
::ffff:203.0.113.9
::ffff:203.0.113.128/121
` + "\r\ncarriage-return.example\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, listed := range map[string]bool{
		"example.org":                true,
		"mail.example.org":           true, // below it
		"a.b.c.example.org":          true,
		"EXAMPLE.ORG":                true,
		"notexample.org":             false, // another name
		"org":                        false, // above it
		"example.org.test":           false,
		"mx7.provider.example":       true,
		"mx8.provider.example":       false,
		"provider.example":           false,
		"xn--bcher-kva.example":      true,
		"carriage-return.example":    true,
		"www.who-has-written.to.us":  false,
		"":                           false,
		".":                          false,
		strings.Repeat("a.", 127):    false,
		"192.0.2.7":                  false, // an address is not a name
		"mail.xn--bcher-kva.example": true,
	} {
		if got := list.hasName(name); got != listed {
			t.Errorf("%q: %v", name, got)
		}
	}
	for addr, listed := range map[string]bool{
		"192.0.2.7":          true,
		"::ffff:192.0.2.7":   true, // the same
		"192.0.2.8":          false,
		"198.51.100.0":       true,
		"198.51.100.127":     true,
		"198.51.100.128":     false,
		"2001:db8:1:ffff::1": true,
		"2001:db8:2::1":      false,
		"fe80::1%eth0":       false,
		"203.0.113.9":        true,
		"203.0.113.10":       false,
		"203.0.113.200":      true,
	} {
		if got := list.hasAddr(netip.MustParseAddr(addr)); got != listed {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if list.hasAddr(netip.Addr{}) {
		t.Error("no address at all is listed")
	}
}

func TestLinesThatMakeNoSense(t *testing.T) {
	for line, why := range map[string]string{
		"someone@example.org":                "an address of mail names one person",
		"https://example.org/":               "a link",
		"*.example.org":                      "everything below is meant anyway",
		".example.org":                       "an empty label",
		"org":                                "a whole top-level domain",
		"example.org, example.net":           "one entry a line",
		"example.org example.net":            "one entry a line",
		"192.0.2.0/33":                       "longer than an address",
		"192.0.2.0-192.0.2.9":                "a range",
		"192.0.2":                            "a part of an address",
		"192.0.2.1:25":                       "a port",
		"[2001:db8::1]":                      "brackets",
		"fe80::1%eth0":                       "a zone",
		"0.0.0.0/0":                          "everybody",
		"::/0":                               "everybody",
		"::ffff:0.0.0.0/96":                  "everybody of IPv4",
		"::ffff:0.0.0.0/90":                  "everybody of IPv4, and more",
		"under_score.example.org":            "no host name",
		strings.Repeat("a", 70) + ".example": "a label of 70 letters",
		strings.Repeat("x", 100_000):         "endless",
	} {
		_, err := parseOptOuts(strings.NewReader("example.net\n\n" + line + "\nexample.com\n"))
		if err == nil {
			t.Errorf("%.60q was taken: %s", line, why)
		} else if !strings.Contains(err.Error(), "line 3: ") {
			t.Errorf("%.60q: the error does not name the line: %v", line, err)
		}
	}
}

func FuzzOptOutList(f *testing.F) {
	for _, seed := range []string{"example.org\n# comment\n192.0.2.0/24", "::ffff:192.0.2.1/97", "bücher.example #", "\xff\xfe\n", "xn--a.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseOptOuts(strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("an error without its line: %v", err)
			}
			return
		}
		for name := range list.names {
			if !list.hasName(name) || !list.hasName("x."+name) || list.hasName("x"+name) && !list.names["x"+name] && strings.Count(name, ".") == 1 {
				t.Errorf("%q does not stand for itself and what is below it", name)
			}
		}
		for _, n := range list.networks {
			if n != n.Masked() || n.Bits() <= 0 || !list.hasAddr(n.Addr()) {
				t.Errorf("the network %v", n)
			}
		}
	})
}

// write puts a text into the file, with a modification time of its own: two writes within
// one tick of the file system's clock must differ in a test too.
func write(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestOptOutsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		path, start := filepath.Join(t.TempDir(), "optout"), time.Now()
		write(t, path, "a.example\n", start)
		o, err := OpenOptOuts(path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		is := func(why, listed, unlisted string) {
			t.Helper()
			if !o.Domain(listed) || o.Domain(unlisted) {
				t.Errorf("%s: %s %v, %s %v", why, listed, o.Domain(listed), unlisted, o.Domain(unlisted))
			}
		}
		is("at the start", "a.example", "b.example")
		write(t, path, "b.example\n", start.Add(time.Second)) // as long as before
		is("the file is not looked at for every question", "a.example", "b.example")
		time.Sleep(lookAgain)
		is("a change of time", "b.example", "a.example")
		write(t, path, "b.example\nc..example\n", start.Add(2*time.Second))
		time.Sleep(lookAgain)
		is("a broken line", "b.example", "a.example")
		if !strings.Contains(log.String(), "line 2: ") {
			t.Errorf("the log does not name the line: %s", &log)
		}
		told := log.Len()
		time.Sleep(time.Hour)
		is("a broken line, for long", "b.example", "a.example")
		if log.Len() != told {
			t.Error("the log says it again and again")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookAgain)
		is("no file any more", "b.example", "a.example")
		write(t, path, "d.example\n", start.Add(2*time.Second))
		time.Sleep(lookAgain)
		is("mended", "d.example", "b.example")
	})
	if _, err := OpenOptOuts(filepath.Join(t.TempDir(), "nowhere"), nil); err == nil {
		t.Error("a missing file at the start is no error")
	}
	var nobody *OptOuts
	if nobody.Domain("example.org") || nobody.Server("example.org", netip.MustParseAddr("192.0.2.1")) {
		t.Error("no list lists somebody")
	}
}

// A listed server is left alone under whatever name it is found: listed names are looked up, and
// those below them are known from the checks that met them.
func TestListedNamesAreLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, start := filepath.Join(t.TempDir(), "optout"), time.Now()
		write(t, path, "mx.example.org\nexample.net\n", start)
		o, err := OpenOptOuts(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		asked := map[string]int{}
		zone := map[string][]string{
			"mx.example.org":  {"198.51.100.1", "2001:db8::1"},
			"example.net":     {"198.51.100.2"},
			"mx.example.net":  {"198.51.100.3"},
			"mx.provider.net": {"198.51.100.4"}, // not its own
		}
		fails := map[string]bool{}
		find := func(_ context.Context, name string) (list []netip.Addr, exchangers []string, err error) {
			mu.Lock()
			defer mu.Unlock()
			asked[name]++
			if fails[name] {
				return nil, nil, errors.New("no answer")
			}
			for _, a := range zone[name] {
				list = append(list, netip.MustParseAddr(a))
			}
			if name == "example.net" {
				exchangers = []string{"mx.example.net", "mx.provider.net"}
			}
			return list, exchangers, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ready := make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { o.Watch(ctx, find, sync.OnceFunc(func() { close(ready) })) })
		<-ready
		leftAlone := func(why, addresses string) {
			t.Helper()
			var list []string
			for i := range 10 {
				if a := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}); o.Server("evil.test", a) != o.Server("", netip.MustParseAddr("::ffff:"+a.String())) {
					t.Errorf("%s: %v is another one in its mapped form", why, a)
				} else if o.Server("", a) {
					list = append(list, fmt.Sprint(i))
				}
			}
			if got := strings.Join(list, " "); got != addresses {
				t.Errorf("%s: leftAlone are %s, want %s", why, got, addresses)
			}
		}
		leftAlone("at the start", "1 2 3")
		if !o.Server("evil.test", netip.MustParseAddr("2001:db8::1")) || asked["mx.provider.net"] != 0 {
			t.Errorf("IPv6, or a provider: %v", asked)
		}

		mu.Lock()
		zone["mx.example.org"] = []string{"198.51.100.5"}
		mu.Unlock()
		time.Sleep(findAgain + lookAgain)
		leftAlone("it has moved", "2 3 5")
		mu.Lock()
		fails["mx.example.org"], fails["example.net"] = true, true
		mu.Unlock()
		time.Sleep(time.Hour)
		leftAlone("no answer for long", "2 3 5")
		if n := asked["mx.example.org"]; n < 7 || n > 9 {
			t.Errorf("%d questions for one name in an hour and ten minutes", n)
		}

		if !o.Server("mx7.example.net", netip.MustParseAddr("198.51.100.7")) {
			t.Error("a name below a listed one is contacted")
		}
		leftAlone("met in a check", "2 3 5 7")
		time.Sleep(meetAgain)
		leftAlone("a day later", "2 3 5")

		write(t, path, "mx.example.org\n", start.Add(time.Second))
		time.Sleep(2 * lookAgain)
		leftAlone("one is listed no more", "5")
		cancel()
		work.Wait()
	})
}

// What names lead to is bounded.
func TestWhatListedNamesLeadToIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "optout")
	var text strings.Builder
	for i := range maxFound + 100 {
		fmt.Fprintf(&text, "d%d.example\n", i)
	}
	write(t, path, text.String(), time.Now())
	var log bytes.Buffer
	o, err := OpenOptOuts(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var asked, now, most atomic.Int64
	o.find(t.Context(), o.now(), func(context.Context, string) ([]netip.Addr, []string, error) {
		asked.Add(1)
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		return nil, []string{"mx.d1.example", "d2.example"}, nil
	})
	if asked.Load() != maxFound || most.Load() > findAbreast || !strings.Contains(log.String(), "more names than are looked up") {
		t.Errorf("%d names looked up, %d at a time; %s", asked.Load(), most.Load(), &log)
	}
	for i := range 2 * maxMet {
		o.Server("mx.d1.example", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if len(o.met) > maxMet {
		t.Errorf("%d addresses were met", len(o.met))
	}
}

// What one process shares is in force in another within seconds, also when it is empty again; a place that
// is away for a while, or a text that makes no sense, changes nothing.
func TestOptOutsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		var kept atomic.Pointer[[]byte]
		var away atomic.Bool
		none := errors.New("nobody there")
		put := func(_ context.Context, text []byte) error {
			if away.Load() {
				return none
			}
			kept.Store(&text)
			return nil
		}
		fetch := func(context.Context) ([]byte, error) {
			if away.Load() {
				return nil, none
			}
			if text := kept.Load(); text != nil {
				return *text, nil
			}
			return nil, nil
		}
		path := filepath.Join(t.TempDir(), "optout")
		write(t, path, "a.example\n", time.Now())
		from, err := OpenOptOuts(path, logger)
		if err != nil {
			t.Fatal(err)
		}
		to, err := FetchOptOuts(fetch, logger)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go from.Share(ctx, put, logger)
		is := func(domain string, want bool) {
			t.Helper()
			time.Sleep(3 * lookAgain)
			synctest.Wait()
			if to.Domain(domain) != want {
				t.Errorf("%s is listed: %v; the log says %s", domain, !want, &log)
			}
		}
		is("www.a.example", true)
		away.Store(true)
		write(t, path, "b.example\n", time.Now().Add(time.Second))
		is("a.example", true)
		is("b.example", false)
		away.Store(false)
		is("b.example", true)
		is("a.example", false)
		write(t, path, "b..example\n", time.Now().Add(time.Second))
		is("b.example", true)
		write(t, path, "", time.Now().Add(2*time.Second))
		is("b.example", false)
		if n := strings.Count(log.String(), "could not be put into the database"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
		if _, err := FetchOptOuts(func(context.Context) ([]byte, error) { return []byte("b..example"), nil }, nil); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%v", err)
		}
	})
	var nobody *OptOuts
	if len(nobody.Text()) != 0 {
		t.Error("no list has a text")
	}
}
