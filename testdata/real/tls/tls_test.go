package tls

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A connection is what a probe costs, so its number may not grow unnoticed.
func TestConnections(t *testing.T) {
	for _, c := range []struct {
		server, depth string
		most          int
	}{
		{"hardened", "standard", 16},
		{"hardened", "full", 24},
		{"default", "standard", 27},
		{"default", "full", 120},
		{"openssl-1.0.1l", "standard", 28},
	} {
		t.Run(c.server+" "+c.depth, func(t *testing.T) {
			r := probe(t, c.server, c.depth)
			t.Logf("%d connections, %d suites", r.Connections, r.suites().count())
			if r.suites().count() == 0 {
				t.Errorf("no suite was found:%s", r.spent())
			}
			if r.Connections > c.most {
				t.Errorf("%d connections, want at most %d:%s", r.Connections, c.most, r.spent())
			}
			if r.Connections != r.Visits {
				t.Errorf("%d connections reported, %d seen by the server", r.Connections, r.Visits)
			}
		})
	}
}

// difference is one suite that one side names and the other does not.
type difference struct {
	server, oracle string
	by             string // who names it: mxseal or the oracle
	version, suite string
}

// stacks are the servers and whom to ask about each. testssl.sh takes three seconds of a
// processor for every suite of every version: it is asked where it adds something, and that first
// which takes longest. Of the old OpenSSL that is a server with some suites of every kind, in the
// versions whose suites sslscan does not list, and in TLS 1.2: without that it finds none.
var stacks = []struct {
	server  string
	at      string // where the oracles ask, if elsewhere
	oracles []string
}{
	{server: "ssl", oracles: []string{"testssl.sh", "one by one"}},
	{server: "openssl-1.0.1l", oracles: []string{"one by one", "sslscan"}},
	{server: "hardened", oracles: []string{"one by one", "sslscan", "testssl.sh"}},
	{server: "default", oracles: []string{"one by one", "sslscan"}},
	{server: "exim", at: "exim-open", oracles: []string{"one by one", "sslscan", "testssl.sh"}},
	{server: "opensmtpd", oracles: []string{"sslscan"}}, // forgets to greet when visited a thousand times
	{server: "s_server", oracles: []string{"one by one", "sslscan"}},
	{server: "export", oracles: []string{"one by one", "sslscan"}},
	{server: "openssl-3.5", oracles: []string{"one by one", "sslscan", "testssl.sh"}},
}

// TestSuites asks the program and the oracles the same question of every server. What they
// differ in has to be among the differences that are explained.
func TestSuites(t *testing.T) {
	var mu sync.Mutex
	var differ []difference
	t.Run("ask", func(t *testing.T) {
		for _, s := range stacks {
			var ours suites
			if !t.Run(s.server, func(t *testing.T) {
				r := probe(t, s.server, "full")
				ours = r.suites()
				t.Logf("%d suites in %d connections", ours.count(), r.Connections)
			}) {
				continue
			}
			for _, oracle := range s.oracles {
				t.Run(s.server+" "+oracle, func(t *testing.T) {
					t.Parallel()
					theirs := oracles[oracle](t, the.Address(cmp.Or(s.at, s.server)))
					t.Logf("%d suites", theirs.count())
					mu.Lock()
					defer mu.Unlock()
					differ = append(differ, ours.beyond(theirs, difference{server: s.server, oracle: oracle, by: "mxseal"})...)
					differ = append(differ, theirs.beyond(ours, difference{server: s.server, oracle: oracle, by: "oracle"})...)
				})
			}
		}
	})
	used := make([]bool, len(explained))
	for _, d := range differ {
		unasked := probe(t, d.server, "full").unasked()
		i := slices.IndexFunc(explained, func(e explanation) bool { return e.covers(d, unasked) })
		if i < 0 {
			t.Errorf("%s: %s %s is named by %s alone, against %s", d.server, d.version, d.suite, d.by, d.oracle)
			continue
		}
		used[i] = true
	}
	for i, e := range explained {
		if !used[i] {
			t.Errorf("explained and not seen: %+v", e)
		}
	}
}

// beyond lists what is in s and not in other, each filled into d.
func (s suites) beyond(other suites, d difference) (out []difference) {
	for version, list := range s {
		for _, suite := range list {
			if !slices.Contains(other[version], suite) {
				d.version, d.suite = version, suite
				out = append(out, d)
			}
		}
	}
	return out
}

// explanation is a reason for which the program and an oracle may differ. Each must be
// needed: one that no difference calls for fails the test.
type explanation struct {
	server, oracle, by string // empty for any
	version, suite     string // regular expressions
	unasked            bool   // only where the program says that it did not ask for the suite
	why                string
}

func (e explanation) covers(d difference, unasked suites) bool {
	match := func(pattern, s string) bool { return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(s) }
	if e.server != "" && e.server != d.server || e.oracle != "" && e.oracle != d.oracle || e.by != d.by ||
		!match(e.version, d.version) || !match(e.suite, d.suite) {
		return false
	}
	return !e.unasked || slices.Contains(unasked[d.version], d.suite)
}

// What the stacks were chosen to show.
func TestStacks(t *testing.T) {
	for _, c := range []struct {
		server   string
		versions []string
		keys     int    // types of them
		group    string // must be listed
		dhBits   int    // 0 for any
	}{
		{"hardened", []string{"TLS1.3", "TLS1.2"}, 2, "X25519", 2048},
		{"default", []string{"TLS1.3", "TLS1.2", "TLS1.1", "TLS1.0"}, 1, "X25519", 1024},
		{"exim", []string{"TLS1.3", "TLS1.2", "TLS1.1", "TLS1.0"}, 2, "X25519", 0},
		{"s_server", []string{"TLS1.3", "TLS1.2", "TLS1.1", "TLS1.0"}, 2, "X448", 0},
		{"openssl-1.0.1l", []string{"TLS1.2", "TLS1.1", "TLS1.0", "SSL3", "SSL2"}, 2, "P-256", 512},
		{"ssl", []string{"TLS1.2", "SSL3", "SSL2"}, 2, "P-256", 512},
		{"export", []string{"TLS1.2", "TLS1.1", "TLS1.0", "SSL3", "SSL2"}, 1, "P-256", 512},
		{"openssl-3.5", []string{"TLS1.3", "TLS1.2"}, 2, "X25519MLKEM768", 0},
	} {
		t.Run(c.server, func(t *testing.T) {
			r := probe(t, c.server, "full")
			if !slices.Equal(r.TLS.Versions, c.versions) {
				t.Errorf("versions %q, want %q", r.TLS.Versions, c.versions)
			}
			keys := make(map[string]bool)
			for _, certificate := range r.Certificates {
				kind, _, _ := strings.Cut(certificate.Key, " ")
				keys[kind] = true
			}
			if len(keys) != c.keys {
				t.Errorf("keys %v, want %d types", keys, c.keys)
			}
			if !slices.Contains(r.TLS.Groups, c.group) {
				t.Errorf("groups %q, want %s among them", r.TLS.Groups, c.group)
			}
			if c.dhBits != 0 && r.TLS.DHBits != c.dhBits {
				t.Errorf("Diffie-Hellman with %d bits, want %d", r.TLS.DHBits, c.dhBits)
			}
			if r.Connections != r.Visits {
				t.Errorf("%d connections reported, %d seen by the server", r.Connections, r.Visits)
			}
		})
	}
}
