package ask

import (
	"fmt"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/probe"
)

// learn puts what an accepted hello showed into the evidence; sni is the name of the host.
func (l *learned) learn(sni string, h *hello.Hello, a probe.Answer) {
	f := a.Flight
	l.speaks(f.Version)
	if f.Version == hello.SSL2 {
		for _, k := range f.Kinds {
			l.tls.Ciphers = append(l.tls.Ciphers, report.Suite{Version: report.SSL2, Name: hello.KindName(k)})
		}
		return
	}
	l.suite(f.Version, f.Suite, l.prime(f))
	l.groups(f)
	switch {
	case f.Version == hello.TLS13 && f.Scheme != 0:
		l.feature().CertificateVerify = hello.SchemeOf(f.Scheme).Name
	case f.Version >= hello.TLS10 && f.Version <= hello.TLS12 && !f.Resumed:
		l.features(h, f)
	}
	if len(f.Certificates) > 0 {
		l.chains.add(sni, h, f)
	}
	if a.Completed {
		l.tls.Completed++
	}
	if a.Renegotiation != nil {
		l.feature().Renegotiation = a.Renegotiation
	}
	if a.Finished {
		l.finished(h, a)
	}
}

// prime notes a Diffie-Hellman prime and returns its size, 0 for none.
func (l *learned) prime(f *hello.Flight) (bits int) {
	k, t := f.KeyExchange, l.tls
	if k == nil || k.P == nil {
		return 0
	}
	if t.DHBits == 0 || k.Bits < t.DHBits {
		t.DHBits = k.Bits
	}
	name := hello.PrimeName(k.P)
	if name == "" {
		name = fmt.Sprintf("own-%d", k.Bits)
	}
	t.DHGroups = with(t.DHGroups, name)
	l.agreed(name, report.FiniteField, k.Bits, f.Version)
	return k.Bits
}

// groups notes the group that was chosen, and those that the server lists of itself.
func (l *learned) groups(f *hello.Flight) {
	if f.Group != 0 {
		l.group(f.Group, f.Version)
	}
	for _, g := range f.Groups {
		if known := hello.GroupOf(g); known.Bits > 0 {
			l.group(g, f.Version)
			l.listed = true
		}
	}
}

// sha256Scheme, rsa_pkcs1_sha256, is among the signature schemes of every hello but the one
// that asks for weak hashes alone.
const sha256Scheme = 0x0401

// weakness ranks the hash of a signature, worst highest.
func weakness(hash string) int { return slices.Index([]string{"SHA-224", "SHA-1", "MD5"}, hash) }

// features notes what a flight of TLS 1.0 to 1.2 answers on the side. What one connection
// lacks counts, though others may have had it.
func (l *learned) features(h *hello.Hello, f *hello.Flight) {
	ft := l.feature()
	always(&ft.SecureRenegotiation, f.Has(hello.ExtRenegotiationInfo))
	if h.Compression {
		atLeastOnce(&ft.Compression, f.Compression != 0)
	}
	atLeastOnce(&ft.Tickets, f.Has(hello.ExtSessionTicket))
	atLeastOnce(&ft.TruncatedHMAC, f.Has(hello.ExtTruncatedHMAC))
	atLeastOnce(&ft.Heartbeat, f.Has(hello.ExtHeartbeat))
	if hello.SuiteOf(f.Suite).Mode == "CBC" {
		always(&ft.EncryptThenMAC, f.Has(hello.ExtEncryptThenMAC))
	}
	if f.Version < hello.TLS12 {
		return
	}
	always(&ft.ExtendedMasterSecret, f.Has(hello.ExtExtendedMasterSecret))
	if k := f.KeyExchange; k != nil && k.Scheme != 0 && slices.Contains(h.Schemes, sha256Scheme) {
		now := hello.SchemeOf(k.Scheme)
		if ft.KeyExchangeHash == "" || weakness(now.Hash) > weakness(ft.KeyExchangeHash) {
			ft.KeyExchangeHash, ft.KeyExchangeScheme = now.Hash, now.Name
		}
	}
}

// finished keeps of a handshake a session of each kind, of the best version, to be taken up again,
// and what its tickets say.
func (l *learned) finished(h *hello.Hello, a probe.Answer) {
	f := a.Flight
	is13 := f.Version == hello.TLS13
	if is13 {
		allowed := false
		for _, t := range a.Tickets {
			allowed = allowed || t.EarlyData > 0
			l.tls.MaxEarlyData = max(l.tls.MaxEarlyData, t.EarlyData)
		}
		if allowed || l.feature().EarlyData == nil {
			l.feature().EarlyData = &allowed
		}
		atLeastOnce(&l.feature().Tickets, len(a.Tickets) > 0)
	}
	for _, t := range a.Tickets {
		l.tls.TicketLifetime = max(l.tls.TicketLifetime, t.Lifetime)
	}
	if s := l.past[is13]; len(a.Tickets) > 0 && (s == nil || s.version < f.Version) {
		l.past[is13] = &session{f.Version, h, a.Tickets[0]}
	}
}
