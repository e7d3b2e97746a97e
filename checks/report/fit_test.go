package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func noise(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + r.IntN(90))
	}
	return string(b)
}

// grown is a host that takes as much room as gathering lets it.
func grown(seed uint64, addresses int) *Host {
	r := rand.New(rand.NewPCG(seed, 1))
	trust := func() Trust {
		t := Trust{State: Bogus}
		for i := range 8 {
			l := Link{Zone: noise(r, 200), State: Secure, Reason: Cause(noise(r, 20))}
			if i == 3 {
				l.State, l.Zone = Bogus, "broken"
			}
			for range 8 {
				l.Keys, l.DS = append(l.Keys, Key{Tag: uint16(r.Uint32())}), append(l.DS, DS{Tag: uint16(r.Uint32())})
			}
			t.Chain = append(t.Chain, l)
			t.Steps = append(t.Steps, Alias{Name: noise(r, 250), Target: noise(r, 250)})
			t.Witnesses = append(t.Witnesses, Witness{Question: noise(r, 250), Name: noise(r, 250), Kind: "timeout"})
		}
		return t
	}
	leaf := func(i int) *Certificate {
		c := &Certificate{Subject: noise(r, 300), Issuer: noise(r, 300), SHA256: fmt.Sprintf("%064x", r.Uint64()), SPKISHA256: fmt.Sprintf("%064x", r.Uint64()), DER: []byte(noise(r, 3000)), PKIX: "untrusted", NotAfter: time.Now()}
		for range 100 {
			c.Names = append(c.Names, noise(r, 40))
		}
		for k := range 4 {
			c.Chain = append(c.Chain, &Certificate{Subject: noise(r, 300), SHA256: fmt.Sprintf("%064x", r.Uint64()), DER: []byte(noise(r, 2000)), OnPath: k < 2})
		}
		return c
	}
	dane := trust()
	h := &Host{Name: noise(r, 250), DNSSEC: trust(), Families: []Family{{Type: "A", DNSSEC: trust()}, {Type: "AAAA", DNSSEC: trust()}}, TLSA: TLSA{State: "untested", DNSSEC: &dane}}
	for range 300 {
		h.TLSA.Records = append(h.TLSA.Records, TLSARecord{Usage: 3, Selector: 1, Matching: 1, Data: fmt.Sprintf("%064x", r.Uint64())})
	}
	for range 8 {
		h.CAA = append(h.CAA, noise(r, 250))
	}
	for i := range addresses {
		s := &SMTP{Banner: noise(r, 512), Reply: noise(r, 512), MailReply: noise(r, 512), STARTTLS: "ok", EHLO: []string{"STARTTLS"}}
		for range 30 {
			s.EHLO, s.EHLOTLS = append(s.EHLO, noise(r, 60)), append(s.EHLOTLS, noise(r, 60))
			s.Transcript = append(s.Transcript, Line{From: "S", Text: noise(r, 500)})
		}
		a := &Address{IP: fmt.Sprint("192.0.2.", i), Reachable: true, SMTP: s, TLS: new(TLS), AsBase: &Shown{Certificates: []*Certificate{leaf(i)}, Reply: noise(r, 512)}}
		for k := range 120 {
			a.TLS.Probes = append(a.TLS.Probes, Probe{Name: noise(r, 20), Text: noise(r, 256), Offered: noise(r, 200)})
			a.TLS.Ciphers = append(a.TLS.Ciphers, Suite{Version: "TLS1.2", Name: noise(r, 40), Class: Class(fmt.Sprint("class", k%5)), Chosen: k == 7})
		}
		for range 4 {
			a.Certificates = append(a.Certificates, leaf(i))
		}
		h.Addresses = append(h.Addresses, a)
	}
	return h
}

// Whatever a host sends, it fits into its share; what is cut is untested; and evidence that other
// reports have too stays as it was.
func TestFit(t *testing.T) {
	for _, hosts := range []int{1, 3, 10} {
		for _, addresses := range []int{1, 4} {
			h := grown(7, addresses)
			shared := *h.Addresses[0]
			before, _ := json.Marshal(shared)
			again := *h
			h.Fit(hosts)
			again.Fit(hosts)
			if !reflect.DeepEqual(h, &again) {
				t.Error("the same host is cut in two ways")
			}
			if after, _ := json.Marshal(shared); string(after) != string(before) {
				t.Error("evidence of others was changed")
			}
			if text, fits := h.fits(HostsRoom/hosts, HostsStore/hosts); !fits {
				t.Errorf("%d hosts, %d addresses: %d octets of JSON after everything was cut: %v", hosts, addresses, len(text), h.Cut)
			}
			if i := slices.IndexFunc(h.DNSSEC.Chain, func(l Link) bool { return l.State == Bogus }); i < 0 || h.DNSSEC.Chain[i].Zone != "broken" || len(h.DNSSEC.Chain)+h.DNSSEC.Omitted != 8 {
				t.Errorf("the link that is broken is gone: %d links, %d left out", len(h.DNSSEC.Chain), h.DNSSEC.Omitted)
			}
			if n := len(h.TLSA.Records) + h.TLSA.Omitted; n != 300 {
				t.Errorf("%d TLSA records are kept or counted, want 300", n)
			}
			for _, a := range h.Addresses {
				if len(a.Certificates) != 4 || !slices.Contains(a.SMTP.EHLO, "STARTTLS") {
					t.Errorf("%d chains, keywords %q", len(a.Certificates), a.SMTP.EHLO)
				}
				for i, c := range a.Certificates {
					switch {
					case c.Kept() && (c.DER == nil || c.PKIX != "untrusted"), !c.Kept() && (c.DER != nil || c.PKIX != "untested" || c.Octets != 3000 || len(c.SHA256) != 64 || c.NotAfter.IsZero()):
						t.Errorf("%+v", c)
					case c.Kept() && i > 0 && !a.Certificates[0].Kept():
						t.Error("a further certificate is kept, and the first is not")
					}
				}
				if !slices.ContainsFunc(a.TLS.Ciphers, func(s Suite) bool { return s.Chosen }) {
					t.Error("the suite that was chosen is gone")
				}
			}
		}
	}
}

// An honest host is left as it is, also one of ten with four addresses that share a certificate.
func TestFitLeavesHonestHostsAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	leaf := &Certificate{Subject: "CN=*.example.org", SHA256: strings.Repeat("a", 64), DER: []byte(noise(r, 1800)), PKIX: "ok", OnPath: true,
		Chain: []*Certificate{{Subject: "CN=R11,O=Let's Encrypt,C=US", SHA256: strings.Repeat("b", 64), DER: []byte(noise(r, 1300)), OnPath: true}}}
	other := &Certificate{Subject: "CN=*.example.org", SHA256: strings.Repeat("c", 64), DER: []byte(noise(r, 1200)), PKIX: "ok", OnPath: true,
		Chain: []*Certificate{{Subject: "CN=E6,O=Let's Encrypt,C=US", SHA256: strings.Repeat("d", 64), DER: []byte(noise(r, 1100)), OnPath: true}}}
	h := &Host{Name: "mx.example.org", TLSA: TLSA{State: "untested", Records: []TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: strings.Repeat("e", 64)}}}}
	for i := range 4 {
		s := &SMTP{Banner: "220 mx.example.org ESMTP Postfix", EHLO: []string{"PIPELINING", "SIZE 102400000", "STARTTLS", "8BITMIME"}, STARTTLS: "ok"}
		for k := range 40 {
			s.Transcript = append(s.Transcript, Line{From: "S", Text: fmt.Sprint("250-mx.example.org SIZE 102400000 ", k), MS: int64(13*k + i)})
		}
		h.Addresses = append(h.Addresses, &Address{IP: fmt.Sprint("192.0.2.", i), SMTP: s, Certificates: []*Certificate{leaf, other}})
	}
	addresses := h.Addresses
	h.Fit(10)
	if h.Cut != nil || &h.Addresses[0] != &addresses[0] {
		t.Errorf("cut: %v", h.Cut)
	}
}

// The findings of a report fit too, and each rule keeps its sentences once.
func TestAbridge(t *testing.T) {
	r := &Report{Conclusions: Conclusions{Grade: &Grade{First: []First{{Rule: "B", Rules: []string{"B"}}}}}}
	for i := range 400 {
		for _, rule := range []string{"A", "B", "C"} {
			f := Finding{Rule: rule, Host: fmt.Sprint("mx", i), Title: "title", Text: strings.Repeat("t<", 200), FixText: strings.Repeat("r", 100),
				Detail: []string{strings.Repeat("<", 200)}, Steps: []Step{{Code: strings.Repeat("c", 3000)}}}
			r.Findings = append(r.Findings, f)
		}
	}
	r.Abridge()
	text, err := json.Marshal(r.Findings)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > FindingsRoom+FindingsRoom/20 || len(r.Findings) != 1200 {
		t.Errorf("%d findings in %d octets, want 1200 in about %d", len(r.Findings), len(text), FindingsRoom)
	}
	said := make(map[string]int)
	for _, f := range r.Findings {
		if f.Title == "" || f.Host == "" {
			t.Fatalf("%+v", f)
		}
		if f.Text != "" {
			said[f.Rule]++
		}
	}
	for i, f := range r.Findings[:3] {
		if f.Text == "" || f.Steps == nil || f.Detail == nil {
			t.Errorf("the first finding of a rule has lost its words: %d %s", i, f.Rule)
		}
	}
	small := &Report{Conclusions: Conclusions{Findings: []Finding{{Rule: "A", Text: "text", Steps: []Step{{Code: "code"}}, Detail: []string{"line"}}}}}
	small.Abridge()
	if f := small.Findings[0]; f.Text == "" || f.Steps == nil || f.Detail == nil {
		t.Errorf("an ordinary report has lost something: %+v", f)
	}
}

// A finding is never longer than it is taken to be, and its parts together are about as long as it is.
func TestTheLengthOfAFinding(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	texts := []func() string{
		func() string { return strings.Repeat("\x01", 1+r.IntN(300)) }, // six octets each
		func() string { return strings.Repeat("<", 1+r.IntN(300)) },
		func() string { return noise(r, 1+r.IntN(300)) },
		func() string { return strings.Repeat("é", 1+r.IntN(100)) },
		func() string { return "a" }, // hardly more than what stands around it
	}
	for i := range 500 {
		text := texts[i%len(texts)]
		f := Finding{Rule: "DAN-100", Check: "certificate", Verdict: Untested, Host: text(), Address: text(), Params: make(map[string]string),
			Title: text(), Text: text(), FixText: text(), Reference: text()}
		for k := range r.IntN(20) {
			f.Params[fmt.Sprint("param", k)] = text()
			f.Detail = append(f.Detail, text())
			f.Effects, f.Fixed = append(f.Effects, Effect(text())), append(f.Fixed, Effect(text()))
			f.Steps = append(f.Steps, Step{Registrar, StepMessage, Replace, text(), text(), text(), text(), text()})
		}
		whole, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		n := len(whole) + len(",")
		if f.length() < n {
			t.Errorf("%d octets at most, and it takes %d: %s", f.length(), n, whole)
		}
		if parts := f.bare() + f.sentences() + f.steps(); parts < n || parts > n+n/4+100 {
			t.Errorf("%d octets in parts, and it takes %d", parts, n)
		}
	}
}

// What is in the future has no age.
func TestWithin(t *testing.T) {
	now := time.Now()
	for at, want := range map[time.Time]bool{now: true, now.Add(-time.Hour): true, now.Add(-time.Hour - 1): false, now.Add(1): false, now.AddDate(1, 0, 0): false} {
		if Within(time.Hour, at, now) != want {
			t.Errorf("%v: %v", at.Sub(now), !want)
		}
	}
	p := &Past{CheckedAt: now.AddDate(1, 0, 0)}
	if p.Recalls(p.CheckedAt, now) || p.Recalls(now.Add(time.Minute), now) || !p.Recalls(now, now) {
		t.Error("what is said of the future is held against the present")
	}
}
