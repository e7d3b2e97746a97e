package checks

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

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
	conditions := view.Conditions(append(slices.Concat(list[:]...), e.testResources(short))...)
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
	dnssec := report.Condition{Name: report.ResolverCondition, State: report.ConditionOK, Statement: report.Say(report.SaysResolverGood)}
	answer := report.Condition{Name: report.AnswerCondition, State: report.ConditionOK, Statement: report.Say(report.SaysResolverAnswers)}
	clock := report.Condition{Name: report.ClockCondition, State: report.ConditionOK, Statement: report.Say(report.SaysClockGood)}
	a := e.resolver.Fresh(e.scan).Lookup(ctx, ".", dns.TypeDNSKEY)
	switch {
	case a.Trust.State == report.Secure:
	case a.Trust.Reason == report.CauseClockWrong:
		clock.State, clock.Statement = report.ConditionFailed, a.Trust.Statement
		dnssec.State, dnssec.Statement = report.ConditionUntested, report.Say(report.SaysClockNeeded)
	case a.Failure != nil && !slices.Contains(unanswered, a.Failure.Kind): // the condition resources says why
		for _, c := range []*report.Condition{&answer, &dnssec, &clock} {
			c.State, c.Statement = report.ConditionUntested, report.Say(report.SaysResolverUnasked)
		}
	case a.Failure != nil:
		answer.State, answer.Statement = report.ConditionFailed, a.Failure.Statement
		dnssec.State, dnssec.Statement = report.ConditionFailed, a.Failure.Statement
		clock.State, clock.Statement = report.ConditionUntested, report.Say(report.SaysRootNotHad)
	default:
		dnssec.State, dnssec.Statement = report.ConditionFailed, a.Trust.Statement
		clock.State, clock.Statement = report.ConditionUntested, report.Say(report.SaysRootNotHad)
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
		c.Statement = report.Say(report.SaysNameHomeless, "name", e.cfg.HELO)
		return []report.Condition{c}
	}
	for _, a := range addresses[:min(len(addresses), 4)] {
		reverse, err := dns.ReverseAddr(a)
		if err != nil {
			continue
		}
		for _, rr := range e.resolver.Lookup(ctx, reverse, dns.TypePTR).Records {
			if ptr, ok := rr.(*dns.PTR); ok && strings.EqualFold(ptr.Ptr, name) {
				c.State, c.Statement = report.ConditionOK, report.Say(report.SaysNameGood, "name", e.cfg.HELO, "address", a)
				return []report.Condition{c}
			}
		}
	}
	c.Statement = report.Say(report.SaysNameNotLedBack, "addresses", strings.Join(addresses, ", "), "name", e.cfg.HELO)
	return []report.Condition{c}
}

// testControls talks to the control hosts as far as TLS.
func (e *Engine) testControls(ctx context.Context, controls []string) []report.Condition {
	port := report.Condition{Name: report.PortCondition, State: report.ConditionUntested, Statement: report.Say(report.SaysNoControl)}
	tls := report.Condition{Name: report.STARTTLSCondition, State: report.ConditionUntested, Statement: report.Say(report.SaysNoControl)}
	large := report.Condition{Name: report.LargeCondition, State: report.ConditionUntested, Statement: report.Say(report.SaysNoControl)}
	for _, host := range controls {
		seen, failure := e.control(ctx, host)
		about := func(says report.Says) report.Statement { return report.Say(says, "host", host) }
		switch {
		case failure != nil && failure.Kind == report.KindExhausted: // the condition resources says so
			port.Statement, tls.Statement = about(report.SaysControlNotAsked), report.Say(report.SaysControlsNotAsked)
			continue
		case seen == nil || failure != nil && failure.Phase == report.PhaseConnect:
			port.State, tls.State = report.ConditionFailed, report.ConditionUntested
			large.Statement = report.Say(report.SaysControlsUnreached)
			port.Statement, tls.Statement = about(report.SaysControlUnreached), report.Say(report.SaysControlsUnreached)
			if failure != nil {
				port.Statement = port.About(failure.Statement)
			}
			continue // another one may answer
		case seen.STARTTLS == report.Works:
			port.State, port.Statement = report.ConditionOK, about(report.SaysControlAnswers)
			tls.State, tls.Statement = report.ConditionOK, about(report.SaysControlUnharmed)
			if starttls.Worked(seen.Ladder) != report.HelloModern {
				large.State, large.Statement = report.ConditionFailed, about(report.SaysControlSmallOnly)
				continue // another one may take it
			}
			large.State, large.Statement = report.ConditionOK, about(report.SaysControlLarge)
		case seen.STARTTLS == report.NotTried:
			port.State, port.Statement = report.ConditionOK, about(report.SaysControlAnswers)
			tls.Statement = report.Say(report.SaysControlNoSTARTTLS, "host", host, "reply", seen.Reply)
			if failure != nil && failure.Phase == report.PhaseHandshake && failure.Kind == report.KindTimeout {
				tls.Statement = about(report.SaysControlMute)
				large.State, large.Statement = report.ConditionFailed, about(report.SaysControlMuteLarge)
			}
			continue
		default:
			port.State, port.Statement = report.ConditionOK, about(report.SaysControlAnswers)
			tls.State = report.ConditionFailed
			tls.Statement = report.Say(report.SaysControlStripped, "host", host, "state", seen.STARTTLS)
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
	return report.Condition{Name: report.ResourcesCondition, State: report.ConditionOK, Statement: report.Say(report.SaysResourcesThere)}
}
