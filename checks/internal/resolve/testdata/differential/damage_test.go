package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// sample is how many questions are asked of each liar.
const sample = 400

// damage is one way to falsify a message; false where it does not fit this one.
type damage struct {
	name string
	do   func(*rand.Rand, dns.Question, *dns.Msg) bool
}

var damages = []damage{
	{"a record is dropped", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, anything)
		if ok {
			*section = slices.Delete(*section, i, i+1)
		}
		return ok
	}},
	{"the signatures over a set are dropped", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, isRRSIG)
		if ok {
			of := (*section)[i].(*dns.RRSIG)
			*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
				sig, is := rr.(*dns.RRSIG)
				return is && sig.Hdr.Name == of.Hdr.Name && sig.TypeCovered == of.TypeCovered
			})
		}
		return ok
	}},
	{"a bit of a record is flipped", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, func(rr dns.RR) bool { return !isRRSIG(rr) })
		return ok && flip(r, *section, i)
	}},
	{"a bit of a signature record is flipped", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, isRRSIG)
		return ok && flip(r, *section, i)
	}},
	{"a field of a signature is changed", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, isRRSIG)
		if !ok {
			return false
		}
		sig := (*section)[i].(*dns.RRSIG)
		switch r.IntN(7) {
		case 0:
			sig.Labels++
		case 1:
			sig.Labels--
		case 2:
			sig.OrigTtl++
		case 3:
			sig.SignerName = parent(sig.SignerName)
		case 4:
			sig.KeyTag++
		case 5:
			sig.Algorithm = dns.RSASHA512
		case 6:
			sig.Expiration = sig.Inception + 86400
		}
		return true
	}},
	{"the rcode is the other", func(_ *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		m.Rcode ^= dns.RcodeNameError
		return true
	}},
	{"a record of absence is changed", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, isDenial)
		if !ok {
			return false
		}
		switch rr := (*section)[i].(type) {
		case *dns.NSEC:
			rr.TypeBitMap, rr.NextDomain = toggle(rr.TypeBitMap, q.Qtype), "zz."+rr.NextDomain
		case *dns.NSEC3:
			switch r.IntN(3) {
			case 0:
				rr.Flags ^= 1
			case 1:
				rr.Iterations += uint16(r.IntN(200))
			case 2:
				rr.TypeBitMap = toggle(rr.TypeBitMap, q.Qtype)
			}
		}
		return true
	}},
	{"a record of absence is moved to another name", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		section, i, ok := pick(r, m, isDenial)
		if ok {
			of := (*section)[i].Header()
			name, typ := of.Name, of.Rrtype
			for _, rr := range *section {
				if sig, is := rr.(*dns.RRSIG); rr.Header().Name == name && (rr.Header().Rrtype == typ || is && sig.TypeCovered == typ) {
					rr.Header().Name = q.Name
				}
			}
		}
		return ok
	}},
	{"the proof is that of another question", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		other := stranger(r, q)
		if other == nil || len(other.Ns) == 0 {
			return false
		}
		m.Ns = other.Ns
		return true
	}},
	{"the proof of another question is added", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		other := stranger(r, q)
		if other == nil || len(other.Ns) == 0 {
			return false
		}
		m.Ns = append(m.Ns, other.Ns...)
		return true
	}},
	{"the answer is denied, with the proof of another question", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		other := stranger(r, q)
		if other == nil || len(m.Answer) == 0 || len(other.Answer) > 0 {
			return false
		}
		m.Answer, m.Ns, m.Rcode = nil, other.Ns, other.Rcode
		return true
	}},
	{"the answer is that of another question, under the name asked for", func(r *rand.Rand, q dns.Question, m *dns.Msg) bool {
		other := stranger(r, q)
		if other == nil || len(other.Answer) == 0 {
			return false
		}
		for _, rr := range other.Answer {
			rr.Header().Name = q.Name
		}
		m.Answer, m.Rcode = other.Answer, other.Rcode
		if r.IntN(2) == 0 {
			m.Ns = other.Ns
		}
		return true
	}},
	{"nothing is left", func(_ *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		m.Answer, m.Ns = nil, nil
		return true
	}},
	{"a record is forged", func(_ *rand.Rand, q dns.Question, m *dns.Msg) bool {
		rr, err := dns.NewRR(q.Name + " 300 IN A 203.0.113.1")
		if err == nil {
			m.Answer = append(m.Answer, rr)
		}
		return err == nil
	}},
	{"an alias is forged", func(_ *rand.Rand, q dns.Question, m *dns.Msg) bool {
		rr, err := dns.NewRR(q.Name + " 300 IN CNAME mx.plain.test.")
		if err == nil {
			m.Answer = append([]dns.RR{rr}, m.Answer...)
		}
		return err == nil
	}},
	{"names are in capitals", func(_ *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		for _, rr := range slices.Concat(m.Answer, m.Ns) {
			rr.Header().Name = strings.ToUpper(rr.Header().Name)
		}
		return true
	}},
	{"records come in another order", func(r *rand.Rand, _ dns.Question, m *dns.Msg) bool {
		r.Shuffle(len(m.Answer), func(i, j int) { m.Answer[i], m.Answer[j] = m.Answer[j], m.Answer[i] })
		r.Shuffle(len(m.Ns), func(i, j int) { m.Ns[i], m.Ns[j] = m.Ns[j], m.Ns[i] })
		return true
	}},
}

func anything(dns.RR) bool   { return true }
func isRRSIG(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }
func isDenial(rr dns.RR) bool {
	return rr.Header().Rrtype == dns.TypeNSEC || rr.Header().Rrtype == dns.TypeNSEC3
}

// pick chooses one record of a kind from the answer or the authority section.
func pick(r *rand.Rand, m *dns.Msg, of kind) (section *[]dns.RR, i int, ok bool) {
	type place struct {
		section *[]dns.RR
		i       int
	}
	var places []place
	for _, s := range []*[]dns.RR{&m.Answer, &m.Ns} {
		for i, rr := range *s {
			if of(rr) {
				places = append(places, place{s, i})
			}
		}
	}
	if len(places) == 0 {
		return nil, 0, false
	}
	p := places[r.IntN(len(places))]
	return p.section, p.i, true
}

// flip changes one bit of the data of a record; false where the result can no longer be read.
func flip(r *rand.Rand, section []dns.RR, i int) bool {
	buf := make([]byte, 4096)
	end, err := dns.PackRR(section[i], buf, 0, nil, false)
	if err != nil {
		return false
	}
	length := int(dns.Copy(section[i]).Header().Rdlength)
	if length == 0 {
		length = end - len(section[i].Header().Name) - 11
	}
	if length <= 0 {
		return false
	}
	buf[end-1-r.IntN(length)] ^= 1 << r.IntN(8)
	rr, _, err := dns.UnpackRR(buf[:end], 0)
	if err == nil {
		section[i] = rr
	}
	return err == nil
}

func toggle(types []uint16, typ uint16) []uint16 {
	if i := slices.Index(types, typ); i >= 0 {
		return slices.Delete(slices.Clone(types), i, i+1)
	}
	types = append(slices.Clone(types), typ)
	slices.Sort(types)
	return types
}

// stranger is the genuine answer to another question: about a name beside, or about the
// same name as the zone above sees it.
func stranger(r *rand.Rand, q dns.Question) *dns.Msg {
	zone := zoneOf(strings.ToLower(q.Name))
	if r.IntN(4) == 0 && zone.Name != "." {
		return truth(zone.Name, dns.TypeDS)
	}
	rows := slices.Concat(asked, below)
	others := zone.questions(rows[r.IntN(len(rows))])
	other := others[r.IntN(len(others))]
	if r.IntN(2) == 0 {
		other.qtype = q.Qtype
	}
	return truth(other.name, other.qtype)
}

// lie damages every other answer, one in eight of those that chains hang on, and none at
// the root and the top-level domains: nothing below would be told from anything else.
func lie(seed int) func(dns.Question, *dns.Msg) string {
	return func(q dns.Question, m *dns.Msg) string {
		r := dice(seed, q)
		odds := 2
		if q.Qtype == dns.TypeDNSKEY || q.Qtype == dns.TypeDS && zoneOf(strings.ToLower(q.Name)).Name == strings.ToLower(q.Name) {
			odds = 8
		}
		if dns.CountLabel(q.Name) < 2 || r.IntN(odds) > 0 {
			return ""
		}
		for range 20 {
			if d := damages[r.IntN(len(damages))]; d.do(r, q, m) {
				return d.name
			}
		}
		return ""
	}
}

// sampled are questions about sound zones.
func sampled(seed int) (list []question) {
	for _, q := range questions() {
		if z := zoneOf(q.name); z.harm == nil && z.want == secure && !z.strict && z.Name != "." {
			list = append(list, q)
		}
	}
	rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:sample]
}

// Whatever is done to the answers on the way, what we call secure is the truth. And we call
// nothing secure that the oracle, given the same bytes, does not, but for the explained classes:
// told the truth in these places and the same lies in all others, the two agree again.
func TestDamagedAnswers(t *testing.T) {
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l, pairs := deceive(t, seed, seed, nil, sampled(seed))
			damaged, stricter := 0, 0
			states := make(map[report.State]int)
			explained := make(map[string]int)
			var again []question
			for _, p := range pairs {
				states[p.oracle.state]++
				lies := l.lies(p)
				if len(lies) > 0 {
					damaged++
				}
				if undamaged, err := ask(oracleOf(p.question), p.question); err != nil {
					t.Error(err)
				} else if p.ours.state == secure && !p.ours.same(undamaged) {
					t.Errorf("%v:\n\tmxseal %v\n\ttruth  %v\n\t%v", p.question, p.ours, undamaged, lies)
				}
				i := slices.IndexFunc(lies, func(l *told) bool { return class(l) != "" })
				switch {
				case p.agree():
				case p.ours.state != secure:
					stricter++
				case i >= 0:
					explained[class(lies[i])]++
					again = append(again, p.question)
				default:
					t.Errorf("%v:\n\tUnbound %v\n\tmxseal  %v\n\t%v", p.question, p.oracle, p.ours, lies)
				}
			}
			t.Logf("seed %d: %d questions, %d of them damaged, Unbound says %v; differences: we are stricter %d times, alone in saying secure %v", seed, len(pairs), damaged, states, stricter, explained)
			l, pairs = deceive(t, seed, seeds+seed, func(l *told) bool { return class(l) != "" }, again)
			for _, p := range pairs {
				if p.ours.state == secure && !p.agree() {
					t.Errorf("%v, without the lies that should explain it:\n\tUnbound %v\n\tmxseal  %v\n\t%v", p.question, p.oracle, p.ours, l.lies(p))
				}
			}
		})
	}
}

// deceive asks both through a liar.
func deceive(t *testing.T, seed, i int, except func(*told) bool, questions []question) (*liar, []pair) {
	l := &liar{address: fmt.Sprintf("%s:%d", the.at(liarAt+i), port), lie: lie(seed), except: except}
	l.listen(t)
	return l, compare(t, resolver(t, liarAt+i, true), func(question) int { return victimAt + i }, questions)
}

// agree reports whether both come to the same state, where there being no answer is one.
func (p pair) agree() bool {
	return p.ours.failed() && p.oracle.failed() || p.ours.state == p.oracle.state
}
