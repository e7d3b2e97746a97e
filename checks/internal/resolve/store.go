package resolve

import (
	"mxseal/checks/cache"
	"mxseal/checks/report"
)

// store is the memory for a part of the name space.
type store struct {
	replies *cache.Cache[*reply]         // by question
	zones   *cache.Cache[*zone]          // by name
	steps   *cache.Cache[*step]          // by question
	ways    *cache.Cache[*delegation]    // by zone: where its servers are
	mute    *cache.Cache[struct{}]       // name servers that were silent to everything, by address
	heard   *cache.Cache[report.Witness] // what name servers gave that was no answer, by ear
}

const (
	topOctets   = 16 << 20 // of memory for the top of the name space
	checkOctets = 2 << 20  // for what one check learns below it, and for what is learnt there outside of checks
)

func newStore(octets int) *store {
	return &store{
		cache.New[*reply](octets*3/8, mostLifetime, nil),
		cache.New[*zone](octets/8, mostLifetime, nil),
		cache.New(octets*3/8, mostLifetime, (*step).octets),
		cache.New[*delegation](octets/16, mostLifetime, nil),
		cache.New[struct{}](octets/32, mostLifetime, nil),
		cache.New[report.Witness](octets/32, mostLifetime, nil),
	}
}

// held is what a store holds, all together.
func (s *store) held() (sum cache.Held) {
	for _, h := range []cache.Held{s.replies.Held(), s.zones.Held(), s.steps.Held(), s.ways.Held(), s.mute.Held(), s.heard.Held()} {
		sum = sum.And(h)
	}
	return sum
}
