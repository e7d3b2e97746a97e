package sender

import (
	"slices"
	"strings"
)

// Fix names what the operator of a sender can change.
type Fix string

const (
	FixEncrypt    Fix = "encrypt"    // turn TLS on
	FixVersions   Fix = "versions"   // of TLS
	FixResolver   Fix = "resolver"   // that validates
	FixDANE       Fix = "dane"       //
	FixMTASTS     Fix = "mta-sts"    //
	FixMXNames    Fix = "mx-names"   // compare them with the policy
	FixPrecedence Fix = "precedence" // of DANE over MTA-STS
)

// Software is what a mail server runs, as far as it shows.
type Software string

const (
	Other          Software = ""
	Postfix        Software = "Postfix"
	Exim           Software = "Exim"
	OpenSMTPD      Software = "OpenSMTPD"
	Exchange       Software = "Exchange"
	ExchangeOnline Software = "Exchange Online"
	Gmail          Software = "Gmail"
)

// hosted are the names by which large services greet.
var hosted = []struct {
	suffix string
	runs   Software
}{
	{".outbound.protection.outlook.com", ExchangeOnline},
	{".google.com", Gmail},
}

// speaking are the habits by which programs are told apart, the first that fits.
var speaking = []struct {
	runs       Software
	has, lacks []Habit
}{
	{runs: Postfix, has: []Habit{SaysORCPT, SaysSIZE}},
	{runs: Exchange, has: []Habit{SaysBDAT, SaysSIZE, SaysBODY}},
	{runs: Exim, has: []Habit{SaysBDAT, SaysSIZE}},
	{runs: OpenSMTPD, has: []Habit{Stays}, lacks: []Habit{SaysSIZE, SaysBDAT}},
}

// softwareOf recognises a server by its name and by how it speaks. It is a guess, which chooses the
// instructions and nothing else.
func softwareOf(e *Evidence, v *View) Software {
	for i := range e.Sessions {
		s := &e.Sessions[i]
		if !slices.Contains(v.Clients, s.From) {
			continue
		}
		for _, h := range hosted {
			if strings.HasSuffix(strings.ToLower(s.EHLO), h.suffix) {
				return h.runs
			}
		}
		if runs := s.spoken(); runs != Other {
			return runs
		}
	}
	return Other
}

// spoken is the program that speaks so; what it is shows with a message.
func (s *Session) spoken() Software {
	has := func(h Habit) bool { return slices.Contains(s.Habits, h) }
	lacks := func(h Habit) bool { return !has(h) }
	if len(s.Messages) == 0 {
		return Other
	}
	for _, p := range speaking {
		if !slices.ContainsFunc(p.has, lacks) && !slices.ContainsFunc(p.lacks, has) {
			return p.runs
		}
	}
	return Other
}

// Step is what to do, in a sentence, and what to write where.
type Step struct {
	Say  string
	Text string // to be pasted; may be empty
}

// how says how each fix is made with each software. What holds for all others stands at Other.
var how = map[Fix]map[Software][]Step{
	FixEncrypt: {
		Postfix:   {{"Let Postfix encrypt where it can, in main.cf:", "smtp_tls_security_level = may"}},
		Exim:      {{"Remove hosts_avoid_tls from the smtp transport. Exim encrypts by itself.", ""}},
		OpenSMTPD: {{"Remove “smtp+notls://” and similar from the relay action. OpenSMTPD encrypts by itself.", ""}},
		Exchange:  {{"Let the send connector use opportunistic TLS:", "Set-SendConnector \"Outbound\" -IgnoreSTARTTLS $false"}},
		Other:     {{"Turn on STARTTLS for outgoing mail. Look for “opportunistic TLS” in the manual.", ""}},
	},
	FixVersions: {
		Postfix: {{"Allow TLS 1.2 and newer, in main.cf:", "smtp_tls_protocols = >=TLSv1.2\nsmtp_tls_mandatory_protocols = >=TLSv1.2"}},
		Exim:    {{"Where Exim is built with GnuTLS, set in the main part of its configuration:", "tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"}},
		Other:   {{"Install a TLS library of today, and allow TLS 1.2 and newer for outgoing mail.", ""}},
	},
	FixResolver: {
		Other: {{"Run a resolver that validates on the mail server itself. For Unbound on Debian:", "apt install unbound\necho 'nameserver 127.0.0.1' >/etc/resolv.conf\necho 'options edns0 trust-ad' >>/etc/resolv.conf"}},
	},
	FixDANE: {
		Postfix: {{"First run a resolver that validates on the same machine (“options edns0 trust-ad” in /etc/resolv.conf).", ""},
			{"Then, in main.cf:", "smtp_dns_support_level = dnssec\nsmtp_tls_security_level = dane"}},
		Exim: {{"First run a resolver that validates on the same machine.", ""},
			{"Then set in the smtp transport, and dnssec_request_domains = * in the dnslookup router:", "hosts_try_dane = *\ndnssec_request_domains = *"}},
		OpenSMTPD:      {{"OpenSMTPD does not check DANE. Send through Postfix or Exim, or through a provider that checks it.", ""}},
		Exchange:       {{"Exchange Server does not check DANE. Send through a server that does, such as Postfix or Exchange Online.", ""}},
		ExchangeOnline: {{"Exchange Online checks DANE by itself. Ask Microsoft why it does not for you.", ""}},
		Gmail:          {{"Gmail does not check DANE. Ask Google for it, or choose a provider that checks it.", ""}},
		Other:          {{"Look for “DANE for outgoing mail” in the manual. It needs a resolver that validates. Postfix and Exim can do it.", ""}},
	},
	FixMTASTS: {
		Postfix: {{"Install the daemon that looks policies up:", "apt install postfix-mta-sts-resolver"},
			{"Ask it, in main.cf:", "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt"},
			{"It answers for domains with DANE, too, and Postfix then checks the policy in place of their TLSA records. Where you check DANE, use postfix-tlspol instead: it asks for TLSA records first.", ""}},
		Exim:      {{"Exim does not check MTA-STS. DANE is what it can check; for the rest send through a server that checks both.", ""}},
		OpenSMTPD: {{"OpenSMTPD does not check MTA-STS. Send through Postfix, or through a provider that checks it.", ""}},
		Exchange:  {{"Exchange Server does not check MTA-STS. Send through a server that does, such as Postfix or Exchange Online.", ""}},
		Other:     {{"Look for “MTA-STS for outgoing mail” in the manual. For Postfix there is postfix-mta-sts-resolver.", ""}},
	},
	FixMXNames: {
		Postfix: {{"Update Postfix to 3.10.5 or newer, and its MTA-STS daemon to one that sends the names of the policy.", ""}},
		Other:   {{"Update the server. It has to compare the names of MX records with the policy, too.", ""}},
	},
	FixPrecedence: {
		Postfix: {{"postfix-mta-sts-resolver answers for domains with TLSA records, too, and its answer replaces DANE. Use postfix-tlspol in its place, which asks for TLSA records first.", ""}},
		Other:   {{"Let DANE win where a domain has both: a policy must not replace TLSA records that do not fit.", ""}},
	},
}

// Steps are those of a fix for a software.
func Steps(f Fix, s Software) []Step {
	if steps, known := how[f][s]; known {
		return steps
	}
	return how[f][Other]
}

// Flush says how a software is told to try again what a test, by its id, has left in its queue; nil where we do not know.
// OpenSMTPD knows null MX records (RFC 7505) since version 7.5.
func Flush(s Software, id string) []Step {
	switch s {
	case Postfix:
		return []Step{{"Let Postfix try again:", "postqueue -f"}}
	case Exim:
		return []Step{{"Let Exim try again:", "exim -qff"}}
	case OpenSMTPD:
		return []Step{{"Let OpenSMTPD try again:", "smtpctl schedule all"},
			{"Before version 7.5 it does not know that a domain can take no mail, and keeps the message for four days. Remove what is left of this test:",
				"for each in $(smtpctl show queue | grep -F " + id + " | cut -d'|' -f1); do smtpctl remove $each; done"}}
	}
	return nil
}
