package grade

import (
	"math/rand/v2"
	"slices"
	"testing"

	"mxseal/checks/report"
)

var (
	states   = []report.State{report.Secure, report.Insecure, report.Bogus}
	policies = []STS{Absent, Invalid, None, Testing, Enforce}
	tlsas    = []TLSA{NoTLSA, Match, Mismatch, Unusable, LookupFail}
	tlss     = []TLS{TLSOK, TLSLegacy, TLSNo}
	both     = []bool{false, true}
)

// oneHost yields every state of a domain with one reachable host.
func oneHost(yield func(Facts) bool) {
	for _, mxdns := range states {
		for _, sts := range policies {
			for _, long := range both {
				for _, addr := range states {
					for _, tlsa := range tlsas {
						for _, tls := range tlss {
							for bits := range 16 {
								if !yield(Facts{MXDNS: mxdns, STS: sts, STSLong: long, RPT: true, Hosts: []HostFacts{{
									Pref: 10, Addr: addr, TLSA: tlsa, TLS: tls, Reach: true,
									Forced: bits&1 != 0, PKIX: bits&2 != 0, STS: bits&4 != 0, RTLS: bits&8 != 0,
								}}}) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// severalHosts yields 50,000 random states of domains with two or three reachable hosts.
func severalHosts(yield func(Facts) bool) {
	random := rand.New(rand.NewPCG(25, 587))
	for range 50_000 {
		f := Facts{MXDNS: pick(random, states), STS: pick(random, policies), STSLong: pick(random, both), RPT: true}
		for range 2 + random.IntN(2) {
			f.Hosts = append(f.Hosts, randomHost(random))
		}
		if !yield(f) {
			return
		}
	}
}

func randomHost(random *rand.Rand) HostFacts {
	return HostFacts{
		Pref: 10 * (1 + random.IntN(3)), Addr: pick(random, states), TLSA: pick(random, tlsas), TLS: pick(random, tlss), Reach: true,
		Forced: pick(random, both), PKIX: pick(random, both), STS: pick(random, both), RTLS: pick(random, both),
	}
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func anyState(yield func(Facts) bool) {
	for f := range oneHost {
		if !yield(f) {
			return
		}
	}
	severalHosts(yield)
}

// The states of RULES 3.5 tell policies only by whether they are enforced, and address
// records only by whether they are signed; ours tell all values apart.
func TestNumberOfOneHostStates(t *testing.T) {
	all, ofTheRules := 0, 0
	for f := range oneHost {
		all++
		if (f.STS == Absent || f.STS == Enforce) && f.Hosts[0].Addr != report.Bogus {
			ofTheRules++
		}
	}
	if all != 21_600 || ofTheRules != 5_760 {
		t.Errorf("%d states and %d of RULES 3.5, want 21600 and 5760", all, ofTheRules)
	}
}

// Law 1: every cell has exactly one outcome. Law 2: nobody who interferes leaves a delivery
// encrypted but unauthenticated.
func TestLaw1And2(t *testing.T) {
	t.Parallel()
	for f := range anyState {
		for _, s := range Senders {
			r := delivery(f, s.ID)
			for a, outcome := range r {
				if !slices.Contains(badness, outcome) {
					t.Fatalf("%+v: %s×A%d is %q", f, s.ID, a, outcome)
				}
			}
			if r[2] == report.Enc || r[3] == report.Enc {
				t.Fatalf("%+v: %s is %s", f, s.ID, r)
			}
		}
	}
}

func TestLaw3PublishingAMatchingTLSARecordNeverHarms(t *testing.T) {
	t.Parallel()
	tried := 0
	for before := range oneHost {
		m := before.Hosts[0]
		if m.TLSA != NoTLSA || before.MXDNS != report.Secure || m.Addr != report.Secure || m.TLS != TLSOK {
			continue
		}
		tried++
		after := withTLSA(before, Match)
		for _, s := range Senders {
			old, now := delivery(before, s.ID), delivery(after, s.ID)
			for a := range now {
				underAttack := a > 0
				if now[a] != old[a] && worst(old[a], now[a]) == now[a] && !(underAttack && now[a] == report.Defer) {
					t.Fatalf("%+v: %s×A%d from %s to %s", before, s.ID, a, old[a], now[a])
				}
			}
		}
		if old, now := judge(before).letter, judge(after).letter; now.Worse(old) {
			t.Fatalf("%+v: from %s to %s", before, old, now)
		}
	}
	if tried != 160 {
		t.Errorf("%d states tried, want 160", tried)
	}
}

func TestLaw4ABrokenTLSARecordIsNeverBetterThanAnother(t *testing.T) {
	t.Parallel()
	for before := range oneHost {
		if m := before.Hosts[0]; m.TLSA == Mismatch || m.TLSA == LookupFail {
			continue
		}
		for _, broken := range []TLSA{Mismatch, LookupFail} {
			if old, now := judge(before).letter, judge(withTLSA(before, broken)).letter; old.Worse(now) {
				t.Fatalf("%+v: %s raises %s to %s", before, broken, old, now)
			}
		}
	}
}

func TestLaw5ACleartextHostNeverRaisesTheGrade(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	for before := range anyState {
		cleartext := randomHost(random)
		cleartext.Pref = 5 + 10*random.IntN(4) // between the others, before or after them
		if random.IntN(3) == 0 {
			cleartext.Pref = before.Hosts[0].Pref
		}
		cleartext.TLS, cleartext.Forced = TLSNo, false
		after := before
		after.Hosts = append(slices.Clone(before.Hosts), cleartext)
		if old, now := judge(before).letter, judge(after).letter; old.Worse(now) {
			t.Fatalf("%+v: %+v raises %s to %s", before, cleartext, old, now)
		}
	}
}

// Of a domain with several hosts a B may also be an A that one broken host holds down
// (RULES 4.1): then it is S2 that is safe.
func TestLaw6WhatALetterPromises(t *testing.T) {
	t.Parallel()
	for f := range anyState {
		v := judge(f)
		s1, s2, s3 := delivery(f, S1), delivery(f, S2), delivery(f, S3)
		if !v.letter.Worse("A") && !safe(s2[2:]...) {
			t.Fatalf("%+v: %s, and S2 is %s", f, v.letter, s2)
		}
		heldDown := len(f.Hosts) > 1 && v.earned != v.matrix
		if v.letter == "B" && !safe(s3[2], s3[3]) && !(heldDown && safe(s2[2:]...)) {
			t.Fatalf("%+v: B, and S3 is %s", f, s3)
		}
		if !v.letter.Worse("C") && s1[1] == report.Clear {
			t.Fatalf("%+v: %s, and S1 is %s", f, v.letter, s1)
		}
	}
}

func withTLSA(f Facts, tlsa TLSA) Facts {
	f.Hosts = slices.Clone(f.Hosts)
	f.Hosts[0].TLSA = tlsa
	return f
}
