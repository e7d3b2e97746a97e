package starttls

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// words for the oddities of evidence.
var oddWords = map[report.Oddity]string{
	report.OddLongLine:  "lines of more than 512 octets",
	report.OddBareLF:    "lines that end in a bare line feed",
	report.OddNonASCII:  "characters outside US-ASCII",
	report.OddNoCode:    "lines without a reply code",
	report.OddEmptyLine: "empty lines",
	report.OddCode:      "codes that SMTP does not have",
}

// judgeDialogue judges the talk before STARTTLS, and what put an end to it.
func judgeDialogue(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address) {
	s := a.SMTP
	add := func(id string) *report.Finding { return j.Add(id).At(h.Name, a.IP) }
	greeted := a.Failure == nil || a.Failure.Phase != report.PhaseGreeting
	if greeted {
		add("SMT-01").With("ms", s.GreetingMS).Showing("220 " + s.Banner)
	}
	judgeForm(add, s)
	if name := selfStyled(s.Banner); name != "" && !strings.EqualFold(name, h.Name) && greeted && !isAddress(h.Name) {
		add("SMT-07").With("name", name)
	}
	reason, stopped := stoppedLater(a)
	switch {
	case s.STARTTLS == report.NotTried:
		judgeEnd(add, r, h, a)
	case leftAlone(a):
		add("NET-11").Saying("reason", a.Failure.Statement.Or(a.Failure.Text))
	case stopped:
		add("SMT-26").Saying("reason", reason).With("connections", a.Connections)
	}
	if in := inClear(s.EHLO); len(in) > 0 {
		add("SMT-24").With("mechanisms", strings.Join(in, " and "))
	}
	if s.Changed {
		f := add("SMT-25")
		switch h.TLSA.State {
		case report.TLSAMatch, report.TLSAMismatch, report.TLSAUnusable: // secure TLSA records, which every visit must honour
			f.As(report.Fail).Setting("M.tlsa=mismatch").Fixing(report.Effect("M.tlsa=" + h.TLSA.State))
		}
	}
	if further := furtherKeywords(s); len(further) > 0 {
		add("SMT-27").With("keywords", strings.Join(further, ", "))
	}
}

// judgeForm judges how the replies are written.
func judgeForm(add func(id string) *report.Finding, s *report.SMTP) {
	var odd []string
	for _, o := range s.Oddities {
		if o == report.OddMixedCodes {
			add("SMT-06")
		} else {
			odd = append(odd, oddWords[o])
		}
	}
	if s.Offer != nil && tooMuch[s.Offer.Form] != "" {
		odd = append(odd, tooMuch[s.Offer.Form])
	}
	if odd != nil {
		add("SMT-05").With("oddities", strings.Join(odd, ", ")).Saying("who", whoBreaksOff(s.Offer))
	}
}

// judgeEnd judges what put an end to the talk before it was known what comes of STARTTLS.
func judgeEnd(add func(id string) *report.Finding, r report.Observed, h *report.Host, a *report.Address) {
	s, failed := a.SMTP, report.Failure{}
	if a.Failure != nil {
		failed = *a.Failure
	}
	greeting := failed.Phase == report.PhaseGreeting
	switch {
	case code(s.Reply) == 421, greeting && code(s.Reply)/100 == 4:
		add("SMT-02").With("reply", s.Reply)
	case greeting && failed.Kind == report.KindReply:
		add("SMT-03").With("reply", s.Reply)
	case greeting && failed.Kind == report.KindProtocol: // SMT-05 has said it
	case greeting:
		add("SMT-04").Saying("reason", failed.Statement.Or(failed.Text))
	case failed.Phase == report.PhaseEHLO && failed.Kind == report.KindReply:
		add("SMT-09").With("reply", s.Reply)
	case failed.Phase == report.PhaseSTARTTLS && s.Tries > 0 && failed.Kind != report.KindTimeout:
		f := add("SMT-16").With("reply", cmp.Or(s.Reply, "connection "+string(failed.Kind))).With("tries", s.Tries).Saying("since", report.Say(report.SaysWithinSeconds)).
			Saying("meaning", report.Say(report.SaysLimitOrFault))
		if outOfOrder(r, h, a) {
			f.As(report.Fail).Setting(noTLS...).Fixing(working...).
				Saying("since", report.Say(report.SaysEveryVisitSince, "since", r.Past.Host(h.Name).Address(a.IP).PutOffSince.UTC().Format("2006-01-02 15:04 UTC"))).
				Saying("meaning", report.Say(report.SaysTLSOutOfOrder))
		}
	default:
		add("SMT-26").Saying("reason", failed.Statement.Or(failed.Text)).With("connections", a.Connections)
	}
}

// stoppedLater says why questions beyond STARTTLS stayed open, when they did.
func stoppedLater(a *report.Address) (reason report.Statement, stopped bool) {
	if a.Failure != nil {
		return a.Failure.Statement.Or(a.Failure.Text), true
	}
	if a.TLS == nil {
		return reason, false
	}
	for _, p := range a.TLS.Probes {
		if p.Result == report.ProbeUntested {
			return report.Say(report.SaysProbeUnanswered, "probe", p.Name).About(p.Statement.Or(p.Text)), true
		}
	}
	return reason, false
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
