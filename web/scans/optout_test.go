package scans

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
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
