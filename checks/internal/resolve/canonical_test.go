package resolve

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// The example of RFC 4034 §6.1, in its order.
var ordered = []string{
	"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
	"z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`,
}

func TestCanonicalOrder(t *testing.T) {
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareNames(a, b); got != cmpInt(i, j) {
				t.Errorf("%s against %s: %d, want %d", a, b, got, cmpInt(i, j))
			}
		}
	}
	for _, c := range []struct{ a, b, why string }{
		{"*.test.", "a.test.", "the asterisk is an octet like others"},
		{"a.test.", "a-b.test.", "a label before those it begins"},
		{"z.a.test.", "b.test.", "the label nearest the root decides"},
		{".", "test.", "the root before all"},
		{`\255.test.`, `a.\255.test.`, "octets above 127 are octets, not characters"},
	} {
		if compareNames(c.a, c.b) >= 0 || compareNames(c.b, c.a) <= 0 {
			t.Errorf("%s is not before %s: %s", c.a, c.b, c.why)
		}
	}
	if compareNames("A.TEST.", "a.test.") != 0 || compareNames(`\065.test.`, "a.test.") != 0 {
		t.Error("case counts, or the escape of a capital letter hides it")
	}
}

func cmpInt(i, j int) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

func TestNames(t *testing.T) {
	if got := suffix("a.b.c.", 2); got != "b.c." {
		t.Errorf("suffix: %s", got)
	}
	if got := suffix("a.b.c.", 0); got != "." {
		t.Errorf("suffix: %s", got)
	}
	if got := ancestry("a.b.c."); !slices.Equal(got, []string{".", "c.", "b.c.", "a.b.c."}) {
		t.Errorf("ancestry: %v", got)
	}
	if got := ancestry(`a\.b.c.`); !slices.Equal(got, []string{".", "c.", `a\.b.c.`}) {
		t.Errorf("ancestry: %v", got)
	}
	if got := wildcard("."); got != "*." {
		t.Errorf("wildcard: %s", got)
	}
	if got := ownerLabels("*.test."); got != 1 {
		t.Errorf("ownerLabels: %d", got)
	}
	if got := ownerLabels("*x.test."); got != 2 {
		t.Errorf("ownerLabels: %d, though *x is no asterisk label", got)
	}
}

// The files under testdata were signed by BIND's dnssec-signzone: every signature in them
// is one by another hand, over records in mixed case, wildcards and types with and without
// names inside.
func TestSignaturesOfAnotherSigner(t *testing.T) {
	files, err := filepath.Glob("testdata/*.zone")
	if err != nil || len(files) != len(algorithms) {
		t.Fatalf("%d files for %d algorithms, %v", len(files), len(algorithms), err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var all []dns.RR
		zp := dns.NewZoneParser(f, "", file)
		for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
			all = append(all, rr)
		}
		if zp.Err() != nil {
			t.Fatal(zp.Err())
		}
		sets := rrsets(all)
		z := &zone{name: strings.TrimSuffix(filepath.Base(file), ".zone") + ".example."}
		for _, s := range sets {
			for _, rr := range s.rrs {
				if k, ok := rr.(*dns.DNSKEY); ok {
					z.keys = append(z.keys, k)
				}
			}
		}
		now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		for _, s := range sets {
			if _, _, f := z.authenticate(s, &trial{now: now, sha1: true}); f != nil {
				t.Errorf("%s: %v: %s", file, s, view.Say(f.says))
			}
		}
		if len(sets) < 20 || len(z.keys) != 1 {
			t.Errorf("%s: only %d sets and %d keys", file, len(sets), len(z.keys))
		}
		damaged := *sets[0]
		damaged.rrs = []dns.RR{dns.Copy(damaged.rrs[0])}
		damaged.rrs[0].(*dns.SOA).Serial++
		if _, _, f := z.authenticate(&damaged, &trial{now: now, sha1: true}); f == nil || f.code != report.CauseSignatureInvalid {
			t.Errorf("%s: a changed serial number goes unnoticed: %v", file, f)
		}
	}
}
