package resolve

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// FuzzMessage turns any bytes a resolver may send into a state. Nothing panics, the work is
// bounded, and nothing comes out secure that the zone did not sign.
func FuzzMessage(f *testing.F) {
	t := new(testing.T)
	w := newWorld(t)
	w.now = time.Now()
	for name, nsec3 := range map[string]*dns.NSEC3{"nsec.test.": nil, "nsec3.test.": {Flags: 1}} {
		z := w.add(&signedZone{name: name, nsec3: nsec3}, "@ MX 10 mx\nmx A 192.0.2.1\n*.wild A 192.0.2.2\nalias CNAME mx\nd DNAME test.")
		for _, q := range []struct {
			name string
			typ  uint16
		}{{name, dns.TypeMX}, {"no." + name, dns.TypeMX}, {"x.wild." + name, dns.TypeA}, {"alias." + name, dns.TypeA}, {"x.d." + name, dns.TypeA}} {
			m := new(dns.Msg)
			m.SetQuestion(q.name, q.typ)
			wire, err := w.reply(m).Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(wire, q.name, q.typ)
		}
		_ = z
	}
	r := New(w.config())
	zones := make(map[string]*zone)
	for _, name := range []string{".", "test.", "nsec.test.", "nsec3.test."} {
		zones[name] = r.enclosing(f.Context(), name)
	}
	f.Fuzz(func(t *testing.T, wire []byte, name string, typ uint16) {
		msg := new(dns.Msg)
		if msg.Unpack(wire) != nil {
			return
		}
		owner, err := normal(name)
		if err != nil || meta(typ) {
			return
		}
		q := question{owner, typ}
		rep := newReply(msg, len(wire), resolverAddr, q)
		if rep.failure != nil {
			return
		}
		for _, z := range zones {
			tr := r.trial()
			s := &step{reply: rep, set: rep.find(owner, typ)}
			switch {
			case s.set != nil:
				s.fault = z.answers(s, owner, tr)
			default:
				if fault, alias := z.aliased(rep, owner, tr); alias {
					s.fault = fault
				} else {
					_, _, s.fault = z.deny(rep, q, rep.rcode, tr)
				}
			}
			if tr.verifications > maxPerMessage || len(tr.hashes) > maxHashes {
				t.Errorf("%d verifications, %d hashes", tr.verifications, len(tr.hashes))
			}
			if s.fault.trust() == report.Secure && !dns.IsSubDomain(z.name, owner) {
				t.Errorf("%v is secure by zone %s", q, z.name)
			}
			if s.fault != nil && (!s.fault.says.Made() || s.fault.code == "") {
				t.Errorf("a fault without a reason: %+v", s.fault)
			}
		}
	})
}

func FuzzReadReply(f *testing.F) {
	query := question{"secure.test.", dns.TypeMX}.message(true)
	m := new(dns.Msg)
	m.SetReply(query)
	wire, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, wire []byte) {
		msg, err := readReply(wire, query)
		if err == nil && msg.Id != query.Id {
			t.Error("a reply with another id")
		}
	})
}
