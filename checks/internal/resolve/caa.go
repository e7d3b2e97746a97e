package resolve

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// maxClimb bounds the names asked for CAA records on the way up from a host.
const maxClimb = 6

// CAA returns the CAA records in force for a host, each as "tag value", and the name at which
// they stand: the closest one upwards that has any (RFC 8659 §3). Known is false where a
// question on the way got no answer, or one that is longer than what is kept.
func (r *Resolver) CAA(ctx context.Context, host string) (records []string, name string, known bool) {
	var names []string
	for n := host; n != "" && len(names) < maxClimb; _, n, _ = strings.Cut(n, ".") {
		names = append(names, n)
	}
	answers := make([]*Answer, len(names))
	var all sync.WaitGroup
	for i, n := range names {
		all.Go(func() { answers[i] = r.Lookup(ctx, dns.Fqdn(n), dns.TypeCAA) })
	}
	all.Wait()
	known = true
	for i, n := range names {
		found, whole := caaOf(answers[i].Records)
		switch {
		case !whole:
			return nil, "", false // part of them would say what all of them do not
		case len(found) > 0:
			return found, n, known
		}
		known = known && answers[i].Failure == nil
	}
	return nil, "", known
}

// maxCAA bounds the CAA records of one name, in octets as they are written.
const maxCAA = 2 << 10

// caaOf writes CAA records; whole is false where they are more than are kept.
func caaOf(rrs []dns.RR) (lines []string, whole bool) {
	room := maxCAA
	for _, rr := range rrs {
		if caa, ok := rr.(*dns.CAA); ok {
			line := report.Clean(strings.ToLower(caa.Tag)+" "+caa.Value, maxCAA)
			if room -= report.Octets(line); room < 0 {
				return nil, false
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines, true
}
