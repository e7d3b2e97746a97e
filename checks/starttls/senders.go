package starttls

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// Senders are the senders of today that are spoken of.
var Senders = hello.Stacks

// Worked names the hello by which TLS works: the modern one where it did at any try, else the
// first that did; empty for none. A server that breaks off by saying that it does not know the
// name counts as one that works without, also where only a sender's own hello came through.
func Worked(ladder []report.Rung) report.Hello {
	first, nameless := report.Hello(""), false
	for _, r := range ladder {
		switch {
		case r.Hello == modern.name && r.OK:
			return r.Hello
		case r.Hello == modern.name:
			nameless = nameless || r.Alert == unrecognizedName
		case r.OK && first == "":
			first = r.Hello
		}
	}
	if s, known := hello.StackOf(string(first)); known && nameless && !s.Names {
		return report.HelloNoSNI
	}
	return first
}

const unrecognizedName = 112

// fate is what comes of a sender of today that opens TLS with an address.
type fate struct {
	hello.Stack
	works, fails bool   // neither: not known
	why          string // it fails
}

// fates says for each sender of today whether it completes a handshake with an address, from
// what became of its own hello where that was tried, else from what the modern hello and the
// probes showed.
func fates(a *report.Address) []fate {
	list := make([]fate, len(hello.Stacks))
	for i, s := range hello.Stacks {
		f := fate{Stack: s}
		name := report.Hello(s.ID)
		if s.Parses { // the library's own
			name = modern.name
		}
		var tried []report.Rung
		for _, r := range a.SMTP.Ladder {
			if r.Hello == name {
				tried = append(tried, r)
			}
		}
		switch won := slices.IndexFunc(tried, func(r report.Rung) bool { return r.OK }); {
		case won >= 0:
			f.why = lacks(s, a, tried[won])
			f.works, f.fails = f.why == "", f.why != ""
		case len(tried) > 0:
			last := tried[len(tried)-1]
			switch last.Kind {
			case report.KindTimeout, report.KindLimit, report.KindUnfinished: // tells nothing
			default:
				f.fails, f.why = true, outcome(last)
			}
		case Worked(a.SMTP.Ladder) == modern.name:
			f.why = lacks(s, a, report.Rung{})
			f.works, f.fails = f.why == "", f.why != ""
		}
		list[i] = f
	}
	return list
}

// outcome says in a few words how a hello failed.
func outcome(r report.Rung) string {
	switch {
	case r.Alert != 0:
		return fmt.Sprintf("alert %d, %s", r.Alert, hello.AlertName(uint8(r.Alert)))
	case r.Kind == report.KindCertificate, r.Kind == report.KindUnsupported && strings.Contains(r.Error, "failed to parse certificate"):
		return "it cannot parse the certificate"
	case r.Kind == report.KindUnsupported && strings.Contains(r.Error, "handshake message of length"):
		return "the list of certificates is too long for it"
	case r.Kind == report.KindUnsupported:
		return "it does not take a key like that of the certificate"
	case r.Kind == report.KindReset, r.Kind == report.KindClosed:
		return "the connection is " + string(r.Kind)
	}
	return "the handshake fails"
}

// lacks says what a sender does not bear of a handshake that its hello allows; empty for
// nothing. What was agreed is empty where only the modern hello was tried.
func lacks(s hello.Stack, a *report.Address, agreed report.Rung) string {
	suite, _ := hello.SuiteNamed(agreed.Cipher)
	signed := suite.Auth != "anon" && (suite.KeyExchange == "DHE" || suite.KeyExchange == "ECDHE")
	switch {
	case a.SMTP.CertificateOctets > s.MaxCertificates:
		return fmt.Sprintf("it reads %d octets of certificates, and these are %d", s.MaxCertificates, a.SMTP.CertificateOctets)
	case agreed.DHBits > 0 && agreed.DHBits < s.MinDH:
		return fmt.Sprintf("it wants %d bits for Diffie-Hellman, and these are %d", s.MinDH, agreed.DHBits)
	case s.ModernSigners && signed && (agreed.Version == report.TLS10 || agreed.Version == report.TLS11):
		return "it does not take the signatures of " + spokenVersion(agreed.Version)
	case agreed.Hello == "" && hybridOnly(a.TLS) && !slices.ContainsFunc(s.Groups, isHybrid):
		return "it has none of the groups that the server wants: " + strings.Join(a.TLS.Groups, ", ")
	}
	return ""
}

func isHybrid(group uint16) bool { return hello.GroupOf(group).MLKEM }

// hybridOnly reports whether a server agrees keys with ML-KEM and with nothing else.
func hybridOnly(t *report.TLS) bool {
	if t == nil || !slices.Equal(t.Versions, []report.Version{report.TLS13}) || !slices.Contains(t.Refused, report.TLS12) || len(t.Groups) == 0 {
		return false
	}
	refused := false
	for _, p := range t.Probes {
		if p.Result == report.ProbeUntested {
			return false
		}
		refused = refused || p.Name == "TLS1.3" && p.Result == report.ProbeRefused
	}
	return refused && !slices.ContainsFunc(t.Groups, func(name string) bool {
		g, _ := hello.GroupNamed(name)
		return !g.MLKEM
	})
}

// namedSenders lists senders in a sentence, with why where they fail.
func namedSenders(list []fate) string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name
		if f.why != "" {
			names[i] += " (" + f.why + ")"
		}
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func spokenVersion(version report.Version) string {
	return strings.Replace(string(version), "TLS", "TLS ", 1)
}

// agreement says what a hello of our own making agreed on, as far as it tells senders apart.
func agreement(ladder []report.Rung) string {
	for _, r := range ladder {
		if !r.OK || r.Version == "" {
			continue
		}
		parts := []string{spokenVersion(r.Version), r.Cipher}
		if r.Group != "" {
			parts = append(parts, "the group "+r.Group)
		}
		if r.DHBits > 0 {
			parts = append(parts, fmt.Sprintf("Diffie-Hellman with %d bits", r.DHBits))
		}
		if r.Scheme != "" {
			parts = append(parts, "a signature by "+r.Scheme)
		}
		return strings.Join(parts, ", ")
	}
	return ""
}
