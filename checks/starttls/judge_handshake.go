package starttls

import (
	"slices"

	"mxseal/checks/report"
)

// judgeHandshake judges who completes a handshake with an address at which one hello at least
// came through.
func judgeHandshake(add func(id string) *report.Finding, h *report.Host, a *report.Address) {
	s := a.SMTP
	unnamed := onlyWithoutName(s.Ladder)
	lines := ladderLines(s.Ladder)
	works, fails, tried := sorted(fates(a), unnamed)
	old, isOld := oldVersion(s.Ladder)
	switch {
	case isOld:
		who := report.Say(report.SaysNoneCanDoIt)
		if len(works) > 0 {
			who = report.Say(report.SaysSomeCanDoIt, "senders", namedSenders(works))
		}
		add("SMT-19").With("version", old).Saying("who", who).Showing(lines...)
	case tried && len(fails) > 0:
		judgeFails(add, s, works, fails)
	default:
		add("SMT-15").Saying("hello", report.Say(report.SaysHelloWas, "hello", Worked(s.Ladder))).Showing(lines...)
	}
	if unnamed {
		f := add("SMT-36").Showing(lines...)
		switch h.TLSA.State {
		case report.TLSAMatch, report.TLSAMismatch, report.TLSAUnusable: // senders that look at TLSA records name the host
			f.Setting("M.tlsa=mismatch", "M.pkix=false").Fixing(report.Effect("M.tlsa="+h.TLSA.State), "M.pkix=true")
		}
	}
}

// sorted tells the senders that complete a handshake from those that fail, and says whether
// another one than the library was tried. Of a server that takes none who names it those that do
// are left out, since SMT-36 says so.
func sorted(list []fate, unnamed bool) (works, fails []fate, tried bool) {
	for _, f := range list {
		switch {
		case f.works:
			works = append(works, f)
		case f.fails && unnamed && f.Names:
			continue
		case f.fails:
			fails = append(fails, f)
		}
		tried = tried || !f.Parses && (f.works || f.fails)
	}
	return works, fails, tried
}

// judgeFails judges an address at which some senders fail, or all.
func judgeFails(add func(id string) *report.Finding, s *report.SMTP, works, fails []fate) {
	main := func(f fate) bool { return f.ID == "postfix" || f.ID == "exim" }
	lines := ladderLines(s.Ladder)
	if !slices.ContainsFunc(works, main) && bothFail(fails) {
		add("SMT-35").With("fails", namedSenders(fails)).Saying("agreed", agreedOn(report.SaysHandshakeAgreed, s.Ladder)).Saying("change", report.Say(change(s))).Showing(lines...)
		return
	}
	f := add("SMT-34").With("works", namedSenders(works)).With("fails", namedSenders(fails)).
		Saying("agreed", agreedOn(report.SaysAgreedWas, s.Ladder)).Saying("change", report.Say(change(s))).Showing(lines...)
	if slices.ContainsFunc(fails, main) {
		f.As(report.Fail).Setting("M.tls=ok", "cap C")
	}
}

// change is what makes everybody get on with a server.
func change(s *report.SMTP) report.Says {
	without13 := false
	for _, r := range s.Ladder {
		switch {
		case r.Hello == report.HelloNoHybrid && !r.OK:
			without13 = true
		case r.Hello == report.HelloSmallTLS12 && r.OK && without13:
			return report.SaysUpdateForTLS13
		case r.Hello == report.HelloNoHybrid && r.OK:
			return report.SaysUpdateForLong
		}
	}
	if s.CertificateOctets > 100<<10 {
		return report.SaysSendLess
	}
	return report.SaysServeUsual
}

// agreedOn says what a hello of our own making agreed on, where that is known.
func agreedOn(code report.Says, ladder []report.Rung) report.Statement {
	if what := agreement(ladder); what != "" {
		return report.Say(code, "agreed", what)
	}
	return report.Statement{}
}

// bothFail reports whether the two senders that most mail servers are made of fail.
func bothFail(fails []fate) bool {
	return slices.ContainsFunc(fails, func(f fate) bool { return f.ID == "postfix" }) &&
		slices.ContainsFunc(fails, func(f fate) bool { return f.ID == "exim" })
}

// onlyWithoutName reports whether a handshake fails with the host's name in the hello, and
// works with nothing changed but that.
func onlyWithoutName(ladder []report.Rung) bool {
	for _, r := range ladder {
		if r.Hello == modern.name {
			return r.Kind != report.KindTimeout && Worked(ladder) == report.HelloNoSNI
		}
	}
	return false
}

// oldVersion returns the version below TLS 1.2 in which alone a handshake came about.
func oldVersion(ladder []report.Rung) (version string, old bool) {
	for _, r := range ladder {
		if !r.OK {
			continue
		}
		switch {
		case r.Version == report.TLS11, r.Version == report.TLS10:
			version = spokenVersion(r.Version)
		case oldVersions[r.Hello] != "":
			version = oldVersions[r.Hello]
		default:
			return "", false
		}
	}
	return version, version != ""
}

var (
	oldVersions = map[report.Hello]string{report.HelloTLS11: "TLS 1.1", report.HelloTLS10: "TLS 1.0"}
)

// ladderLines are the attempts as lines of evidence; none when the first worked.
func ladderLines(ladder []report.Rung) []string {
	if len(ladder) > 0 && ladder[0].OK {
		return nil
	}
	var lines []string
	for _, r := range ladder {
		outcome := r.Error
		if r.OK {
			outcome = "works"
		}
		lines = append(lines, string(r.Hello)+": "+outcome)
	}
	return lines
}
