package checks

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/internal/share"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/view"
)

// SelfTest looks at the program's own place in the network: can the resolver do DNSSEC, is
// the clock right, does the EHLO name resolve back, is port 25 open outward, and is
// STARTTLS left alone on our side, and do hellos of more than one packet come through. The last
// three need control hosts: mail servers that are
// known to offer STARTTLS. What it finds is noted in every report made until the next one,
// so that no verdict is published that our own network has spoilt (RULES OPS-01, OPS-06,
// SEC-28).
func (e *Engine) SelfTest(ctx context.Context, controls []string) []report.Condition {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	began := time.Now()
	short, _ := e.dialer.Short()
	var list [4][]report.Condition
	var all sync.WaitGroup
	own := e.as(new(share.Scan))
	all.Go(func() { list[0] = own.testResolver(ctx) })
	all.Go(func() { list[1] = own.testHELO(ctx) })
	all.Go(func() { list[2] = own.testControls(ctx, controls) })
	all.Wait()
	conditions := append(slices.Concat(list[:]...), e.testResources(short))
	if ctx.Err() == context.Canceled {
		return conditions // nobody was asked to the end
	}
	e.troubles.forget(began) // they have just been looked for
	// What was seen of mail servers in a network in trouble may be wrong, and the trouble is
	// older than its discovery: neither outlives it.
	if len(spoiling(conditions))+len(spoiling(e.Conditions())) > 0 {
		e.hosts.forget()
	}
	e.conditions.Store(&conditions)
	return conditions
}

// spoiling are the conditions that spoil verdicts. The EHLO name does not: a server that
// minds it says so itself.
func spoiling(conditions []report.Condition) (list []report.Condition) {
	for _, c := range conditions {
		if c.State == report.ConditionFailed && c.Name != report.HELOCondition {
			list = append(list, c)
		}
	}
	return list
}

// Conditions returns what the last SelfTest found, and in the place of it what checks have
// noticed since. Before the first of either it is nil.
func (e *Engine) Conditions() []report.Condition { return e.troubles.over(e.tested()) }

// tested returns what the last SelfTest found; nil before the first.
func (e *Engine) tested() []report.Condition {
	if c := e.conditions.Load(); c != nil {
		return *c
	}
	return nil
}

func (e *Engine) testResolver(ctx context.Context) []report.Condition {
	dnssec := report.Condition{Name: report.ResolverCondition, State: report.ConditionOK, Text: "The resolver passes DNSSEC on, and the root's keys hold."}
	answer := report.Condition{Name: report.AnswerCondition, State: report.ConditionOK, Text: "The resolver answers for the root."}
	clock := report.Condition{Name: report.ClockCondition, State: report.ConditionOK, Text: "The clock lies within the validity of the root's signatures."}
	a := e.resolver.Fresh(e.scan).Lookup(ctx, ".", dns.TypeDNSKEY)
	switch {
	case a.Trust.State == report.Secure:
	case a.Trust.Reason == resolve.ClockWrong:
		clock.State, clock.Text = report.ConditionFailed, view.Say(a.Trust.Statement)
		dnssec.State, dnssec.Text = report.ConditionUntested, "Without the right time no signature can be judged."
	case a.Failure != nil && !slices.Contains(unanswered, a.Failure.Kind): // the condition resources says why
		for _, c := range []*report.Condition{&answer, &dnssec, &clock} {
			c.State, c.Text = report.ConditionUntested, "The resolver was not asked."
		}
	case a.Failure != nil:
		answer.State, answer.Text = report.ConditionFailed, view.Say(a.Failure.Statement)
		dnssec.State, dnssec.Text = report.ConditionFailed, view.Say(a.Failure.Statement)
		clock.State, clock.Text = report.ConditionUntested, "The root's signatures could not be had."
	default:
		dnssec.State, dnssec.Text = report.ConditionFailed, view.Say(a.Trust.Statement)
		clock.State, clock.Text = report.ConditionUntested, "The root's signatures could not be had."
	}
	return []report.Condition{answer, dnssec, clock}
}

// testHELO asks whether the EHLO name has an address that leads back to it. Many mail
// servers refuse clients for which it has not.
func (e *Engine) testHELO(ctx context.Context) []report.Condition {
	c := report.Condition{Name: report.HELOCondition, State: report.ConditionFailed}
	name := dns.Fqdn(e.cfg.HELO)
	var addresses []string
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, a := range e.resolver.Lookup(ctx, name, qtype).Addresses() {
			addresses = append(addresses, a.String())
		}
	}
	if len(addresses) == 0 {
		c.Text = "The EHLO name " + e.cfg.HELO + " has no address; set --helo to a name that has."
		return []report.Condition{c}
	}
	for _, a := range addresses[:min(len(addresses), 4)] {
		reverse, err := dns.ReverseAddr(a)
		if err != nil {
			continue
		}
		for _, rr := range e.resolver.Lookup(ctx, reverse, dns.TypePTR).Records {
			if ptr, ok := rr.(*dns.PTR); ok && strings.EqualFold(ptr.Ptr, name) {
				c.State, c.Text = report.ConditionOK, e.cfg.HELO+" and "+a+" name each other."
				return []report.Condition{c}
			}
		}
	}
	c.Text = "No PTR record of " + strings.Join(addresses, ", ") + " leads back to the EHLO name " + e.cfg.HELO + "; many mail servers refuse such clients."
	return []report.Condition{c}
}

// testControls talks to the control hosts as far as TLS.
func (e *Engine) testControls(ctx context.Context, controls []string) []report.Condition {
	port := report.Condition{Name: report.PortCondition, State: report.ConditionUntested, Text: "No control host is configured."}
	tls := report.Condition{Name: report.STARTTLSCondition, State: report.ConditionUntested, Text: "No control host is configured."}
	large := report.Condition{Name: report.LargeCondition, State: report.ConditionUntested, Text: "No control host is configured."}
	for _, host := range controls {
		seen, failure := e.control(ctx, host)
		switch {
		case failure != nil && failure.Kind == report.KindExhausted: // the condition resources says so
			port.Text, tls.Text = "The control host "+host+" was not asked.", "No control host was asked."
			continue
		case seen == nil || failure != nil && failure.Phase == report.PhaseConnect:
			port.State, tls.State = report.ConditionFailed, report.ConditionUntested
			large.Text = "No control host was reached."
			port.Text, tls.Text = "The control host "+host+" cannot be reached on port 25. Many networks close it outward.", "No control host was reached."
			if failure != nil {
				port.Text += " " + view.Say(failure.Statement)
			}
			continue // another one may answer
		case seen.STARTTLS == report.Works:
			port.State, port.Text = report.ConditionOK, "The control host "+host+" answers on port 25."
			tls.State, tls.Text = report.ConditionOK, "STARTTLS reaches us unharmed from "+host+"."
			if starttls.Worked(seen.Ladder) != starttls.Modern {
				large.State, large.Text = report.ConditionFailed, "The control host "+host+" is known to take a ClientHello of more than one packet, and only a small one gets through: large packets may be lost between us."
				continue // another one may take it
			}
			large.State, large.Text = report.ConditionOK, "A ClientHello of more than one packet gets through to "+host+"."
		case seen.STARTTLS == report.NotTried:
			port.State, port.Text = report.ConditionOK, "The control host "+host+" answers on port 25."
			tls.Text = "The control host " + host + " did not get as far as STARTTLS: " + seen.Reply
			if failure != nil && failure.Phase == report.PhaseHandshake && failure.Kind == report.KindTimeout {
				tls.Text = "The control host " + host + " does not answer our ClientHello."
				large.State, large.Text = report.ConditionFailed, tls.Text+" Its answer may be too large for the path between us."
			}
			continue
		default:
			port.State, port.Text = report.ConditionOK, "The control host "+host+" answers on port 25."
			tls.State = report.ConditionFailed
			tls.Text = "The control host " + host + " is known to offer STARTTLS, and we do not get it (" + string(seen.STARTTLS) + "): something between us takes it away."
		}
		break
	}
	return []report.Condition{port, tls, large}
}

// control looks at the first address of a control host.
func (e *Engine) control(ctx context.Context, host string) (*report.SMTP, *report.Failure) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, addr := range e.resolver.Lookup(ctx, dns.Fqdn(host), qtype).Addresses() {
			patience := smtp.Config{HELO: e.cfg.HELO, Banner: 20 * time.Second, Command: 20 * time.Second}
			peer := e.dialer.Peer(netip.AddrPortFrom(addr, e.cfg.SMTPPort))
			seen, _, failure := starttls.Gather(ctx, starttls.Target{Peer: peer, Host: host, Config: patience, Depth: report.Quick})
			return seen, failure
		}
	}
	return nil, report.Failed(report.PhaseConnect, report.KindNoAddress, report.Say(report.SaysControlHomeless))
}

// testResources says whether the self-test itself got all that connections take.
func (e *Engine) testResources(before int) report.Condition {
	if times, what := e.dialer.Short(); times > before {
		return short(what)
	}
	return report.Condition{Name: report.ResourcesCondition, State: report.ConditionOK, Text: "Files, ports and memory are there for every connection."}
}
