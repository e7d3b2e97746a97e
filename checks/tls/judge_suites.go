package tls

import (
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

// about fills a finding that speaks of suites: their names in the text, and with their
// versions as evidence.
func about(f *report.Finding, list []suite) {
	names := distinct(list, func(s suite) string { return s.Name })
	for _, s := range list {
		f.Showing(s.String())
	}
	const few = 6
	if len(names) > few {
		names = append(names[:few:few], "…")
	}
	f.With("suites", strings.Join(names, ", "))
}

// distinct lists what is to be said of each of a list, once.
func distinct[T any](list []T, said func(T) string) (out []string) {
	for _, x := range list {
		if s := said(x); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// notAsked notes what a look at full depth left out.
func (e *evidence) notAsked() {
	if len(e.NotAsked) == 0 {
		return
	}
	versions := distinct(e.NotAsked, func(s report.Suite) string { return spoken(s.Version) })
	f := e.add("TLS-69").With("versions", strings.Join(versions, " and ")).With("count", len(e.NotAsked))
	for _, s := range e.NotAsked {
		f.Showing(s.String())
	}
}

// chosenSuite judges what the server takes when everything is offered.
func (e *evidence) chosenSuite() {
	if e.chosen == nil {
		return
	}
	c := e.chosen
	is, bits := c.is, c.DHBits
	add := func(rule string) *report.Finding {
		f := e.add(rule).With("suite", c.Name).With("suites", c.Name).With("bits", bits).Saying("how", report.Say(report.SaysChosenAnyway))
		return f.Showing(c.String())
	}
	switch {
	case is.Cipher == "NULL":
		add("TLS-20")
		return
	case is.Export:
		add("TLS-21")
		return
	case class.Breakable(is), bits > 0 && bits < 768:
		add("TLS-22")
		return
	case is.Cipher == "RC4":
		add("TLS-23")
	case is.Cipher == "3DES":
		add("TLS-26").As(report.Fail).Setting("cap B")
	case is.Mode == "CBC":
		f := add("TLS-38")
		if e.Features != nil && isTrue(e.Features.EncryptThenMAC) { // which fixes it
			f.As(report.Info).Setting().Saying("how", report.Say(report.SaysChosenMACThen))
		}
	}
	e.chosenKeyExchange(is, bits, add)
}

func (e *evidence) chosenKeyExchange(is hello.Suite, bits int, add func(rule string) *report.Finding) {
	switch {
	case is.Auth == "anon":
		add("TLS-28")
	case class.Static(is):
		add("TLS-30")
	case is.KeyExchange == "DHE":
		add("TLS-32")
	}
	switch {
	case is.KeyExchange != "DHE" || bits == 0 || bits >= 2048:
	case bits >= 1024:
		add("TLS-33").As(report.Fail).Setting("cap B")
	default:
		add("TLS-34")
	}
}

// acceptedSuites judges what the server takes when nothing else is offered. What it chooses
// anyway is judged as that.
func (e *evidence) acceptedSuites() {
	say := func(rule string, wanted func(suite) bool, chosenToo bool) *report.Finding {
		if e.chosen != nil && wanted(*e.chosen) && !chosenToo {
			return nil
		}
		list := e.of(func(s suite) bool { return wanted(s) && !e.isChosen(s) && !(rule == "TLS-38" && s.Chosen) })
		if len(list) == 0 {
			return nil
		}
		least := list[0].DHBits
		for _, s := range list {
			least = min(least, s.DHBits)
		}
		f := e.add(rule).Saying("how", report.Say(report.SaysAcceptedAlone)).With("bits", least)
		about(f, list)
		return f
	}
	dhe := func(from, to int) func(suite) bool {
		return func(s suite) bool { return s.is.KeyExchange == "DHE" && s.DHBits >= from && s.DHBits < to }
	}
	whole := func(is func(hello.Suite) bool) func(suite) bool {
		return func(s suite) bool { return is(s.is) && !class.Breakable(s.is) }
	}
	if f := say("TLS-24", func(s suite) bool { return class.Breakable(s.is) }, true); f != nil {
		if len(e.of(func(s suite) bool { return s.is.Export })) > 0 {
			f.Saying("harm", report.Say(report.SaysOldClientsPushed))
		} else {
			f.Setting(report.NoAPlus).Saying("harm", report.Say(report.SaysOnlyTheWorst))
		}
	}
	say("TLS-25", whole(func(s hello.Suite) bool { return s.Cipher == "RC4" }), false)
	say("TLS-26", whole(func(s hello.Suite) bool { return s.Cipher == "3DES" }), false)
	say("TLS-27", whole(func(s hello.Suite) bool { return s.Auth == "anon" }), false)
	say("TLS-29", whole(class.Static), false)
	say("TLS-31", dhe(2048, 1<<20), true)
	say("TLS-33", dhe(1024, 2048), false)
	say("TLS-34", dhe(1, 1024), false)
	if f := say("TLS-38", whole(class.PlainCBC), false); f != nil {
		f.As(report.Info).Setting()
	}
}

func (e *evidence) isChosen(s suite) bool {
	return e.chosen != nil && e.chosen.Name == s.Name && e.chosen.Version == s.Version
}

// order judges whether the server takes the best of what both sides have. Between good and
// sufficient it may take what it likes.
func (e *evidence) order() {
	for _, s := range e.of(func(s suite) bool { return s.Chosen && class.Worse(s.Class, report.Sufficient) }) {
		if s.Class == report.Anonymous { // TLS-28: who would lose by it does not offer it
			continue
		}
		better := e.of(func(t suite) bool { return t.Version == s.Version && class.Worse(s.Class, t.Class) })
		if len(better) == 0 {
			continue
		}
		top := better[0]
		for _, t := range better {
			if class.Worse(top.Class, t.Class) {
				top = t
			}
		}
		e.add("TLS-39").With("version", spoken(s.Version)).With("suite", s.Name).With("class", s.Class).
			With("better", top.Name).With("betterclass", top.Class).
			Showing(s.String(), top.String())
	}
}

// keyExchange judges groups, curves and primes.
func (e *evidence) keyExchange() {
	e.primes()
	e.curves()
	list := e.of(func(s suite) bool { return s.Version == report.TLS13 })
	short := func(s suite) bool { return s.is.Bits == 128 }
	if len(list) > 0 && all(list, short) && slices.ContainsFunc(e.Probes, func(p report.Probe) bool { return p.Name == "TLS1.3" && p.Result == report.ProbeRefused }) {
		about(e.add("TLS-40"), list)
	}
	hybrid := e.groups(func(g hello.Group) bool { return g.MLKEM })
	switch intolerant := e.Features != nil && isTrue(e.Features.HybridIntolerant); {
	case len(hybrid) > 0:
		e.add("TLS-41").With("groups", strings.Join(hybrid, ", "))
	case e.Version != "" && !intolerant:
		e.add("TLS-42")
	}
}

func (e *evidence) primes() {
	var own []string
	for _, name := range e.DHGroups {
		if !strings.HasPrefix(name, "ffdhe") {
			own = append(own, name)
		}
	}
	if len(own) > 0 {
		e.add("TLS-35").With("groups", strings.Join(own, ", "))
	}
}

func (e *evidence) curves() {
	if weak := e.groups(func(g hello.Group) bool { return !g.MLKEM && g.Bits > 0 && !g.Finite && g.Bits < 224 }); len(weak) > 0 {
		e.add("TLS-36").With("groups", strings.Join(weak, ", "))
	}
	common := slices.ContainsFunc(e.Groups, func(name string) bool {
		return strings.HasPrefix(name, "X25519") || name == "P-256" || name == "SecP256r1MLKEM768"
	})
	if len(e.Ciphers) > 0 && len(e.Groups) > 0 && !common && !e.unasked() {
		e.add("TLS-37").With("groups", strings.Join(e.Groups, ", "))
	}
}

// groups lists the names of the groups that are wanted.
func (e *evidence) groups(wanted func(hello.Group) bool) (list []string) {
	for _, name := range e.Groups {
		if g, _ := hello.GroupNamed(name); wanted(g) {
			list = append(list, name)
		}
	}
	return list
}

// common judges whether modern senders find something that they share with TLS 1.2.
func (e *evidence) common() {
	list := e.of(func(s suite) bool { return s.Version == report.TLS12 })
	if len(list) == 0 || e.unasked() {
		return
	}
	if e.top == report.TLS12 && !slices.ContainsFunc(list, func(s suite) bool { return class.Modern(s.is) && !class.Breakable(s.is) }) {
		f := e.add("TLS-43")
		about(f, list)
		if all(list, func(s suite) bool { return s.Class == report.Readable }) {
			f.Setting("M.tls=no")
		}
	}
	if all(list, func(s suite) bool { return s.is.Auth == "ECDSA" }) {
		about(e.add("TLS-44"), list)
	}
}

func all(list []suite, is func(suite) bool) bool {
	return !slices.ContainsFunc(list, func(s suite) bool { return !is(s) })
}
