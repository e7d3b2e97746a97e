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
		who := "Of the senders that were measured none can do it; they cannot agree on TLS with this server and send unencrypted."
		if len(works) > 0 {
			who = "With the defaults of Debian 12 " + namedSenders(works) + " can still do it. Senders that insist on TLS 1.2 cannot: they find no TLS in common with this server and send unencrypted."
		}
		add("SMT-19").With("version", old).With("who", who).Showing(lines...)
	case tried && len(fails) > 0:
		judgeFails(add, s, works, fails)
	default:
		add("SMT-15").With("hello", helloWords[Worked(s.Ladder)]).Showing(lines...)
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
		add("SMT-35").With("fails", namedSenders(fails)).With("agreed", sentence("A handshake was agreed on ", agreement(s.Ladder))).With("change", change(s)).Showing(lines...)
		return
	}
	f := add("SMT-34").With("works", namedSenders(works)).With("fails", namedSenders(fails)).
		With("agreed", sentence("Agreed was ", agreement(s.Ladder))).With("change", change(s)).Showing(lines...)
	if slices.ContainsFunc(fails, main) {
		f.As(report.Fail).Setting("M.tls=ok", "cap C")
	}
}

// change is what makes everybody get on with a server.
func change(s *report.SMTP) string {
	without13 := false
	for _, r := range s.Ladder {
		switch {
		case r.Hello == report.HelloNoHybrid && !r.OK:
			without13 = true
		case r.Hello == report.HelloSmallTLS12 && r.OK && without13:
			return "Update the TLS library of the mail server, or the device in front of it, so that a hello may offer TLS 1.3."
		case r.Hello == report.HelloNoHybrid && r.OK:
			return "Update the TLS library of the mail server, or the device in front of it, so that a hello may come in several packets."
		}
	}
	if s.CertificateOctets > 100<<10 {
		return "Send the certificate of the server with the intermediates that lead to its root, and nothing else."
	}
	return "Serve an RSA certificate of 2048 bits or an ECDSA P-256 one, written by the rules of RFC 5280. Allow TLS 1.2 and 1.3 with the cipher suites, groups and signatures that the TLS library allows by default."
}

// sentence is text with what goes before and a full stop; empty without it.
func sentence(before, text string) string {
	if text == "" {
		return ""
	}
	return " " + before + text + "."
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
		case r.Version == "TLS1.1", r.Version == "TLS1.0":
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
	helloWords  = map[report.Hello]string{
		"":                     "TLS 1.2 and 1.3",
		report.HelloModern:     "TLS 1.2 and 1.3",
		report.HelloNoHybrid:   "TLS 1.2 and 1.3 without ML-KEM",
		report.HelloSmallTLS12: "TLS 1.2 only, small",
		report.HelloEverySuite: "TLS 1.0 to 1.2 with every cipher suite, old ones too",
		report.HelloAllTLS12:   "TLS 1.2 with every cipher suite, old ones too",
		report.HelloNoSNI:      "without a server name",
		report.HelloAnySuite:   "TLS 1.2 and 1.3 with cipher suites and keys that few programs still take",
	}
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
