package resolve

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks/internal/share"
)

// validated makes of a reply what a validating resolver would: AD set where the answer is
// secure, SERVFAIL where it is bogus.
func (w *world) validated(query, m *dns.Msg) *dns.Msg {
	z := w.zoneFor(dns.CanonicalName(query.Question[0].Name))
	switch {
	case z.to < 0:
		m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil
	case !z.unsigned:
		m.AuthenticatedData = true
	}
	if w.opinion != nil {
		w.opinion(query.Question[0], m)
	}
	return m
}

func TestSecondOpinion(t *testing.T) {
	for _, c := range []struct {
		why       string
		validates bool
		change    func(m *dns.Msg) // of what the upstream says of MX secure.test without CD
		want      string
	}{
		{"of one mind", true, nil, ""},
		{"an upstream that does not validate has no opinion", false, nil, ""},
		{"AD missing", true, func(m *dns.Msg) { m.AuthenticatedData = false }, "MX of secure.test: secure here, insecure there"},
		{"refused as bogus", true, func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }, "MX of secure.test: secure here, servfail there"},
		{"another error is no opinion", true, func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := secureWorld(t)
			w.add(&signedZone{name: "plain.test.", unsigned: true}, "@ MX 10 mx")
			w.add(&signedZone{name: "expired.test.", from: -9 * day, to: -day}, "@ MX 10 mx")
			w.add(&signedZone{name: "old.test.", keys: []signKey{key(t, "old.test.", dns.RSASHA1, 1024, 0)}}, "@ MX 10 mx")
			r := New(w.config()).Fresh(new(share.Scan))
			var answers []*Answer
			for _, name := range []string{"secure.test", "plain.test", "expired.test", "old.test", "no.secure.test", "bad..name"} {
				answers = append(answers, r.Lookup(t.Context(), name, dns.TypeMX))
			}
			synctest.Wait() // for what was fetched ahead
			w.validates = c.validates
			if c.change != nil {
				w.opinion = func(q dns.Question, m *dns.Msg) {
					if q.Name == "secure.test." && q.Qtype == dns.TypeMX {
						c.change(m)
					}
				}
			}
			asked := len(w.asked)
			var got []string
			for _, d := range r.SecondOpinion(t.Context(), answers...) {
				got = append(got, d.String())
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("%s: %q, want %q", c.why, s, c.want)
			}
			slices.Sort(w.asked[asked:])
			if got := strings.Join(w.asked[asked:], ", "); got != "udp MX expired.test., udp MX no.secure.test., udp MX plain.test., udp MX secure.test., udp SOA ." {
				t.Errorf("%s: asked %s; want one question for each answer that can be compared", c.why, got)
			}
			if n := r.Disagreements(); n != len(got) {
				t.Errorf("%s: counted %d", c.why, n)
			}
		})
	}
}
