package differential

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

// question is what is asked of both.
type question struct {
	name  string
	qtype uint16
}

func (q question) String() string { return q.name + " " + dns.Type(q.qtype).String() }

// verdict is what one of the two says.
type verdict struct {
	state   report.State // indeterminate: no answer at all
	rcode   int
	records []string // data of those of the type asked, in order
	why     string
	path    []string // the name asked for and those that its aliases led to; ours only
}

// same reports whether we say the same as the oracle about DNSSEC and, where anything is
// said at all, give the same answer. What it calls bogus we must not put down to a failed look-up;
// of an alias that is bogus and leads nowhere we say bogus, it says nothing.
func (v verdict) same(o verdict) bool {
	if v.failed() || o.failed() {
		return v.failed() && o.failed() && (v.state == o.state || v.state == bogus)
	}
	return v.state == o.state && v.rcode == o.rcode && slices.Equal(v.records, o.records)
}

func (v verdict) failed() bool { return v.state == bogus || v.state == indeterminate }

func (v verdict) String() string {
	if v.failed() {
		return fmt.Sprintf("%s (%s)", v.state, v.why)
	}
	return fmt.Sprintf("%s %s %v (%s)", v.state, dns.RcodeToString[v.rcode], v.records, v.why)
}

// exchange puts a question to a server of the world.
func exchange(server int, q question, checkingDisabled bool) (in *dns.Msg, err error) {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.qtype)
	m.SetEdns0(4096, true)
	m.AuthenticatedData, m.CheckingDisabled = !checkingDisabled, checkingDisabled
	address := fmt.Sprintf("%s:%d", the.at(server), port)
	for range 3 { // datagrams get lost on a busy machine
		c := &dns.Client{Timeout: 30 * time.Second, UDPSize: 4096} // one that is lied to on a busy machine tries for long
		if in, _, err = c.Exchange(m, address); err == nil && in.Truncated {
			c.Net = "tcp"
			in, _, err = c.Exchange(m, address)
		}
		if err == nil {
			return in, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", q, err)
}

// ask is the oracle's verdict: AD, neither, or SERVFAIL (RFC 4035 §3.2.3). What it gives out
// with CD all the same is bogus; otherwise there was no answer.
func ask(server int, q question) (verdict, error) {
	in, err := exchange(server, q, false)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{state: insecure, rcode: in.Rcode}
	switch {
	case in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError:
		v.state = bogus
		if unchecked, err := exchange(server, q, true); err != nil || unchecked.Rcode == in.Rcode {
			v.state = indeterminate
		}
	case in.AuthenticatedData:
		v.state = secure
	}
	if opt := in.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				v.why = fmt.Sprintf("EDE %d %s", e.InfoCode, e.ExtraText)
			}
		}
	}
	for _, rr := range in.Answer {
		if rr.Header().Rrtype == q.qtype {
			v.records = append(v.records, data(rr))
		}
	}
	slices.Sort(v.records)
	return v, nil
}

// data is a record without its owner and TTL.
func data(rr dns.RR) string {
	rr = dns.Copy(rr)
	*rr.Header() = dns.RR_Header{Name: ".", Rrtype: rr.Header().Rrtype, Class: dns.ClassINET}
	return strings.ToLower(rr.String())
}

// ours is our verdict.
func ours(r *resolve.Resolver, q question) verdict {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a := r.Lookup(ctx, q.name, q.qtype)
	v := verdict{state: a.Trust.State, rcode: a.Rcode, why: string(a.Trust.Reason) + ": " + string(a.Trust.Code)}
	for _, rr := range a.Records {
		v.records = append(v.records, data(rr))
	}
	slices.Sort(v.records)
	v.path = []string{a.Name}
	for _, alias := range a.Trust.Steps {
		v.path = append(v.path, strings.TrimSuffix(alias.Target, ".")+".")
	}
	if a.Failure != nil {
		v.why += " " + string(a.Failure.Kind)
		if v.state != bogus {
			v.state = indeterminate
		}
	}
	return v
}

// resolver is our validator on top of a server.
func resolver(t *testing.T, server int, sha1 bool) *resolve.Resolver {
	t.Helper()
	f, err := os.Open(filepath.Join(the.Dir, "anchor"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	anchors, err := resolve.ParseAnchors(f)
	if err != nil {
		t.Fatal(err)
	}
	upstreams := []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(the.at(server)), port)}
	return resolve.New(resolve.Config{Dialer: egress.New(egress.Config{Upstreams: upstreams}), Upstreams: upstreams, Anchors: anchors, AcceptSHA1: sha1})
}

// pair is what both say.
type pair struct {
	question
	oracle, ours verdict
}

// askers ask at a time: what gets no answer is asked for seconds, and does not keep others waiting.
const askers = 200

// compare asks both everything. Each asker is a scan of its own, with its own share of the
// resolver's places.
func compare(t *testing.T, r *resolve.Resolver, oracle func(question) int, questions []question) []pair {
	t.Helper()
	pairs := make([]pair, len(questions))
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(askers, len(questions)) {
		wait.Go(func() {
			r := r.Of(new(share.Scan))
			for i := range next {
				q := questions[i]
				said, err := ask(oracle(q), q)
				if err != nil {
					t.Error("the oracle is silent:", err)
				}
				pairs[i] = pair{q, said, ours(r, q)}
			}
		})
	}
	for i := range questions {
		next <- i
	}
	close(next)
	wait.Wait()
	return pairs
}

// oracleOf is the Unbound that has our policy where a question is about.
func oracleOf(q question) int {
	if zoneOf(q.name).strict {
		return strictAt
	}
	return equalAt
}

// questions are what is asked about every zone.
func questions() (list []question) {
	for _, z := range zones {
		if z.lenient {
			continue
		}
		rows := asked
		if slices.ContainsFunc(zones, func(child *zone) bool { return child.Name != "." && zoneOf(parent(child.Name)) == z }) {
			rows = slices.Concat(asked, below)
		}
		for _, row := range rows {
			list = append(list, z.questions(row)...)
		}
	}
	return list
}

// questions reads a row: a name and types.
func (z *zone) questions(row string) (list []question) {
	name, types, _ := strings.Cut(row, " ")
	for _, typ := range strings.Fields(types) {
		qtype, known := dns.StringToType[typ]
		if !known {
			fmt.Sscanf(typ, "TYPE%d", &qtype)
		}
		list = append(list, question{z.within(name), qtype})
	}
	return list
}

// Every zone is what its row says, to both: only then do they agree about something.
func TestZones(t *testing.T) {
	t.Parallel()
	r := resolver(t, upstreamAt, true)
	for _, z := range zones {
		q := question{z.within("mx"), dns.TypeA}
		said, err := ask(oracleOf(q), q)
		if err != nil {
			t.Fatal(err)
		}
		want := verdict{state: z.want, rcode: said.rcode, records: said.records}
		if got := ours(r, q); got.state != z.want || !got.same(want) {
			t.Errorf("%s %s: mxseal says %v, want %v", z.Name, z.why, got, want)
		}
		if z.lenient {
			want.state = secure
		}
		if !said.same(want) {
			t.Errorf("%s %s: Unbound says %v, want %s", z.Name, z.why, said, want.state)
		}
	}
}

// With the same limits and algorithms both say the same of everything.
func TestEqualPolicy(t *testing.T) {
	t.Parallel()
	pairs := compare(t, resolver(t, upstreamAt, true), oracleOf, questions())
	differ := 0
	states := make(map[report.State]int)
	for _, p := range pairs {
		states[p.ours.state]++
		if !p.ours.same(p.oracle) {
			differ++
			t.Errorf("%v:\n\tUnbound %v\n\tmxseal  %v", p.question, p.oracle, p.ours)
		}
	}
	t.Logf("equal policy: %d zones, %d questions, we say %v, %d differences", len(zones), len(pairs), states, differ)
}

// policy is why two sound validators may differ.
type policy struct {
	name     string
	explains func(pair) bool
}

// policies are the differences of policy between us as we come and Unbound as it comes.
var policies = []policy{
	// RFC 9905 §2: validating resolvers must treat algorithms 5 and 7 as unsupported.
	{"RSASHA1", func(p pair) bool {
		return p.ours.state == insecure && strings.HasPrefix(p.ours.why, string(report.CauseUnsupportedAlgorithm))
	}},
	// RFC 9276 §3.2: a validator may stop following; we do beyond 50 iterations, Unbound 1.17 beyond 150.
	{"NSEC3 iterations", func(p pair) bool {
		return p.ours.state == insecure && strings.HasPrefix(p.ours.why, string(report.CauseNSEC3Iterations))
	}},
	// RFC 4509 §3: SHA-1 does not count beside SHA-256; to Unbound only with harden-algo-downgrade.
	{"SHA-1 DS", func(p pair) bool {
		return p.ours.state == bogus && zoneOf(p.name).strict && strings.HasPrefix(p.ours.why, string(report.CauseDSMismatch))
	}},
}

// As we come and as Unbound comes the two differ where the policies do, and nowhere else.
func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	pairs := compare(t, resolver(t, upstreamAt, false), func(question) int { return defaultAt }, questions())
	differ := make(map[string]int)
	for _, p := range pairs {
		if p.ours.same(p.oracle) {
			continue
		}
		i := slices.IndexFunc(policies, func(k policy) bool { return k.explains(p) })
		if i < 0 {
			t.Errorf("%v:\n\tUnbound %v\n\tmxseal  %v", p.question, p.oracle, p.ours)
			continue
		}
		differ[policies[i].name]++
	}
	for _, k := range policies {
		if differ[k.name] == 0 {
			t.Errorf("no difference because of %s: the list is out of date", k.name)
		}
	}
	t.Logf("default policy: %d zones, %d questions, differences %v", len(zones), len(pairs), differ)
}
