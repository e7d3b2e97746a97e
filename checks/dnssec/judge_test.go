package dnssec

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// link is a zone of a chain, secure and signed with algorithm 13 unless changed.
func link(zone string, change ...func(*report.Link)) report.Link {
	l := report.Link{Zone: zone, State: report.Secure,
		DS:     []report.DS{{Tag: 1, Algorithm: 13, Digest: 2}},
		Keys:   []report.Key{{Tag: 1, Algorithm: 13, Bits: 256, SEP: true}},
		Window: signed(-day, 14*day)}
	for _, c := range change {
		c(&l)
	}
	return l
}

func signed(from, to time.Duration) *report.Signature {
	return &report.Signature{Tag: 1, Algorithm: 13, Inception: now.Add(from), Expires: now.Add(to), TTL: 3600}
}

func ends(state report.State, reason report.Cause) func(*report.Link) {
	return func(l *report.Link) {
		l.State, l.Reason, l.Detail, l.Keys, l.Window = state, reason, "Why "+l.Zone+" is so.", nil, nil
	}
}

func ds(algorithms ...uint8) func(*report.Link) {
	return func(l *report.Link) {
		l.DS = nil
		for _, a := range algorithms {
			l.DS = append(l.DS, report.DS{Tag: 1, Algorithm: a, Digest: 2})
		}
	}
}

func digest(types ...uint8) func(*report.Link) {
	return func(l *report.Link) {
		l.DS = nil
		for _, d := range types {
			l.DS = append(l.DS, report.DS{Tag: 1, Algorithm: 13, Digest: d})
		}
	}
}

func rsa(bits int) func(*report.Link) {
	return func(l *report.Link) { l.Keys = []report.Key{{Tag: 1, Algorithm: 8, Bits: bits}} }
}

func window(from, to time.Duration) func(*report.Link) {
	return func(l *report.Link) { l.Window = signed(from, to) }
}

// trust is a chain through the root, the registry and the links given.
func trust(links ...report.Link) report.Trust {
	t := report.Trust{State: report.Secure, Signature: signed(-day, 14*day)}
	t.Chain = append([]report.Link{link("."), link("org")}, links...)
	for _, l := range links {
		if l.State != report.Secure {
			t.State, t.Reason, t.Detail, t.Signature = l.State, l.Reason, l.Detail, nil
		}
	}
	return t
}

func host(t report.Trust) *report.Host {
	return &report.Host{Name: "mx.provider.org", DNSSEC: t, Addresses: []*report.Address{{IP: "192.0.2.1"}}}
}

func of(mx report.Trust, hosts ...*report.Host) *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: now}, Evidence: report.Evidence{MX: &report.MX{State: "ok", DNSSEC: mx}, Hosts: hosts}}
}

func with(r *report.Report, change func(*report.Report)) *report.Report {
	change(r)
	return r
}

func zone(name string, keys bool, iterations int, salted bool, t report.Trust) func(*report.Report) {
	return func(r *report.Report) {
		z := report.Zone{Name: name, Trust: t, DNSKEY: keys, Salted: salted}
		if iterations >= 0 {
			z.Iterations = &iterations
		}
		r.DNSSEC = &report.DNSSEC{Zones: []report.Zone{z}}
	}
}

func vacantServers(zone string, names ...string) func(*report.Report) {
	return func(r *report.Report) {
		z := report.Zone{Name: zone}
		for _, name := range names {
			z.Vacant = append(z.Vacant, report.Vacant{Name: name, Domain: "gone.net"})
		}
		r.DNSSEC = &report.DNSSEC{Zones: []report.Zone{z}}
	}
}

// wanting is a zone with keys and CDS records.
func wanting(name string, t report.Trust, list ...report.CDS) func(*report.Report) {
	return func(r *report.Report) {
		r.DNSSEC = &report.DNSSEC{Zones: []report.Zone{{Name: name, Trust: t, DNSKEY: !slices.ContainsFunc(list, func(c report.CDS) bool { return c.Delete }), CDS: list}}}
	}
}

// lost is a question of the check that got no answer.
func lost(kind, name string) func(*report.Report) {
	return func(r *report.Report) {
		r.Unanswered = append(r.Unanswered, report.Question{Check: "dnssec", Name: name, Type: kind, Kind: "timeout"})
	}
}

type judged struct {
	why    string
	report *report.Report
	want   string // ids, with the verdict where it is not the usual one
	facts  string
}

func cases() []judged {
	good := trust(link("example.org"))
	provider := trust(link("provider.org"))
	unsigned := trust(link("example.org", ends(report.Insecure, report.CauseNoDS)))
	unsignedHost := trust(link("provider.org", ends(report.Insecure, report.CauseNoDS)))
	broken := trust(link("example.org", ends(report.Bogus, report.CauseExpired)))
	brokenHost := trust(link("provider.org", ends(report.Bogus, report.CauseExpired)))
	unknown := report.Trust{State: report.Indeterminate, Reason: report.CauseLookupFailed, Detail: "The resolver gave no answer."}
	alias := unsigned
	alias.Steps = []report.Alias{{Name: "example.org", Target: "www.example.net", State: report.Secure}}
	signedAlias, unsignedAlias := unsignedHost, unsignedHost
	signedAlias.Steps = []report.Alias{{Name: "mx.provider.org", Target: "h.plain.net", State: report.Secure}}
	unsignedAlias.Steps = []report.Alias{{Name: "mx.provider.org", Target: "h.plain.net", State: report.Insecure}}
	families := func(a report.Trust, four int, aaaa report.Trust, six int) *report.Host {
		h := host(a)
		h.Families = []report.Family{{Type: "A", DNSSEC: a, Addresses: four}, {Type: "AAAA", DNSSEC: aaaa, Addresses: six}}
		if usable := h.Usable(); len(usable) > 0 { // as the mail exchangers' check merges them
			h.DNSSEC = usable[0].DNSSEC
			if len(usable) > 1 && aaaa.State == report.Insecure {
				h.DNSSEC = aaaa
			}
		}
		return h
	}
	lasting := func(from, to time.Duration) report.Trust {
		t := trust(link("example.org", window(-day, 14*day)))
		t.Signature = signed(from, to)
		return t
	}
	denied := func(h *report.Host, t report.TLSA) *report.Host { h.TLSA = t; return h }
	optOut := trust(link("example.org"))
	optOut.State, optOut.Notes = report.Insecure, []report.Note{report.NoteOptOut}
	bogusDenial := report.Trust{State: report.Bogus, Reason: report.CauseNSECMissing, Detail: "No valid proof."}
	policies := func(txt, web, rpt *report.Trust) func(*report.Report) {
		return func(r *report.Report) {
			r.MTASTS = &report.MTASTS{State: "enforce", DNSSEC: txt, Fetch: &report.Fetch{DNSSEC: web}}
			r.TLSRPT = &report.TLSRPT{State: "ok", DNSSEC: rpt}
		}
	}

	well := func(name string) report.NameServer {
		return report.NameServer{Name: name, IP: "192.0.2.11", Signed: true, State: report.Secure, TCP: "ok", Text: name + " answers."}
	}
	bad := func(name string, fault report.Kind, state report.State) report.NameServer {
		return report.NameServer{Name: name, IP: "192.0.2.12", Fault: fault, State: state, Text: name + " does not."}
	}
	tcp := func(n report.NameServer, fault report.Kind) report.NameServer { n.TCP = fault; return n }
	behind := func(n report.NameServer) report.NameServer { n.Serial = 6; return n }
	good1 := well("ns1")
	good1.Serial = 7
	servers := func(list ...report.NameServer) func(*report.Report) {
		return func(r *report.Report) {
			r.DNSSEC = &report.DNSSEC{Authorities: []report.Authority{{Zone: "example.org", Servers: list}}}
		}
	}

	return []judged{
		{"all signed", of(good, host(provider)), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"nothing signed", of(unsigned, host(unsignedHost)), "SEC-02 SEC-06:info", "D.mxdns=insecure M.addr=insecure"},
		{"the domain is signed, the host is not", of(good, host(unsignedHost)), "SEC-01 SEC-07 SEC-14", "D.mxdns=secure M.addr=insecure"},
		{"the host is signed, the domain is not", of(unsigned, host(provider)), "SEC-02 SEC-06 SEC-08 SEC-14", "D.mxdns=insecure M.addr=secure"},
		{"the domain is broken", of(broken, host(provider)), "SEC-03 SEC-06 SEC-14", "D.mxdns=bogus M.addr=secure"},
		{"the host is broken", of(good, host(brokenHost)), "SEC-01 SEC-06:fail SEC-14", "D.mxdns=secure M.addr=bogus"},
		{"no answer for the domain", of(unknown), "SEC-04", "prov"},
		{"no answer for one address of the host", of(good, host(unknown)), "SEC-01 SEC-06:untested SEC-14", "D.mxdns=secure prov"},
		{"a signed alias to unsigned addresses", of(good, host(signedAlias)), "SEC-01 SEC-35 SEC-14", "D.mxdns=secure M.addr=secure M.unsigned=true"},
		{"a signed alias to unsigned addresses, the domain unsigned", of(unsigned, host(signedAlias)), "SEC-02 SEC-35 SEC-08", "D.mxdns=insecure M.addr=secure M.unsigned=true"},
		{"an unsigned alias", of(good, host(unsignedAlias)), "SEC-01 SEC-07 SEC-14", "D.mxdns=secure M.addr=insecure"},
		{"A signed, AAAA denied without proof", of(good, families(provider, 1, brokenHost, 0)), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"A signed, AAAA broken", of(good, families(provider, 1, brokenHost, 1)), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"A signed, no answer about AAAA", of(good, families(provider, 1, unknown, 0)), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"A signed, AAAA not", of(good, families(provider, 1, unsignedHost, 1)), "SEC-01 SEC-36 SEC-14", "D.mxdns=secure M.addr=insecure"},
		{"AAAA signed, A not", of(unsigned, families(unsignedHost, 1, provider, 1)), "SEC-02 SEC-36", "D.mxdns=insecure M.addr=insecure"},
		{"A signed, the absence of AAAA unsigned", of(good, families(provider, 1, unsignedHost, 0)), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"A at the end of a signed alias, AAAA of its own", of(good, families(signedAlias, 1, provider, 1)), "SEC-01 SEC-35 SEC-14", "D.mxdns=secure M.addr=secure M.unsigned=true"},
		{"both families broken", of(good, families(brokenHost, 1, brokenHost, 1)), "SEC-01 SEC-06:fail SEC-14", "D.mxdns=secure M.addr=bogus"},
		{"A broken, AAAA absent", of(good, families(brokenHost, 1, provider, 0)), "SEC-01 SEC-06:fail SEC-14", "D.mxdns=secure M.addr=bogus"},
		{"A broken, no answer about AAAA: it may be the good one", of(good, families(brokenHost, 1, unknown, 0)), "SEC-01 SEC-06:untested SEC-14", "D.mxdns=secure prov"},
		{"an alias to an unsigned zone", of(alias), "SEC-05", "D.mxdns=insecure"},
		{"a host without addresses says nothing", of(good, &report.Host{Name: "mx.provider.org", DNSSEC: unsignedHost}), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"a server given by name, without a domain", &report.Report{Meta: report.Meta{CheckedAt: now}, Evidence: report.Evidence{Hosts: []*report.Host{host(provider)}}}, "SEC-06 SEC-14", "M.addr=secure"},
		{"nothing looked at", &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: now}}, "", ""},

		{"a name server in a domain that does not exist", with(of(unsigned), vacantServers("example.org", "ns1.gone.net", "ns2.gone.net")), "SEC-02 SEC-37", "D.mxdns=insecure cap F"},
		{"name servers in domains that exist", with(of(unsigned), vacantServers("example.org")), "SEC-02", "D.mxdns=insecure"},
		{"a registry's name servers are its own", with(of(unsigned), vacantServers("org", "ns1.gone.net")), "SEC-02", "D.mxdns=insecure"},
		{"whether the name servers' domains exist is not known", with(of(unsigned), lost("NS", "gone.net")), "SEC-02 SEC-42", "D.mxdns=insecure prov"},
		{"where a zone begins is not known", with(of(good), lost("SOA", "example.org")), "SEC-01 SEC-14 SEC-42", "D.mxdns=secure prov"},
		{"how a zone hashes its denials is not known", with(of(good), lost("NSEC3PARAM", "example.org")), "SEC-01 SEC-14 SEC-42", "D.mxdns=secure prov"},
		{"… of one that is not signed", with(with(of(unsigned), zone("example.org", false, -1, false, unsigned)), lost("NSEC3PARAM", "example.org")), "SEC-02 SEC-42", "D.mxdns=insecure"},
		{"what a zone asks of its registry is not known", with(of(good), lost("CDS", "example.org")), "SEC-01 SEC-14 SEC-42", "D.mxdns=secure"},
		{"a registry's own", with(of(good), lost("NSEC3PARAM", "org")), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"what another check asked", with(of(good), func(r *report.Report) {
			r.Unanswered = []report.Question{{Check: "mx", Name: "gone.net", Type: "NS", Kind: "timeout"}}
		}), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"what is told elsewhere", with(of(good), lost("TLSA", "_25._tcp.mx.example.org")), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"a zone that asks for the end of DNSSEC", with(of(good), wanting("example.org", good, report.CDS{Delete: true})), "SEC-01 SEC-14 SEC-38", "D.mxdns=secure"},
		{"the same, once it has come", with(of(unsigned), wanting("example.org", unsigned, report.CDS{Delete: true})), "SEC-02", "D.mxdns=insecure"},
		{"CDS that fits no key", with(of(good), wanting("example.org", good, report.CDS{}, report.CDS{})), "SEC-01 SEC-14 SEC-39", "D.mxdns=secure"},
		{"CDS that fits", with(of(good), wanting("example.org", good, report.CDS{}, report.CDS{Fits: true})), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"CDS without DS", with(of(unsigned), wanting("example.org", unsigned, report.CDS{Fits: true})), "SEC-02 SEC-09 SEC-40", "D.mxdns=insecure"},
		{"keys without DS", with(of(unsigned), zone("example.org", true, -1, false, unsigned)), "SEC-02 SEC-09", "D.mxdns=insecure"},
		{"no keys either", with(of(unsigned), zone("example.org", false, -1, false, unsigned)), "SEC-02", "D.mxdns=insecure"},
		{"keys below an unsigned zone: that one is to be fixed first", with(of(unsigned), zone("a.example.org", true, -1, false, unsigned)), "SEC-02", "D.mxdns=insecure"},
		{"DS fits no key", of(trust(link("example.org", ends(report.Bogus, report.CauseDSMismatch)))), "SEC-03 SEC-10", "D.mxdns=bogus"},
		{"DS, but no key", of(trust(link("example.org", ends(report.Bogus, report.CauseDNSKEYMissing)))), "SEC-03 SEC-10", "D.mxdns=bogus"},
		{"unknown digest", of(trust(link("example.org", digest(3), ends(report.Insecure, report.CauseUnsupportedDigest)))), "SEC-02 SEC-11", "D.mxdns=insecure"},
		{"unknown algorithm", of(trust(link("example.org", ds(99), ends(report.Insecure, report.CauseUnsupportedAlgorithm)))), "SEC-02 SEC-11", "D.mxdns=insecure"},
		{"RSA/SHA-1", of(trust(link("example.org", ds(7), ends(report.Insecure, report.CauseUnsupportedAlgorithm)))), "SEC-02 SEC-12", "D.mxdns=insecure"},
		{"RSA/SHA-1 beside DSA", of(trust(link("example.org", ds(3, 5), ends(report.Insecure, report.CauseUnsupportedAlgorithm)))), "SEC-02 SEC-12", "D.mxdns=insecure"},
		{"DSA", of(trust(link("example.org", ds(3), ends(report.Insecure, report.CauseUnsupportedAlgorithm)))), "SEC-02 SEC-13", "D.mxdns=insecure"},
		{"GOST of 2012", of(trust(link("example.org", ds(23), ends(report.Insecure, report.CauseUnsupportedAlgorithm)))), "SEC-02 SEC-15", "D.mxdns=insecure"},
		{"algorithm 10", of(trust(link("example.org", ds(10)))), "SEC-01 SEC-14:info", "D.mxdns=secure"},
		{"a SHA-1 digest alone", of(trust(link("example.org", digest(1)))), "SEC-01 SEC-14 SEC-16", "D.mxdns=secure noA+"},
		{"a SHA-1 digest beside a better one", of(trust(link("example.org", digest(1, 2)))), "SEC-01 SEC-14 SEC-41", "D.mxdns=secure"},

		{"RSA of 512 bits under the domain", of(trust(link("example.org", rsa(512)))), "SEC-17 SEC-14", "D.mxdns=insecure"},
		{"RSA of 768 bits under the host", of(good, host(trust(link("provider.org", rsa(768))))), "SEC-01 SEC-17 SEC-14 SEC-14", "D.mxdns=secure M.addr=insecure"},
		{"RSA of 1024 bits", of(trust(link("example.org", rsa(1024)))), "SEC-01 SEC-14 SEC-18", "D.mxdns=secure noA+"},
		{"RSA of 2048 bits", of(trust(link("example.org", rsa(2048)))), "SEC-01 SEC-14", "D.mxdns=secure"},

		{"no iterations", with(of(good), zone("example.org", true, 0, false, good)), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"one iteration", with(of(good), zone("example.org", true, 1, false, good)), "SEC-01 SEC-14 SEC-19", "D.mxdns=secure noA+"},
		{"more iterations", with(of(good), zone("example.org", true, 51, false, good)), "SEC-01 SEC-14 SEC-20", "D.mxdns=secure noA+"},
		{"as many as all follow", with(of(good), zone("example.org", true, 50, false, good)), "SEC-01 SEC-14 SEC-19", "D.mxdns=secure noA+"},
		{"a registry's iterations are its own", with(of(good), zone("org", true, 5, true, trust())), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"a salt", with(of(good), zone("example.org", true, 0, true, good)), "SEC-01 SEC-14 SEC-21", "D.mxdns=secure"},
		{"opt-out", with(of(good), zone("example.org", true, 0, false, optOut)), "SEC-01 SEC-14 SEC-21", "D.mxdns=secure"},

		{"ends in two weeks", of(lasting(-14*day, 14*day)), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"ends in two days", of(lasting(-14*day, 2*day)), "SEC-01 SEC-14 SEC-22", "D.mxdns=secure noA+"},
		{"ends in an hour", of(lasting(-14*day, time.Hour)), "SEC-01 SEC-14 SEC-22:fail", "D.mxdns=secure noA+"},
		{"made an hour ago for two days: so it is all its life", of(lasting(-time.Hour, 47*time.Hour)), "SEC-01 SEC-14", "D.mxdns=secure"},
		{"made for two days, three hours left", of(lasting(-45*time.Hour, 3*time.Hour)), "SEC-01 SEC-14 SEC-22:fail", "D.mxdns=secure noA+"},
		{"ends before caches let go of it", of(lasting(-time.Hour, 40*time.Minute)), "SEC-01 SEC-14 SEC-22", "D.mxdns=secure noA+"},
		{"the keys' signature ends in two days", of(trust(link("example.org", window(-14*day, 2*day)))), "SEC-01 SEC-14 SEC-22", "D.mxdns=secure noA+"},
		{"valid for 61 days", of(lasting(-31*day, 30*day)), "SEC-01 SEC-14 SEC-23", "D.mxdns=secure"},
		{"valid for 60 days", of(lasting(-30*day, 30*day)), "SEC-01 SEC-14", "D.mxdns=secure"},

		{"absence of TLSA records not provable", of(good, denied(host(provider), report.TLSA{State: "lookupfail", DNSSEC: &bogusDenial})), "SEC-01 SEC-06 SEC-26 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"no answer about TLSA records", of(good, denied(host(provider), report.TLSA{State: "lookupfail", DNSSEC: &unknown, Failure: &report.Failure{Text: "SERVFAIL"}})), "SEC-01 SEC-06 SEC-26 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"TLSA records there, signatures wrong", of(good, denied(host(provider), report.TLSA{State: "lookupfail", DNSSEC: &bogusDenial, Records: []report.TLSARecord{{}}})), "SEC-01 SEC-06 SEC-14 SEC-14", "D.mxdns=secure M.addr=secure"},
		{"no answer about TLSA records, address not signed", of(good, denied(host(unsignedHost), report.TLSA{State: "lookupfail", DNSSEC: &bogusDenial})), "SEC-01 SEC-07 SEC-14", "D.mxdns=secure M.addr=insecure"},

		{"servers asked, all well", with(of(unknown), servers(good1, well("ns2"))), "SEC-04", "prov"},
		{"one server behind, as after every change", with(of(unknown), servers(good1, behind(well("ns2")))), "SEC-04", "prov"},
		{"one server silent", with(of(unknown), servers(good1, bad("ns2", "timeout", ""))), "SEC-04 SEC-24", "prov prov"},
		{"both silent: what was told is no chance", with(of(unknown), servers(bad("ns1", "timeout", ""), bad("ns2", "timeout", ""))), "SEC-04 SEC-24", "prov"},
		{"both bogus", with(of(broken), servers(bad("ns1", report.Kind(report.CauseExpired), report.Bogus), bad("ns2", report.Kind(report.CauseExpired), report.Bogus))), "SEC-03 SEC-24:fail", "D.mxdns=bogus"},
		{"one server bogus", with(of(broken), servers(good1, bad("ns2", report.Kind(report.CauseExpired), report.Bogus))), "SEC-03 SEC-24:fail", "D.mxdns=bogus prov"},
		{"one server without address", with(of(unknown), servers(good1, report.NameServer{Name: "ns2", Fault: "no-address"})), "SEC-04 SEC-24", "prov prov"},
		{"one server out of our reach: not its fault", with(of(unknown), servers(good1, bad("ns2", "unreachable", ""))), "SEC-04", "prov"},
		{"one server mute over TCP", with(of(unknown), servers(good1, tcp(well("ns2"), "timeout"))), "SEC-04 SEC-25", "prov"},
		{"one server out of our reach over TCP", with(of(unknown), servers(good1, tcp(well("ns2"), "unreachable"))), "SEC-04", "prov"},
		{"one of two gives signatures that do not hold, the other good ones", of(heard(good,
			report.Witness{Name: "ns1", Kind: "answer", Tries: 1}, report.Witness{Name: "ns2", Kind: report.Kind(report.CauseSignatureInvalid), Tries: 1})), "SEC-01 SEC-14 SEC-29", "D.mxdns=secure"},
		{"one of two was not to be reached from here", of(heard(good,
			report.Witness{Name: "ns1", Kind: "answer", Tries: 1}, report.Witness{Name: "ns2", Kind: "timeout", Tries: 6})), "SEC-01 SEC-14 SEC-30", "D.mxdns=secure"},
		{"our resolver alone had no answer", of(heard(good,
			report.Witness{Resolver: true, Name: "192.0.2.53:53", Kind: "timeout", Tries: 1}, report.Witness{Name: "ns1", Kind: "answer", Tries: 1})), "SEC-01 SEC-14 SEC-30", "D.mxdns=secure"},
		{"servers could not be asked", with(of(unknown), func(r *report.Report) {
			r.DNSSEC = &report.DNSSEC{Authorities: []report.Authority{{Failure: &report.Failure{Kind: "blocked", Text: "Port 53 seems to be closed."}}}}
		}), "SEC-04", "prov"},

		{"policy names signed", with(of(good), policies(&good, &good, &good)), "SEC-01 SEC-14 SEC-27:pass", "D.mxdns=secure"},
		{"one policy name signed", with(of(good), policies(&good, &unsignedHost, nil)), "SEC-01 SEC-14 SEC-27", "D.mxdns=secure"},
		{"no policy name signed", with(of(unsigned), policies(&unsigned, &unsigned, &unsigned)), "SEC-02", "D.mxdns=insecure"},
		{"no policies", with(of(good), func(r *report.Report) {
			r.MTASTS, r.TLSRPT = &report.MTASTS{State: "absent", DNSSEC: &good}, &report.TLSRPT{State: "absent", DNSSEC: &good}
		}), "SEC-01 SEC-14", "D.mxdns=secure"},
	}
}

// heard is a trust for which others were asked.
func heard(t report.Trust, list ...report.Witness) report.Trust {
	for _, w := range list {
		if !w.Resolver {
			w.Zone = "example.org"
		}
		w.Question = "MX of example.org"
		t.Witnesses = append(t.Witnesses, w)
	}
	return t
}

func TestJudge(t *testing.T) {
	for _, c := range cases() {
		var got, facts []string
		for _, f := range Judge(c.report.Observed()) {
			id := f.Rule
			if f.Verdict != Rules.Find(f.Rule).Verdict {
				id += ":" + string(f.Verdict)
			}
			got = append(got, id)
			for _, e := range f.Effects {
				facts = append(facts, string(e))
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.why, s, c.want)
		}
		if s := strings.Join(facts, " "); s != c.facts {
			t.Errorf("%s:\n effects %s\n    want %s", c.why, s, c.facts)
		}
	}
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases() {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

func TestJudgingIsPure(t *testing.T) {
	for _, c := range cases() {
		a, b := Judge(c.report.Observed()), Judge(c.report.Observed())
		if !slices.EqualFunc(a, b, func(a, b report.Finding) bool { return a.Rule == b.Rule && slices.Equal(a.Detail, b.Detail) }) {
			t.Errorf("%s: judged twice, two results", c.why)
		}
	}
}

func TestRegistry(t *testing.T) {
	for zone, want := range map[string]bool{".": true, "org": true, "co.uk": true, "test": true, "example.org": false, "example.co.uk": false, "perfect.test": false, "github.io": false} {
		if got := registry(zone); got != want {
			t.Errorf("%s is a registry's: %v, want %v", zone, got, want)
		}
	}
}

// What the servers said themselves is shown with the fault that it explains.
func TestTheServersAreShown(t *testing.T) {
	broken := trust(link("example.org", ends(report.Bogus, report.CauseExpired)))
	for why, a := range map[string]report.Authority{
		"their words":         {Zone: "example.org", Servers: []report.NameServer{{Name: "ns2", Fault: "timeout", Text: "ns2 does not answer."}}},
		"why they have none":  {Failure: &report.Failure{Kind: "blocked", Text: "ns2 does not answer."}},
		"not another zone's":  {Zone: "example.com", Servers: []report.NameServer{{Name: "ns2", Text: "ns2 does not answer."}}},
		"not that none found": {Failure: &report.Failure{Kind: "no-address", Text: "ns2 does not answer."}},
	} {
		r := with(of(broken), func(r *report.Report) { r.DNSSEC = &report.DNSSEC{Authorities: []report.Authority{a}} })
		f := Judge(r.Observed())[0]
		if got := slices.Contains(f.Detail, "ns2 does not answer."); f.Rule != "SEC-03" || got == strings.HasPrefix(why, "not") {
			t.Errorf("%s: %s shows %q", why, f.Rule, f.Detail)
		}
	}
}
