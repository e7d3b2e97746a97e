package tls

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// What the ladder of STARTTLS shows of what a server minds in a hello.

// rungs returns the tries of a hello.
func (e *evidence) rungs(hello report.Hello) (list []report.Rung) {
	if e.smtp == nil {
		return nil
	}
	for _, r := range e.smtp.Ladder {
		if r.Hello == hello {
			list = append(list, r)
		}
	}
	return list
}

func worked(list []report.Rung) bool {
	return slices.ContainsFunc(list, func(r report.Rung) bool { return r.OK })
}

// refused reports whether a hello was tried, never worked, and was answered each time.
func refused(list []report.Rung) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(r report.Rung) bool { return r.OK || r.Kind == report.KindTimeout || r.Kind == report.KindLimit })
}

// takesLarge reports whether an address took the modern hello, which needs two packets.
func takesLarge(a *report.Address) bool {
	return a.SMTP != nil && slices.ContainsFunc(a.SMTP.Ladder, func(r report.Rung) bool { return r.Hello == report.HelloModern && r.OK })
}

// hybrid judges that a hello works which differs in nothing but its size from one that does
// not. That is the server's fault once a large hello has failed twice there and has come
// through elsewhere: packets may be lost on our own path, and large ones before others.
func (e *evidence) hybrid() {
	modern := e.rungs(report.HelloModern)
	switch {
	case len(modern) > 1 && !worked(modern) && worked(e.rungs(report.HelloNoHybrid)) && e.large:
		e.add("TLS-08")
	case worked(modern): // once by chance
	default:
		e.add("TLS-08").As(report.Untested).Setting(report.Provisional).Fixing()
	}
}

// minds13 reports whether a hello fails as soon as TLS 1.3 stands in it, whatever its size,
// and works without.
func (e *evidence) minds13() bool {
	return refused(e.rungs(report.HelloModern)) && refused(e.rungs(report.HelloNoHybrid)) && worked(e.rungs(report.HelloSmallTLS12))
}

// strangers notes the certificate that a server shows to clients that name no host, where it
// is another than the host's own. Senders that check certificates name the host.
func (e *evidence) strangers(a *report.Address) {
	for _, c := range a.Certificates {
		if c.Via == report.ViaNoName {
			e.add("TLS-68").With("names", strings.Join(slices.Concat(c.Names[:min(len(c.Names), 3)], []string{c.Subject})[:1], ", "))
		}
	}
}
