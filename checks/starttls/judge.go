package starttls

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// Derive recognises the software of each server.
func Derive(r report.Observed) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.SMTP != nil {
				a.SMTP.Software = software(a.SMTP.Banner)
			}
		}
	}
}

// Judge says what the conversations with the mail servers of a report show.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	judgeReach(j, r)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			switch {
			case ourTrouble(a) && !reached(a): // OPS-12 says so
			case leftAlone(a) && !reached(a):
				j.Add("NET-08").At(h.Name, a.IP).With("reason", a.Failure.Text).With("unseen", a.IP+" of "+h.Name).Setting(alone(r, h, a)...)
			case connected(a):
				judgeDialogue(j, r, h, a)
				judgeTLS(j, h, a)
				judgeEnforcement(j, r, h, a)
			case a.Failure != nil && a.NotTested == "":
				f := j.Add("NET-01").At(h.Name, a.IP).With("reason", a.Failure.Text).With("proxy", "")
				if p := behind(h.Name, a.IP); p != nil {
					f.With("proxy", fmt.Sprintf(" It stands among the addresses that %s publishes for its web proxies, and those pass no mail unless that was ordered: %s needs the address of the mail server itself.", p.Operator, h.Name)).
						Showing(p.Source + ", " + p.AsOf)
				}
			}
		}
	}
	return j.Findings()
}

// words for the oddities of evidence.
var oddWords = map[string]string{
	"long-line":  "lines of more than 512 octets",
	"bare-lf":    "lines that end in a bare line feed",
	"non-ascii":  "characters outside US-ASCII",
	"no-code":    "lines without a reply code",
	"empty-line": "empty lines",
	"odd-code":   "codes that SMTP does not have",
}

// judgeDialogue judges the talk before STARTTLS, and what put an end to it.
func judgeDialogue(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address) {
	s := a.SMTP
	add := func(id string) *report.Finding { return j.Add(id).At(h.Name, a.IP) }
	failed := report.Failure{}
	if a.Failure != nil {
		failed = *a.Failure
	}
	if failed.Phase != "greeting" {
		add("SMT-01").With("ms", s.GreetingMS).Showing("220 " + s.Banner)
	}
	var odd []string
	for _, o := range s.Oddities {
		if o == "mixed-codes" {
			add("SMT-06")
		} else {
			odd = append(odd, oddWords[o])
		}
	}
	if s.Offer != nil && tooMuch[s.Offer.Form] != "" {
		odd = append(odd, tooMuch[s.Offer.Form])
	}
	if odd != nil {
		add("SMT-05").With("oddities", strings.Join(odd, ", ")).With("who", whoBreaksOff(s.Offer))
	}
	if name := selfStyled(s.Banner); name != "" && !strings.EqualFold(name, h.Name) && failed.Phase != "greeting" && !isAddress(h.Name) {
		add("SMT-07").With("name", name)
	}
	if s.STARTTLS == "untested" {
		reply := s.Reply
		switch {
		case code(s.Reply) == 421, failed.Phase == "greeting" && code(s.Reply)/100 == 4:
			add("SMT-02").With("reply", reply)
		case failed.Phase == "greeting" && failed.Kind == "reply":
			add("SMT-03").With("reply", reply)
		case failed.Phase == "greeting" && failed.Kind == "protocol": // SMT-05 has said it
		case failed.Phase == "greeting":
			add("SMT-04").With("reason", failed.Text)
		case failed.Phase == "ehlo" && failed.Kind == "reply":
			add("SMT-09").With("reply", reply)
		case failed.Phase == "starttls" && s.Tries > 0 && failed.Kind != "timeout":
			if reply == "" {
				reply = "connection " + failed.Kind
			}
			f := add("SMT-16").With("reply", reply).With("tries", s.Tries).With("since", "within some seconds").
				With("meaning", "Either it limits TLS sessions from one address, or its TLS is out of order: then senders fall back to clear text. One visit cannot tell.")
			if outOfOrder(r, h, a) {
				f.As(report.Fail).Setting(noTLS...).Repairing(working...).
					With("since", "today, and on every visit since "+r.Past.Host(h.Name).Address(a.IP).PutOffSince.UTC().Format("2006-01-02 15:04 UTC")).
					With("meaning", "Its TLS is out of order, and senders fall back to clear text.")
			}
		default:
			add("SMT-26").With("reason", failed.Text).With("connections", a.Connections)
		}
	} else if leftAlone(a) {
		add("NET-11").With("reason", a.Failure.Text)
	} else if reason, stopped := stoppedLater(a); stopped {
		add("SMT-26").With("reason", reason).With("connections", a.Connections)
	}
	if in := inClear(s.EHLO); len(in) > 0 {
		add("SMT-24").With("mechanisms", strings.Join(in, " and "))
	}
	if s.Changed {
		f := add("SMT-25")
		switch h.TLSA.State {
		case "match", "mismatch", "unusable": // secure TLSA records, which every visit must honour
			f.As(report.Fail).Setting("M.tlsa=mismatch").Repairing(report.Effect("M.tlsa=" + h.TLSA.State))
		}
	}
	if further := furtherKeywords(s); len(further) > 0 {
		add("SMT-27").With("keywords", strings.Join(further, ", "))
	}
}

// judgeTLS judges the offer of STARTTLS and what came of it.
func judgeTLS(j *report.Judgement, h *report.Host, a *report.Address) {
	s := a.SMTP
	add := func(id string) *report.Finding { return j.Add(id).At(h.Name, a.IP) }
	switch s.STARTTLS {
	case "untested":
		return
	case "not-offered":
		switch {
		case s.HELO && s.Offer != nil && s.Offer.Form == "masked-greeting":
			add("SMT-30").Showing("220 " + s.Banner)
		case s.HELO:
			reply := ""
			if s.Reply != "" {
				reply = "It answered EHLO by “" + s.Reply + "” and took HELO. "
			}
			add("SMT-08").With("reply", reply)
		case masked(s.EHLO):
			add("SMT-13").Showing(s.EHLO...)
		default:
			cause, change := unseen(s.Offer)
			add("SMT-12").With("cause", cause).With("change", change).Showing(s.EHLO...)
		}
		if s.Hidden && s.Offer == nil {
			add("SMT-14")
		}
		return
	}
	add("SMT-10")
	if o := s.Offer; o != nil && o.Form != "parameter" && bySender(o, "clear") != "" {
		add("SMT-29").With("where", formWords[o.Form]).With("line", quoted(o.Line)).With("who", bySender(o, "clear"))
	}
	for _, keyword := range s.EHLO {
		if name, parameter, _ := strings.Cut(strings.TrimLeft(keyword, " "), " "); strings.EqualFold(name, "STARTTLS") && parameter != "" {
			add("SMT-11").With("keyword", keyword)
		}
	}
	if s.Stray != "" {
		add("SMT-20").Showing(s.Stray)
	}
	switch s.STARTTLS {
	case "refused":
		add("SMT-17").With("reply", s.Reply)
	case "handshake-failed":
		switch {
		case s.ClientCert == "required":
			add("ENF-08").With("how", "and breaks off without").
				With("change", "Ask, do not require. Postfix: smtpd_tls_req_ccert = no. Exim: tls_verify_hosts empty; tls_try_verify_hosts may stay.").
				Showing(ladderLines(s.Ladder)...)
		case len(s.Ladder) > 0:
			add("SMT-18").With("rungs", len(s.Ladder)).With("reason", s.Ladder[0].Error).Showing(ladderLines(s.Ladder)...)
		}
	case "ok":
		if s.ClientCert == "asked" {
			add("ENF-08").As(report.Info).Setting().Repairing().With("how", "which does no harm").With("change", "")
		}
		judgeHandshake(add, h, a)
		judgeInside(add, s)
	}
}

// judgeInside judges the talk inside TLS.
func judgeInside(add func(id string) *report.Finding, s *report.SMTP) {
	switch s.Injection {
	case "answered":
		add("SMT-21").With("outcome", "obeyed").With("change", "Update the mail server or the TLS proxy in front of it.")
	case "discarded":
		add("SMT-21").As(report.Pass).Setting().With("outcome", "forgotten").With("change", "")
	case "closed":
		add("SMT-21").As(report.Pass).Setting().With("outcome", "not obeyed").With("change", "")
	}
	if s.EHLOTLS != nil {
		add("SMT-22")
	}
	if smtp.Lists(s.EHLOTLS, "STARTTLS") {
		add("SMT-23")
	}
}

var (
	oldVersions = map[string]string{"tls11": "TLS 1.1", "tls10": "TLS 1.0"}
	helloWords  = map[string]string{
		"":            "TLS 1.2 and 1.3",
		"modern":      "TLS 1.2 and 1.3",
		"no-hybrid":   "TLS 1.2 and 1.3 without ML-KEM",
		"small-tls12": "TLS 1.2 only, small",
		"every-suite": "TLS 1.0 to 1.2 with every cipher suite, old ones too",
		"all-tls12":   "TLS 1.2 with every cipher suite, old ones too",
		"no-sni":      "without a server name",
		"any-suite":   "TLS 1.2 and 1.3 with cipher suites and keys that few programs still take",
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
		lines = append(lines, r.Hello+": "+outcome)
	}
	return lines
}

// stoppedLater says why questions beyond STARTTLS stayed open, when they did.
func stoppedLater(a *report.Address) (reason string, stopped bool) {
	if a.Failure != nil {
		return a.Failure.Text, true
	}
	if a.TLS == nil {
		return "", false
	}
	for _, p := range a.TLS.Probes {
		if p.Result == "untested" {
			return fmt.Sprintf("The probe %s had no answer: %s", p.Name, p.Text), true
		}
	}
	return "", false
}

// furtherKeywords are the extensions worth a mention, beside STARTTLS.
func furtherKeywords(s *report.SMTP) []string {
	var list []string
	for _, k := range []string{"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "REQUIRETLS", "AUTH"} {
		if smtp.Lists(s.EHLO, k) || smtp.Lists(s.EHLOTLS, k) {
			list = append(list, k)
		}
	}
	return list
}

// selfStyled is the host name that a greeting begins with; empty when there is none.
func selfStyled(banner string) string {
	name, _, _ := strings.Cut(banner, " ")
	name = strings.TrimSuffix(name, ".")
	if !strings.Contains(name, ".") {
		return ""
	}
	for i := range len(name) {
		if c := name[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return ""
		}
	}
	return name
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// code is the reply code that a quoted reply begins with; 0 when there is none.
func code(reply string) int {
	digits, _, _ := strings.Cut(reply, " ")
	n, _ := strconv.Atoi(digits)
	return n
}

// inClear returns the mechanisms of AUTH that send the password as it is; the others prove that
// it is known, or show something else that was given beforehand. Old servers write AUTH=.
func inClear(keywords []string) []string {
	var list []string
	for _, k := range keywords {
		fields := strings.FieldsFunc(strings.ToUpper(k), func(r rune) bool { return r == ' ' || r == '\t' || r == '=' })
		if len(fields) == 0 || fields[0] != "AUTH" {
			continue
		}
		for _, m := range []string{"PLAIN", "LOGIN"} {
			if slices.Contains(fields[1:], m) && !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	return list
}
