package grade

import "mxseal/checks/report"

// row is what becomes of a mail under each attacker, A0 to A5.
type row [6]report.Outcome

// line is one line of a decision table.
type line struct {
	when bool
	then row
}

// first returns the first line that matches.
func first(table ...line) row {
	for _, l := range table {
		if l.when {
			return l.then
		}
	}
	return row{}
}

// decide says what becomes of a mail that the sender brings to the host m of the domain d.
// It is RULES 3.3, line by line.
func decide(d Facts, m HostFacts, sender report.Sender) row {
	const (
		AUTH   = report.Auth
		ENC    = report.Enc
		CLEAR  = report.Clear
		STOLEN = report.Stolen
		DEFER  = report.Defer
	)
	ok := m.TLS == TLSOK || sender == S1L && m.TLS == TLSLegacy
	dane := dane(d, m, sender == S2L)
	bogus := d.MXDNS == report.Bogus || m.Addr == report.Bogus
	dnsok := d.MXDNS == report.Secure && m.Addr == report.Secure

	OPP := first(
		line{ok && m.Forced, row{ENC, ENC, DEFER, STOLEN, STOLEN, STOLEN}},
		line{ok, row{ENC, ENC, CLEAR, STOLEN, STOLEN, STOLEN}},
		line{m.Forced, row{DEFER, DEFER, DEFER, STOLEN, STOLEN, STOLEN}},
		line{true, row{CLEAR, CLEAR, CLEAR, STOLEN, STOLEN, STOLEN}},
	)

	switch sender {
	case S0:
		return first(
			line{m.Forced, row{DEFER, DEFER, DEFER, STOLEN, STOLEN, STOLEN}},
			line{true, row{CLEAR, CLEAR, CLEAR, STOLEN, STOLEN, STOLEN}},
		)

	case S1, S1L:
		return OPP

	case S2, S2L:
		a4 := either(dnsok, DEFER, STOLEN)                 // forged answers for signed names fail validation: the sender waits
		led := either(dnsok && !m.Unsigned, DEFER, STOLEN) // forged addresses lead a sender without a key to demand elsewhere
		return first(
			line{bogus, row{DEFER, DEFER, DEFER, DEFER, DEFER, DEFER}},
			line{dane == LookupFail || dane == Mismatch, row{DEFER, DEFER, DEFER, DEFER, a4, a4}},
			line{dane == Match && ok, row{AUTH, AUTH, DEFER, DEFER, a4, a4}},
			line{dane == Match, row{DEFER, DEFER, DEFER, DEFER, a4, a4}},
			line{dane == Unusable, row{either(ok, ENC, DEFER), either(ok, ENC, DEFER), DEFER, STOLEN, led, STOLEN}},
			line{dane == notApplicable, row{OPP[0], OPP[1], OPP[2], OPP[3], led, STOLEN}},
		)

	case S3, S3C:
		a4 := either(sender == S3 && d.STSLong, DEFER, STOLEN) // who has nothing cached can be told there is no policy
		return first(
			line{d.STS != Enforce, OPP},
			line{m.STS && ok && m.PKIX, row{AUTH, AUTH, DEFER, DEFER, a4, STOLEN}},
			line{true, row{DEFER, DEFER, DEFER, DEFER, a4, STOLEN}},
		)

	case S4:
		return first(
			line{ok && m.PKIX, row{AUTH, AUTH, DEFER, DEFER, STOLEN, STOLEN}},
			line{true, row{DEFER, DEFER, DEFER, DEFER, STOLEN, STOLEN}},
		)

	case S5:
		mxvalid := d.MXDNS == report.Secure || d.STS == Enforce && m.STS
		cert := dane == Match || m.PKIX
		a5 := either(dane == Match, DEFER, STOLEN) // a false certificate for mta-sts.<domain> makes a false policy
		return first(
			line{dane == LookupFail || dane == Mismatch, row{DEFER, DEFER, DEFER, DEFER, DEFER, DEFER}},
			line{ok && m.RTLS && mxvalid && cert, row{AUTH, AUTH, DEFER, DEFER, DEFER, a5}},
			line{true, row{DEFER, DEFER, DEFER, DEFER, DEFER, a5}},
		)

	case S6:
		if dane != notApplicable {
			return decide(d, m, S2)
		}
		return decide(d, m, S3)
	}
	return row{}
}

// dane is what a sender that validates DNSSEC makes of the TLSA records of the host m. A
// lenient one uses them even when the MX records that led to it are unsigned
// (RFC 7672 §2.2.1 leaves that open).
func dane(d Facts, m HostFacts, lenient bool) TLSA {
	switch {
	case d.MXDNS == report.Bogus || m.Addr == report.Bogus:
		return LookupFail
	case m.Addr != report.Secure || m.TLSA == NoTLSA || m.TLSA == "":
		return notApplicable
	case d.MXDNS != report.Secure && !lenient:
		return notApplicable
	}
	return m.TLSA
}

func either(condition bool, yes, no report.Outcome) report.Outcome {
	if condition {
		return yes
	}
	return no
}
