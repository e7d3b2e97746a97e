package grade

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// claims are what each sentence of a letter says of the matrix. Of the sentences that tell no
// more than that there is no letter, or that a fault weighs more than the matrix, see silent.
var claims = map[string]func(m report.Matrix, f Facts) bool{
	says["A+"]: func(m report.Matrix, _ Facts) bool { return unfooled(m, S2) && unfooled(m, S2L) && onTheWire(m, S3) },
	says["A"]:  func(m report.Matrix, _ Facts) bool { return unfooled(m, S2) && unfooled(m, S2L) },
	says["B"]:  func(m report.Matrix, _ Facts) bool { return onTheWire(m, S3) },
	says["C"]: func(m report.Matrix, f Facts) bool {
		return !heard(f) && unheard(m) && m[S1][A2] != report.Auth && m[S1][A3] == report.Stolen && m[S1L][A3] == report.Stolen
	},
	says["D"]: func(m report.Matrix, f Facts) bool { return encrypted(m, f) && impostor(m, S2, S2L, S3, S3C) },
	says["E"]: func(m report.Matrix, f Facts) bool {
		return heard(f) && (m[S1][A1] == report.Clear || m[S1L][A1] == report.Clear)
	},
	says["F"]:  func(m report.Matrix, f Facts) bool { return m[S1L][A0] == report.Clear && m[S1L][A1] == report.Clear },
	saysHeld:   func(m report.Matrix, f Facts) bool { return !heard(f) && m[S1][A0] == report.Defer && forced(f) },
	saysHeldAt: func(m report.Matrix, f Facts) bool { return !heard(f) && m[S1][A0] != report.Defer && someHeld(f) },
	saysLenient: func(m report.Matrix, f Facts) bool {
		return encrypted(m, f) && impostor(m, S2, S3, S3C) && onTheWire(m, S2L)
	},
	saysBroken[report.PromiseDNSSEC]: func(m report.Matrix, _ Facts) bool { return m[S2][A0] == report.Defer && m[S2L][A0] == report.Defer },
	saysPartly:                       func(m report.Matrix, _ Facts) bool { return m[S2][A0] != report.Defer },
	saysBroken[report.PromiseDANE]:   func(m report.Matrix, f Facts) bool { return m[S2][A0] == report.Defer && published(f) },
	saysSomeDANE: func(m report.Matrix, f Facts) bool {
		return m[S2][A0] != report.Defer && m[S2L][A0] == report.Defer && published(f)
	},
	saysBroken[report.PromiseSTS]: func(m report.Matrix, _ Facts) bool { return m[S3][A0] == report.Defer && m[S3C][A0] == report.Defer },
}

// silent are the sentences of which the matrix knows nothing.
var silent = slices.AppendSeq([]string{saysTaken, saysOpened}, maps.Values(saysWithout))

// unfooled: mail arrives, and nobody gets it or reads it, whatever he can do.
func unfooled(m report.Matrix, s report.Sender) bool {
	return m[s][A0] == report.Auth && safe(m[s][A1], m[s][A2], m[s][A3], m[s][A4], m[s][A5])
}

// onTheWire is unfooled by one who can interfere, and neither forge DNS nor get a certificate.
func onTheWire(m report.Matrix, s report.Sender) bool {
	return m[s][A0] == report.Auth && safe(m[s][A2], m[s][A3])
}

// unheard: no sender that has TLS is heard by one who listens.
func unheard(m report.Matrix) bool {
	for _, s := range Senders {
		if s.ID != S0 && m[s.ID][A1] == report.Clear {
			return false
		}
	}
	return true
}

func encrypted(m report.Matrix, f Facts) bool {
	return !heard(f) && unheard(m) && m[S1][A0] == report.Enc && m[S1L][A0] == report.Enc
}

// impostor: these senders, and ordinary ones, give the mail to somebody with a self-made certificate.
func impostor(m report.Matrix, senders ...report.Sender) bool {
	return !slices.ContainsFunc(append(senders, S1, S1L), func(s report.Sender) bool { return m[s][A3] != report.Stolen })
}

// forced: where senders of today find no TLS, mail is refused without it.
func forced(f Facts) bool {
	return !slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return m.TLS != TLSOK && !m.Forced })
}

func someHeld(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return m.TLS != TLSOK && m.Forced })
}

// published reports whether some host has TLSA records that somebody goes by.
func published(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return m.TLSA != NoTLSA })
}

// heard reports whether a listener reads mail on its way to some host.
func heard(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool {
		return decide(f, m, S1)[1] == report.Clear || decide(f, m, S1L)[1] == report.Clear
	})
}

// anyFacts yields 100,000 random sets of all that the grade depends on. Half of them are near to
// a good one, since few sets drawn from everything are.
func anyFacts(yield func(Facts) bool) {
	random := rand.New(rand.NewPCG(7672, 8461))
	one := func(n int) bool { return random.IntN(n) == 0 }
	for i := range 100_000 {
		f := Facts{MXDNS: pick(random, states), STS: pick(random, policies), STSLong: pick(random, both), RPT: pick(random, both)}
		good := i%2 == 0
		if good {
			f.MXDNS, f.STS, f.RPT = report.Secure, Enforce, true
			if one(3) {
				f.MXDNS = report.Insecure
			}
			if one(3) {
				f.STS = pick(random, policies)
			}
		}
		for range 1 + random.IntN(3) {
			h := randomHost(random)
			h.Reach, h.Unsigned = !one(20), one(4)
			if good {
				h.Addr, h.TLSA, h.TLS, h.STS, h.PKIX = report.Secure, Match, TLSOK, !one(10), !one(4)
				if one(8) {
					h.TLSA = pick(random, tlsas)
				}
				if one(8) {
					h.TLS = pick(random, tlss)
				}
			} else if one(10) {
				h.TLS = ""
			}
			f.Hosts = append(f.Hosts, h)
		}
		if one(4) {
			f.Caps = []report.Letter{pick(random, []report.Letter{"A", "B", "C", "D", "E", "F"})}
		}
		if one(4) {
			f.NoAPlus = []string{"TLS-02"}
		}
		if one(20) {
			f.Mail = mails[random.IntN(len(mails))].mail
		}
		f.Prov = one(5)
		if !yield(f) {
			return
		}
	}
}

// No sentence of a letter says what its matrix denies, whatever is found, with caps and without,
// and every sentence that there is makes a claim or is known to make none.
func TestTheSentenceAgreesWithTheMatrix(t *testing.T) {
	tried := make(map[string]int)
	sets, sentences := 0, 0
	known := append(slices.Collect(maps.Keys(claims)), silent...)
	try := func(f Facts) {
		sets++
		m := matrix(f)
		g := OfFacts(f).Grade
		said := strings.TrimSuffix(g.Sentence, " A known fault holds the grade at "+string(g.Letter)+".")
		rest := said
		for _, text := range known {
			if !strings.Contains(said, text) {
				continue
			}
			rest = strings.Replace(rest, text, "", 1)
			tried[text]++
			sentences++
			if holds := claims[text]; holds != nil && !holds(m, f) {
				t.Fatalf("%s, caps %q: %q\n%+v\n%v", g.Letter, f.Caps, g.Sentence, f, m)
			}
		}
		if strings.TrimSpace(rest) != "" {
			t.Fatalf("%s: nothing holds %q to the matrix", g.Letter, rest)
		}
		if strings.Contains(said, "cannot be fooled") && len(f.Caps) > 0 && g.Letter.Worse("B") {
			t.Fatalf("%s: %q though a fault helps against such senders", g.Letter, g.Sentence)
		}
	}
	state := 0
	for f := range anyState {
		try(f)
		if state++; state%10 == 0 {
			for _, limit := range []report.Letter{"B", "C", "F"} {
				f.Caps = []report.Letter{limit}
				try(f)
			}
		}
	}
	states := sets
	for f := range anyFacts {
		try(f)
	}
	t.Logf("%d states and %d random sets of facts: %d sentences, of which the table contradicts 0", states, sets-states, sentences)
	for _, text := range known {
		if tried[text] == 0 {
			t.Errorf("no state gives the sentence %q", text)
		}
	}
}
