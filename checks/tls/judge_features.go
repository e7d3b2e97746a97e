package tls

import (
	"fmt"

	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

func (e *evidence) features() {
	f := e.Features
	if f == nil {
		return
	}
	if isTrue(f.GREASEIntolerant) {
		e.add("TLS-07")
	}
	if isTrue(f.HybridIntolerant) {
		e.hybrid()
	}
	switch {
	case class.WeakHash(f.KeyExchangeHash):
		e.add("TLS-50").With("hash", f.KeyExchangeHash)
	case isTrue(f.WeakHash):
		e.add("TLS-51")
	}
	if isFalse(f.SecureRenegotiation) {
		e.add("TLS-52")
	}
	if isTrue(f.Renegotiation) {
		e.add("TLS-53")
	}
	if isFalse(f.ExtendedMasterSecret) {
		e.add("TLS-54")
	}
	if isTrue(f.Compression) {
		e.add("TLS-55")
	}
	if isTrue(f.EarlyData) {
		e.add("TLS-56").With("bytes", e.MaxEarlyData)
	}
	e.sessions()
	switch {
	case isTrue(f.NeedsSNI):
		e.add("TLS-61").Saying("which", report.Say(report.SaysWithoutName))
	case isTrue(f.RefusesUnknownName):
		e.add("TLS-61").Saying("which", report.Say(report.SaysWithUnknownName))
	}
	if isTrue(f.TruncatedHMAC) {
		e.add("TLS-62")
	}
	if isTrue(f.Heartbeat) {
		e.add("TLS-65")
	}
	if isFalse(f.FallbackSCSV) {
		e.add("TLS-66")
	}
}

// week is the longest life of a session ticket (RFC 9846 §4.7.1), in seconds.
const week = 7 * 24 * 60 * 60

// sessions judges whether sessions are taken up again, and for how long.
func (e *evidence) sessions() {
	f := e.Features
	if !isTrue(f.Tickets) && !isTrue(f.Resumed) {
		return
	}
	how := report.SaysTicketsGiven
	switch {
	case isTrue(f.Resumed):
		how = report.SaysSessionResumed
	case isFalse(f.Resumed):
		how = report.SaysTicketsInVain
	}
	finding := e.add("TLS-57").Saying("how", report.Say(how))
	if e.TicketLifetime > 0 {
		finding.Showing(fmt.Sprintf("longest lifetime of a ticket: %d s", e.TicketLifetime))
	}
	if e.TicketLifetime > week {
		finding.As(report.Warn)
	}
}

func (e *evidence) stapling() {
	if e.Staple == nil {
		return
	}
	switch status := e.Staple.Status; {
	case status == report.StapleRevoked:
		e.add("TLS-59")
	case e.MustStaple && status != report.StapleGood:
		e.add("TLS-60").Showing("staple: " + string(status))
	case status != report.StapleAbsent:
		e.add("TLS-58").With("staple", status)
	}
}
