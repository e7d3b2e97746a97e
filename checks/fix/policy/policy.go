// Package policy is how an MTA-STS policy is put in force, or put right, without a message lost:
// first the file, then the id that makes senders fetch it; first as a test, then as a promise
// (RFC 8461).
package policy

import (
	"slices"
	"strings"
	"time"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

const (
	fourWeeks = 2419200 // RFC 8461 §3.2: weeks or greater
	quiet     = 14 * 24 * time.Hour
	aWeek     = 604800
)

// Serve are the steps to a policy in mode enforce that covers every mail server.
func Serve(p place.Place) []report.Step {
	var steps []report.Step
	if len(Covered(p)) == 0 { // a policy without a server is none (RFC 8461 §3.2)
		return []report.Step{{Who: report.Owner, Kind: report.StepTask, Text: "First publish MX records with the names of mail servers that have an address. The policy has to name them, so it can be written only then."}}
	}
	m := p.Report.MTASTS
	state, age := report.STSAbsent, int64(fourWeeks)
	if m != nil {
		state = m.State
		if m.Policy != nil && m.Policy.MaxAge >= aWeek && m.Policy.MaxAge <= 31557600 {
			age = m.Policy.MaxAge
		}
	}
	if state != report.STSEnforce && state != report.STSTesting {
		steps = append(steps, host(p)...)
		file := File(p, "testing", WhileTesting, "Serve this file. In mode testing senders deliver as before and report what would have failed.")
		if state == report.STSInvalid {
			file.Risk = "If the domain has promised mode enforce before, mode testing takes that back until the last steps: senders deliver without TLS meanwhile, if they must. The file with mode enforce restores the promise."
		}
		steps = append(steps, file,
			ID(p, p.Report.CheckedAt, "Then tell senders of it, by the only TXT record at this name."))
		last := &steps[len(steps)-1]
		last.Wait = "two weeks of TLS reports without failures; they need a TLS reporting record"
		last.Risk = "Nothing while testing."
	}
	if list := unfit(p.Report); len(list) > 0 {
		steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepTask, Text: "Before the promise: see that " + strings.Join(list, ", ") +
			" can keep it. Each mail server needs TLS and a public certificate for its own name; as it is, senders would not deliver to it."})
	}
	promise := File(p, "enforce", age, "Once nothing fails any more, change the file to mode enforce. Senders now insist on a valid certificate of one of these hosts.")
	if state == report.STSEnforce {
		promise.Text = "Serve this file."
	}
	promise.Risk = "Senders that check, such as Gmail and Exchange Online, then deliver only to mail servers that the file names and whose certificate is valid. TLS reports name it the next day. Mode testing, with another id, takes the promise back."
	at := p.Report.CheckedAt
	if state != report.STSEnforce && state != report.STSTesting {
		at = at.Add(quiet)
	}
	return append(steps, promise, ID(p, at, "Then change the id: senders fetch the file again only when they see another one."))
}

// unfit names the mail servers that could not keep the promise of a policy.
func unfit(r *report.Report) []string {
	var list []string
	for _, h := range r.Hosts {
		if place.Plain(h.Name) && slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
			return a.Reachable && (len(a.Certificates) == 0 || slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool {
				return c.Via != report.ViaNoName && c.PKIX != report.PKIXOK && c.PKIX != report.PKIXUntested
			}))
		}) {
			list = append(list, h.Name)
		}
	}
	return list
}

// RecordAlone corrects the TXT record alone; the file, if there is one, is good.
func RecordAlone(p place.Place) []report.Step {
	if p.Report.MTASTS == nil || p.Report.MTASTS.Policy == nil {
		return Serve(p)
	}
	step := ID(p, p.Report.CheckedAt, "Publish this as the only TXT record at this name. The policy file stays as it is.")
	if p.Report.MTASTS.Policy.Mode == report.ModeEnforce {
		step.Risk = "Senders begin to insist on the policy, which says enforce: every mail server has to keep it."
	}
	return []report.Step{step}
}

// ServeAgain is for a file that cannot be fetched: the web server is at fault, and the file, with
// its mode, stays as it is.
func ServeAgain(p place.Place) []report.Step { return append(sameFile(p), asNew(p)...) }

// CertifyHost is for a web server whose certificate does not hold.
func CertifyHost(p place.Place) []report.Step {
	return append(append(sameFile(p), certify()), asNew(p)...)
}

func sameFile(p place.Place) []report.Step {
	return []report.Step{{Who: report.Owner, Kind: report.StepTask, Where: "the web server of mta-sts.{domain}", Text: p.Finding.FixText + " The policy file stays as it is, with its mode.",
		Risk: "Senders that hold the policy in memory go by it until its max_age ends; the others deliver without one."}}
}

// asNew is for an owner who has no such file any more.
func asNew(p place.Place) []report.Step {
	steps := Serve(p)
	if len(steps) > 0 {
		steps[0].Text = "Only if there is no such file any more, start again. " + steps[0].Text
	}
	return steps
}

// NameServer adds the mail server to the policy, or takes it out of the MX records.
func NameServer(p place.Place) []report.Step {
	steps := Serve(p)
	if p.Hosted() && len(p.MX(p.Finding.Host)) > 0 {
		steps[0].Text += " If {host} is none of your servers, delete its MX record instead."
	}
	return steps
}
