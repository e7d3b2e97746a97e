package differential

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// attack is an answer put together from genuine signed records, or signed by somebody who
// has the key of another zone, to make a validator believe what is not so. Each was once
// believed by a validator in use.
type attack struct {
	question
	why string
	lie func(*dns.Msg)
}

func on(name, typ, why string, lie func(*dns.Msg)) attack {
	return attack{question{name, dns.StringToType[typ]}, why, lie}
}

var attacks = []attack{
	on("mx.signed.nsec.test.", "A", "NXDOMAIN below a cut, by the parent's NSEC at the cut (RFC 6840 §4.1)", steal("signed0.nsec.test.", "A", dns.RcodeNameError)),
	on("signed.nsec.test.", "MX", "NODATA at a cut, by the parent's NSEC", steal("signed0.nsec.test.", "A", dns.RcodeSuccess)),
	on("mx.signed.nsec3.test.", "A", "NXDOMAIN below a cut, by the parent's NSEC3", steal("no.nsec3.test.", "A", dns.RcodeNameError)),
	on("signed.nsec.test.", "DS", "no DS, by the child's NSEC at its apex", steal("signed.nsec.test.", "TLSA", dns.RcodeSuccess)),
	on("signed.nsec3.test.", "DS", "no DS, by the NSEC3 of the unsigned delegation beside", steal("unsigned.nsec3.test.", "DS", dns.RcodeSuccess)),
	on("signed.optout.test.", "DS", "no DS, by an opt-out span elsewhere", steal("unsigned.optout.test.", "DS", dns.RcodeSuccess)),
	on("mx.optout.test.", "A", "an existing name denied by an opt-out span", steal("no.optout.test.", "A", dns.RcodeNameError)),
	on("mx.optout.test.", "TLSA", "NODATA by an opt-out span", steal("no.optout.test.", "TLSA", dns.RcodeSuccess)),
	on("here.wild.nsec.test.", "A", "the wildcard's record under a name that exists", expand("x.wild.nsec.test.")),
	on("x.here.wild.nsec.test.", "A", "the wildcard's record where a closer name exists", func(m *dns.Msg) {
		proof := m.Ns
		expand("x.wild.nsec.test.")(m)
		m.Ns = proof
	}),
	on("x.here.wild.nsec3.test.", "A", "the same with NSEC3", func(m *dns.Msg) {
		proof := m.Ns
		expand("x.wild.nsec3.test.")(m)
		m.Ns = proof
	}),
	on("y.wild.nsec.test.", "A", "a wildcard's record without proof", unproved),
	on("y.wild.nsec.test.", "MX", "NXDOMAIN although a wildcard is there", func(m *dns.Msg) {
		m.Rcode = dns.RcodeNameError
		m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return strings.HasPrefix(rr.Header().Name, "*.") })
	}),
	on("no.nsec.test.", "A", "the denial of another zone", steal("no.split.test.", "A", dns.RcodeNameError)),
	on("here.wild.nsec.test.", "MX", "NODATA, by the wildcard's NSEC under a name that exists", func(m *dns.Msg) {
		steal("x.wild.nsec.test.", "MX", dns.RcodeSuccess)(m)
		m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Name == "here.wild.nsec.test." })
		for _, rr := range m.Ns {
			if rr.Header().Name == "*.wild.nsec.test." {
				rr.Header().Name = "here.wild.nsec.test."
			}
		}
	}),
	on("mx.nsec.test.", "A", "the addresses of another name", expand("here.wild.nsec.test.")),
	on("mx.nsec.test.", "AAAA", "the signature over another type", func(m *dns.Msg) {
		m.Answer = slices.DeleteFunc(m.Answer, isRRSIG)
		for _, rr := range authority("mx.nsec.test.", dns.TypeA).Answer {
			if sig, ok := rr.(*dns.RRSIG); ok {
				sig.TypeCovered = dns.TypeAAAA
				m.Answer = append(m.Answer, sig)
			}
		}
	}),
	on("nono.nsec3.test.", "A", "NSEC3 of an unknown hash, signed by the zone (RFC 5155 §8.1)", resign("nsec3.test.", func(n *dns.NSEC3) { n.Hash = 2 })),
	on("nonono.nsec3.test.", "A", "NSEC3 of unknown flags, signed by the zone (RFC 5155 §8.2)", resign("nsec3.test.", func(n *dns.NSEC3) { n.Flags = 2 })),
	on("mx.wrongnsec.test.", "A", "a zone signs for a name that only ends in the same letters", forge("nsec.test.", "mx.wrongnsec.test. 300 IN A 203.0.113.1")),
	on("mx.split.test.", "A", "a zone signs for the one beside", forge("nsec.test.", "mx.split.test. 300 IN A 203.0.113.1")),
	on("ed25519.test.", "DNSKEY", "a key of the attacker's own in the set",
		add("ed25519.test. 300 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==")),
	on("ed448.test.", "DS", "a DS of the attacker's own in the set",
		add("ed448.test. 300 IN DS 60485 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A")),
	on("unsigned.nsec.test.", "DS", "a delegation without DS and without proof", unproved),
	on("mx.double.test.", "A", "good signatures behind so many bad ones that nobody looks for them (CVE-2023-50387)", func(m *dns.Msg) {
		var flood []dns.RR
		for _, rr := range m.Answer {
			for i := range 40 {
				if sig, ok := dns.Copy(rr).(*dns.RRSIG); ok {
					sig.OrigTtl += uint32(i + 1)
					flood = append(flood, sig)
				}
			}
		}
		m.Answer = append(flood, m.Answer...)
	}),
}

// Nobody believes any of these.
func TestAttacks(t *testing.T) {
	i := liars - 1
	for _, a := range attacks {
		t.Run(a.why, func(t *testing.T) {
			l := &liar{address: fmt.Sprintf("%s:%d", the.at(liarAt+i), port), lie: func(q dns.Question, m *dns.Msg) string {
				if (question{strings.ToLower(q.Name), q.Qtype}) != a.question {
					return ""
				}
				a.lie(m)
				return a.why
			}}
			l.listen(t)
			said, err := ask(victimAt+i, a.question)
			if err != nil {
				t.Fatal(err)
			}
			got := ours(resolver(t, liarAt+i, true), a.question)
			if got.state != bogus || said.state != bogus {
				t.Errorf("%v: mxseal %v, Unbound %v, want bogus", a.question, got, said)
			}
		})
	}
}

// steal puts the denial of another question in place of the answer.
func steal(name, typ string, rcode int) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.Answer, m.Ns, m.Rcode = nil, authority(name, dns.StringToType[typ]).Ns, rcode
	}
}

// expand puts another name's answer, with its proof, under the name asked for.
func expand(name string) func(*dns.Msg) {
	return func(m *dns.Msg) {
		other := authority(name, m.Question[0].Qtype)
		for _, rr := range other.Answer {
			rr.Header().Name = m.Question[0].Name
		}
		m.Answer, m.Ns, m.Rcode = other.Answer, other.Ns, dns.RcodeSuccess
	}
}

// unproved takes the proof away.
func unproved(m *dns.Msg) { m.Ns = nil }

// add puts a record into the answer.
func add(text string) func(*dns.Msg) {
	return func(m *dns.Msg) { m.Answer = append(m.Answer, parse(text)) }
}

func parse(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err) // a slip in the table above
	}
	return rr
}

// forge answers with a record that another zone signed.
func forge(zone, text string) func(*dns.Msg) {
	return func(m *dns.Msg) {
		rr := parse(text)
		m.Answer, m.Ns, m.Rcode = []dns.RR{rr, signed(zone, rr)}, nil, dns.RcodeSuccess
	}
}

// resign changes the records of a denial; the zone itself signs them anew.
func resign(zone string, change func(*dns.NSEC3)) func(*dns.Msg) {
	return func(m *dns.Msg) {
		var out []dns.RR
		for _, rr := range m.Ns {
			if n, ok := rr.(*dns.NSEC3); ok {
				change(n)
			}
			if !isRRSIG(rr) {
				out = append(out, rr, signed(zone, rr))
			}
		}
		m.Ns = out
	}
}

// signed returns the signature of a zone over a record; without its key, one that is none.
func signed(zone string, rr dns.RR) *dns.RRSIG {
	sig := &dns.RRSIG{Hdr: dns.RR_Header{Ttl: 300}, SignerName: zone, Inception: moment(now.from), Expiration: moment(now.to)}
	key, private, err := zoneOf(zone).pair(filepath.Join(the.Dir, "zones"), 0)
	if err == nil {
		sig.KeyTag, sig.Algorithm = key.KeyTag(), key.Algorithm
		err = sig.Sign(private, []dns.RR{rr})
	}
	if err != nil {
		panic(err) // the zone was signed with this very key
	}
	return sig
}
