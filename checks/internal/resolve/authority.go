package resolve

import (
	"context"

	"mxseal/checks/report"
)

// Authority asks the name servers of the zone that a name lies in, each by itself, to find
// those that are to blame when the answer to a question fails: silent, lame, out of date,
// unsigned. Who they are is learnt from the servers above, as by a resolver that begins
// with nothing, since the zone's own word for it is what cannot be had. It returns nil
// where our own resolver is what fails.
func (r *Resolver) Authority(ctx context.Context, name string, qtype uint16) *report.Authority {
	owner, err := normal(name)
	if err != nil || r.enclosing(ctx, ".").fault != nil {
		return nil
	}
	ctx, cancel := r.upstream.within(ctx, authorityTime)
	defer cancel()
	i := &inquiry{Resolver: r, question: question{owner, qtype}}
	at, failure := i.lead(ctx)
	if failure != nil {
		return &report.Authority{Questions: int(i.asked.Load()), Failure: failure}
	}
	servers := i.examine(ctx, *at)
	return &report.Authority{Zone: plain(at.zone), Servers: servers, Questions: int(i.asked.Load())}
}
