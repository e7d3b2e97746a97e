package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"

	"mxseal/web/store/sqlite"
)

const zoneName = "sender.example"

var hosts = []string{"mta-sts.sts-p0." + zoneName, "mta-sts.sts-p1." + zoneName, "mta-sts.sts-p2." + zoneName}

func authority(t *testing.T, file, directory string) *FromAuthority {
	t.Helper()
	reports, err := sqlite.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reports.Close() })
	a, err := NewFromAuthority(t.Context(), Authority{Directory: directory, Zone: zoneName, Hosts: hosts, Store: reports})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issued is a certificate of nobody for a key.
func issued(t *testing.T, key *ecdsa.PrivateKey, from, until time.Duration, names ...string) *tls.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<40))
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: serial, DNSNames: names, NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// A certificate that follows is named before it is shown, and the one before it for a while after.
func TestSuccession(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	until := func(end time.Time) *tls.Certificate {
		return &tls.Certificate{Leaf: &x509.Certificate{NotAfter: end}}
	}
	first, second := until(at.Add(24*time.Hour)), until(at.Add(48*time.Hour))
	var s succession
	if s.shown(at) != nil || len(s.named(at)) != 0 {
		t.Error("nothing is there, and something is shown")
	}
	s.put(first, at)
	s.put(second, at)
	s.put(second, at)
	for _, c := range []struct {
		after time.Duration
		shown *tls.Certificate
		named int
	}{{0, first, 2}, {around - 1, first, 2}, {around, second, 2}, {2*around - 1, second, 2}, {2 * around, second, 1}} {
		if got := s.shown(at.Add(c.after)); got != c.shown || len(s.named(at.Add(c.after))) != c.named {
			t.Errorf("after %v: %d are named", c.after, len(s.named(at.Add(c.after))))
		}
	}
}

// A certificate that is over, or soon is, does not keep the one that follows waiting.
func TestSuccessionOfOneThatIsOver(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, left := range []time.Duration{-time.Hour, 0, around / 2} {
		old, next := &tls.Certificate{Leaf: &x509.Certificate{NotAfter: at.Add(left)}}, &tls.Certificate{Leaf: &x509.Certificate{NotAfter: at.Add(time.Hour)}}
		var s succession
		s.put(old, at)
		s.put(next, at)
		if now := max(left, 0); s.shown(at.Add(now)) != next || (now > 0 && s.shown(at.Add(now-1)) != old) {
			t.Errorf("%v before the end: the next is not shown at the end", left)
		}
	}
}

// What was got is there after a restart; a wildcard that was renewed becomes the expired one.
func TestCertificatesAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mxseal.db")
	a := authority(t, file, "https://acme.example/directory")
	if a.Mail() != nil || a.Expired() != nil || a.Policy(hosts[0]) != nil {
		t.Error("certificates are there before any was got")
	}
	old := issued(t, a.keys[ofMail], -2*time.Hour, -time.Hour, "*."+zoneName)
	now := issued(t, a.keys[ofMail], -time.Hour, time.Hour, "*."+zoneName)
	a.follow(nil, old, time.Now().Add(-90*time.Minute))
	a.follow(old, now, time.Now().Add(-90*time.Minute))
	if err := a.keep(t.Context(), []*tls.Certificate{issued(t, a.keys[ofPolicy], -time.Hour, time.Hour, hosts...)}); err != nil {
		t.Fatal(err)
	}
	for _, one := range []*FromAuthority{a, authority(t, file, "https://acme.example/directory")} {
		if c := one.Mail(); c == nil || !bytes.Equal(c.Certificate[0], now.Certificate[0]) {
			t.Errorf("mail servers show %v", c)
		}
		if c := one.Expired(); c == nil || !bytes.Equal(c.Certificate[0], old.Certificate[0]) {
			t.Errorf("expired is %v", c)
		}
		if one.Policy(hosts[2]) == nil || one.Policy("mta-sts.sts-p3."+zoneName) != nil {
			t.Error("the policy hosts have a certificate, and no others")
		}
		if len(one.Named()) != 1 || !one.keys[ofMail].Equal(a.keys[ofMail]) {
			t.Error("the key is another one")
		}
	}
}

// After a failure the authority has its peace for a while, and the operator sees why.
func TestAuthorityInTrouble(t *testing.T) {
	var asked atomic.Int32
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer down.Close()
	a := authority(t, filepath.Join(t.TempDir(), "mxseal.db"), down.URL)
	first := a.Renew(t.Context())
	times := asked.Load()
	again := a.Renew(t.Context())
	if first == nil || again == nil || !strings.Contains(again.Error(), down.URL) || !strings.Contains(again.Error(), "the next order is at") || asked.Load() != times {
		t.Errorf("%v; %v; asked %d times, then %d", first, again, times, asked.Load())
	}
	var r rest
	at := time.Now()
	for _, length := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		r.begin(at, first)
		if r.length != length {
			t.Errorf("it rests %v, not %v", r.length, length)
		}
	}
	if r.begin(at, nil); r.over(at) != nil {
		t.Error("what has worked is followed by a rest")
	}
}

// Several values may be looked for at one name.
func TestChallenges(t *testing.T) {
	a := authority(t, filepath.Join(t.TempDir(), "mxseal.db"), "https://acme.example/directory")
	one := acme.Challenge{Identifier: acme.Identifier{Type: "dns", Value: zoneName}, KeyAuthorization: "one"}
	two := one
	two.KeyAuthorization = "two"
	s := solver{a}
	for _, c := range []acme.Challenge{one, two} {
		if err := s.Present(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.Challenge("_acme-challenge." + zoneName); len(got) != 2 {
		t.Errorf("%q", got)
	}
	for n, c := range []acme.Challenge{one, two} {
		if err := s.CleanUp(t.Context(), c); err != nil || len(a.Challenge("_acme-challenge."+zoneName)) != 1-n {
			t.Errorf("%v, %q", err, a.Challenge("_acme-challenge."+zoneName))
		}
	}
}
