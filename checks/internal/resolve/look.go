package resolve

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	maxWitnesses     = 24      // kept of one answer
	maxWitnessOctets = 4 << 10 // of their names
	errorTries       = 4       // until an error counts: servers restart, too
)

// doubtful reports whether what came of a question is to be asked of others before it is
// believed: there is no answer, or one that its zone, itself secure, does not prove. A fault
// further up was looked into there.
func (r *Resolver) doubtful(q question, rep *reply, f *fault, z *zone) bool {
	if rep.looked || z == nil {
		return false
	}
	weighs := q.qtype == dns.TypeMX || q.qtype == dns.TypeA || q.qtype == dns.TypeAAAA || q.qtype == dns.TypeTLSA ||
		q.qtype == dns.TypeTXT || q.qtype == dns.TypeDS || q.qtype == dns.TypeDNSKEY
	switch {
	case rep.failure != nil:
		return weighs && rep.failure.Kind != report.KindMalformed && (z.fault == nil || z.fault.state == report.Insecure)
	case f.trust() == report.Bogus:
		return (weighs || q.qtype == dns.TypeSOA || q.qtype == dns.TypeCNAME) && z.fault == nil
	}
	return false
}

// look asks others for what our resolver did not give, or gave so that it does not hold: our
// resolvers once more and without CD, when they look for an answer that validates, and every
// name server of the zone. A server that gives bad signatures beside one that gives good ones
// stops no sender, as resolvers ask the next; and a packet lost on our way stops none at all.
// It returns the best reply, or the first with what the others gave. prove holds a reply
// against the chain.
func (r *Resolver) look(ctx context.Context, q question, first *reply, f *fault, prove func(*reply) *fault) *reply {
	if ctx.Err() != nil || r.looks != nil && r.looks.Add(-1) < 0 {
		return first
	}
	rep, ok := r.looking.Do(ctx, q.String(), func(ctx context.Context) *reply {
		ctx, cancel := r.upstream.within(ctx, authorityTime)
		defer cancel()
		best := *first
		best.looked = true
		if first.failure == nil {
			best.seen = []report.Witness{{Resolver: true, Name: first.peer.String(), Question: q.String(), Kind: report.Kind(f.code), Tries: 1}}
		}
		var again []sighting
		var all sync.WaitGroup
		if first.failure == nil {
			all.Go(func() { again = r.upstream.again(ctx, q) })
		}
		servers := r.hearAll(ctx, q)
		all.Wait()
		seen := best.seen
		found := f.trust()
		for _, s := range slices.Concat(servers, again) {
			if s.reply != nil {
				g := prove(s.reply)
				switch s.kind = report.Kind(code(g)); g.trust() {
				case report.Indeterminate:
					s.kind = report.KindFailed // to be proved from here
				case report.Secure, report.Insecure:
					s.kind = report.KindAnswer
					if found != report.Secure && found != g.trust() {
						found, best = g.trust(), *s.reply
						best.looked = true
					}
				}
			}
			if s.Kind == report.KindAnswer {
				s.Kind = s.kind
			}
			if len(seen) < maxWitnesses {
				seen = append(seen, s.Witness)
			}
		}
		best.seen = seen
		if context.Cause(ctx) != context.Canceled {
			r.store(q.name).replies.PutFor(q.String(), &best, r.least(q.name, best.lifetime(q)))
		}
		return &best
	})
	if !ok {
		return first
	}
	return rep
}

// sighting is what one of the others gave.
type sighting struct {
	report.Witness
	reply *reply      // nil where none came
	kind  report.Kind // what the reply proved to be
}

// again puts a question to every resolver once more, so that it validates the answer itself.
func (u *upstream) again(ctx context.Context, q question) (list []sighting) {
	if u.enter(ctx, u.questions, q) != nil {
		return nil
	}
	defer u.leave(u.questions)
	for _, peer := range u.peers {
		s := sighting{Witness: report.Witness{Resolver: true, Name: peer.String(), Question: q.String(), Kind: report.KindAnswer, Tries: 1}}
		if rep := u.unchecked(ctx, peer, q); rep.failure != nil {
			s.Kind = rep.failure.Kind
		} else {
			s.reply = rep
		}
		list = append(list, s)
	}
	return list
}

// hearAll asks every name server that has to answer a question; nil where they cannot be
// found or asked.
func (r *Resolver) hearAll(ctx context.Context, q question) []sighting {
	i := &inquiry{Resolver: r, question: q}
	at, failure := i.lead(ctx)
	if failure != nil {
		return nil
	}
	list := make([]sighting, len(at.servers))
	var all sync.WaitGroup
	for k, s := range at.servers {
		all.Go(func() { list[k].reply, list[k].Witness = i.hear(ctx, *at, s) })
	}
	all.Wait()
	return list
}

// ear is a question to one name server.
type ear struct {
	question
	addr netip.Addr
}

func (e ear) String() string { return e.question.String() + " " + e.addr.String() }

// hear puts the question to one name server until it answers, has said some times that it does
// not, with ever more time between them, or has been silent six times while it answered another
// question each time between.
func (i *inquiry) hear(ctx context.Context, at delegation, s server) (*reply, report.Witness) {
	w := report.Witness{Zone: plain(at.zone), Question: i.question.String(), Name: plain(s.name)}
	if !s.addr.IsValid() {
		w.Kind = report.KindNoAddress
		return nil, w
	}
	w.IP = s.addr.String()
	memory := i.store(i.name)
	if known, ok := memory.heard.Get(ear{i.question, s.addr}.String()); ok {
		return nil, known
	}
	if _, mute := memory.mute.Get(s.addr.String()); mute {
		w.Kind = report.KindTimeout
		return nil, w
	}
	rep, network := i.listen(ctx, at, s, &w)
	if w.Kind == report.KindTimeout && w.Controls > 0 || w.Kind == report.KindClosed && network == "tcp" {
		w.Passed = i.passes(ctx, at, network)
	}
	keep := i.least(i.name, failureLifetime)
	switch {
	case w.Kind == report.KindTimeout && w.Tries >= report.Silences && w.Controls == 0:
		memory.mute.PutFor(s.addr.String(), struct{}{}, keep)
	case rep == nil && ctx.Err() == nil:
		memory.heard.PutFor(ear{i.question, s.addr}.String(), w, keep)
	}
	return rep, w
}

// listen is the questions of hear. network is the last means used.
func (i *inquiry) listen(ctx context.Context, at delegation, s server, w *report.Witness) (rep *reply, network string) {
	control := question{at.zone, dns.TypeSOA}
	if i.question == control {
		control.qtype = dns.TypeNS
	}
	refused := 0
	for w.Tries < report.Silences {
		network = "udp"
		if w.Tries == report.Silences/2 {
			network = "tcp"
		}
		w.Tries++
		m, err := i.put(ctx, network, s.addr, i.question)
		short := err == nil && m.Truncated && network == "udp"
		if short {
			network = "tcp"
			m, err = i.put(ctx, network, s.addr, i.question)
		}
		switch {
		case err == nil:
			if w.Kind = wordOf(m); w.Kind == report.KindAnswer {
				return newReply(m, m.Len(), netip.AddrPortFrom(s.addr, 53), i.question), network
			}
			if refused++; refused >= errorTries || egress.Pause(ctx, errorPause<<(refused-1)) != nil {
				return nil, network
			}
			continue
		case short:
			// It lives, and what it has goes through TCP only. Where TCP does for others, long
			// answers may be lost on our way.
			w.Kind = kind(err)
			w.Controls++
			if w.Tries == 1 {
				if _, err := i.put(ctx, "tcp", s.addr, control); err == nil {
					w.Controls = -report.Silences
				}
			}
		default:
			if k := kind(err); network == "udp" || w.Kind == "" || report.Own(k) {
				w.Kind = k
			}
			if w.Kind == report.KindTimeout {
				if _, err := i.put(ctx, "udp", s.addr, control); err == nil {
					w.Controls++
				}
			}
		}
		if ctx.Err() != nil || report.Own(w.Kind) {
			break
		}
		if w.Kind != report.KindTimeout && egress.Pause(ctx, errorPause) != nil {
			break
		}
	}
	w.Controls = max(w.Controls, 0)
	return nil, network
}

// wordOf says what a name server's reply is: an answer, or the reason why it is none.
func wordOf(m *dns.Msg) report.Kind {
	switch {
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return rcodeWord(m.Rcode)
	case !m.Authoritative:
		return report.KindNotAuthoritative
	}
	return report.KindAnswer
}

// passes reports whether a server of the zone above answers a question of the same type by
// the same means: then it is not our own path on which such questions are lost.
func (i *inquiry) passes(ctx context.Context, at delegation, network string) bool {
	if at.above == nil {
		return false
	}
	q := question{at.above.zone, i.qtype}
	for _, s := range at.above.servers[:min(len(at.above.servers), maxGuides)] {
		for range 3 {
			if _, err := i.put(ctx, network, s.addr, q); err == nil {
				return true
			} else if ctx.Err() != nil {
				return false
			}
		}
	}
	return false
}

// joined adds to a list what is not in it yet, and says how much of it found no room.
func joined(list, more []report.Witness) (all []report.Witness, left int) {
	size := func(w report.Witness) int {
		return report.Octets(w.Zone) + report.Octets(w.Question) + report.Octets(w.Name) + len(w.IP)
	}
	room := maxWitnessOctets
	for _, w := range list {
		room -= size(w)
	}
	for _, w := range more {
		switch {
		case slices.Contains(list, w):
		case len(list) == maxWitnesses || size(w) > room:
			left++
		default:
			room -= size(w)
			list = append(list, w)
		}
	}
	return list, left
}
