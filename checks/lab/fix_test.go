package lab

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestMendingRecords(t *testing.T) {
	const before = "@ MX 10 mx\n@ MX 20 old\nmx A 127.77.1.1\n_25._tcp.mx CNAME elsewhere\n_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"\n"
	for _, c := range []struct {
		why  string
		fix  Fix
		name string
		kind uint16
		want []string
	}{
		{"added beside what is there", Fix{Add: "mx.a.test. IN A 127.77.1.2"}, "mx.a.test.", dns.TypeA, []string{"127.77.1.1", "127.77.1.2"}},
		{"what is there already is there once", Fix{Add: "mx.a.test. IN A 127.77.1.1"}, "mx.a.test.", dns.TypeA, []string{"127.77.1.1"}},
		{"one of two deleted", Fix{Delete: "a.test. IN MX 20 old.a.test."}, "a.test.", dns.TypeMX, []string{"10 mx.a.test."}},
		{"the last deleted", Fix{Delete: "mx.a.test. IN A 127.77.1.1"}, "mx.a.test.", dns.TypeA, nil},
		{"what is not there is not missed", Fix{Delete: "no.a.test. IN A 127.77.1.1"}, "mx.a.test.", dns.TypeA, []string{"127.77.1.1"}},
		{"in place of all", Fix{Replace: "_mta-sts.a.test. IN TXT \"v=STSv1; id=3\""}, "_mta-sts.a.test.", dns.TypeTXT, []string{`"v=STSv1; id=3"`}},
		{"several in place of all", Fix{Replace: "@ MX 1 x\n@ MX 2 y"}, "a.test.", dns.TypeMX, []string{"1 x.a.test.", "2 y.a.test."}},
		{"in place of an alias", Fix{Replace: "_25._tcp.mx.a.test. IN TLSA 3 1 1 00"}, "_25._tcp.mx.a.test.", dns.TypeCNAME, nil},
	} {
		m, err := newMint(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		z := newZone("a.test.", signing{}, m.now)
		if err := z.parse(before, "a.test."); err != nil {
			t.Fatal(err)
		}
		if err := z.edit(c.fix); err != nil {
			t.Errorf("%s: %v", c.why, err)
		}
		var got []string
		if set := z.owners[c.name][c.kind]; set != nil {
			for _, rr := range set.rrs {
				got = append(got, strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
		if err := z.seal(); err != nil {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}

func TestMendingWhatIsNotThere(t *testing.T) {
	for why, m := range map[string]Fix{
		"a record of another domain": {Add: "mx.b.test. IN A 127.77.1.1"},
		"no record at all":           {Add: "publish your key"},
	} {
		if _, err := New(Options{Fixes: map[string][]Fix{"perfect.test": {m}}}); err == nil {
			t.Errorf("%s is put into the zone", why)
		}
	}
}

func TestMendingAServer(t *testing.T) {
	w := world{name: "a.test", zone: unsigned, broken: "_25._tcp.mx", records: one,
		hosts: []host{{name: "mx", serves: outOfDate, mail: mail{starttls: "454 no", inTLS: []string{"REQUIRETLS"}, tls: func(*tls.Config) {}}}, {name: "mx2", serves: outOfDate, mail: mail{starttls: "454 no"}}}}
	got := w.fixed([]Fix{{Sign: true, Answer: true}, {Speak: []string{"mx.a.test"}, Certify: []string{"mx.a.test"}}, {SelfMade: []string{"mx2.a.test"}, Policy: enforce("mx.a.test")}})
	mx, mx2 := got.hosts[0], got.hosts[1]
	switch {
	case got.zone != (signing{}) || got.broken != "":
		t.Error("the zone is not signed, or does not answer")
	case mx.starttls != "" || mx.tls != nil || len(mx.inTLS) != 1 || mx.serves != nil:
		t.Errorf("mx is %+v", mx)
	case mx2.starttls == "" || mx2.serves[0].issuer != itself:
		t.Errorf("mx2 is %+v, want a self-made certificate and the fault that it had", mx2)
	case got.policy == nil || !strings.Contains(got.records, "mta-sts A {mta-sts}"):
		t.Error("there is no policy host")
	case w.hosts[0].starttls == "" || w.policy != nil || w.records != one:
		t.Error("the world itself was changed")
	}
}
