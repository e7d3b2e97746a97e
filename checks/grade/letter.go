package grade

import (
	"slices"

	"mxseal/checks/report"
)

// verdict is what the facts come to (RULES 4.1).
type verdict struct {
	letter report.Letter
	earned report.Letter    // before one bad host among good ones, the caps and noA+ take their share
	matrix report.Letter    // before the caps and noA+
	broken []report.Promise // policies that stop honest mail
	reason report.Reason    // why there is no grade
}

// judge is the algorithm of RULES 4.1.
func judge(f Facts) verdict {
	for _, m := range mails {
		if m.mail == f.Mail {
			return verdict{letter: m.letter, reason: m.reason}
		}
	}
	if len(f.counted()) == 0 {
		return verdict{letter: report.LetterT, reason: report.Untestable}
	}
	v := verdict{broken: broken(f)}
	if len(v.broken) > 0 {
		v.earned = down1(base(without(f, v.broken)))
		v.matrix = v.earned
	} else {
		v.earned = base(f)
		v.matrix = v.earned
		if oneBroken(f) {
			v.matrix = worse(v.matrix, "B")
		}
	}
	v.letter = v.matrix
	for _, c := range f.Caps {
		v.letter = worse(v.letter, c)
	}
	if v.letter == report.LetterAPlus && (len(f.NoAPlus) > 0 || f.Prov || !f.RPT) {
		v.letter = "A"
	}
	return v
}

// base is the letter that the matrix gives to facts without a broken policy.
func base(f Facts) report.Letter {
	hosts := f.counted()
	plain, pkix := false, true
	for _, m := range hosts {
		listened := decide(f, m, S1L)[1]
		if listened == report.Clear && m.Pref == hosts[0].Pref {
			return "F"
		}
		today := decide(f, m, S1)[1]
		plain = plain || listened == report.Clear || today == report.Clear || today == report.Defer // the last two: only obsolete TLS
		pkix = pkix && decide(f, m, S4)[0] == report.Auth
	}
	mtasts, dane := holdsSTS(f), holdsDANE(f)
	switch {
	case plain:
		return "E"
	case mtasts && dane:
		return report.LetterAPlus
	case dane:
		return "A"
	case mtasts:
		return "B"
	case pkix:
		return "C"
	}
	return "D"
}

// holdsSTS is the condition of B: nobody on the wire fools a sender that uses MTA-STS.
func holdsSTS(f Facts) bool {
	s3 := delivery(f, S3)
	return f.STS == Enforce && s3[0] == report.Auth && safe(s3[2], s3[3])
}

// holdsDANE is the condition of A: nobody fools a sender that uses DANE.
func holdsDANE(f Facts) bool {
	s2 := delivery(f, S2)
	return s2[0] == report.Auth && safe(s2[2:]...)
}

// broken names the policies that stop honest mail.
func broken(f Facts) []report.Promise {
	var names []report.Promise
	delivered := delivery(f, S1L)[0] != report.Defer
	// Who offers old TLS only, and insists on it, keeps these senders out without any TLSA record.
	published := slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return dane(f, m, true) != notApplicable })
	if f.MXDNS == report.Bogus || slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return m.Addr == report.Bogus }) {
		names = append(names, report.PromiseDNSSEC)
	} else if published && delivered && (delivery(f, S2)[0] == report.Defer || delivery(f, S2L)[0] == report.Defer) {
		names = append(names, report.PromiseDANE)
	}
	if f.STS == Enforce && delivered && delivery(f, S3)[0] == report.Defer {
		names = append(names, report.PromiseSTS)
	}
	return names
}

// oneBroken reports whether a host breaks a promise that others keep.
func oneBroken(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool {
		d := dane(f, m, true)
		return d == Mismatch || d == LookupFail || f.STS == Enforce && decide(f, m, S3)[0] == report.Defer
	})
}

// without returns the facts as if the broken policies had never been published.
func without(f Facts, broken []report.Promise) Facts {
	f.Hosts = slices.Clone(f.Hosts)
	for _, policy := range broken {
		switch policy {
		case report.PromiseSTS:
			f.STS = Absent
		case report.PromiseDNSSEC:
			f.MXDNS = report.Insecure
			for i := range f.Hosts {
				f.Hosts[i].Addr, f.Hosts[i].TLSA = report.Insecure, NoTLSA
			}
		case report.PromiseDANE:
			for i := range f.Hosts {
				f.Hosts[i].TLSA = NoTLSA
			}
		}
	}
	return f
}

// down1 takes one letter away for a broken promise. It never makes an F: that mail is readable.
func down1(l report.Letter) report.Letter {
	if l.Down(1) == "F" {
		return l
	}
	return l.Down(1)
}

func worse(l, m report.Letter) report.Letter {
	if m.Worse(l) {
		return m
	}
	return l
}
