package sender

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mxseal/checks/report"
)

var (
	began  = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	client = netip.MustParseAddr("192.0.2.25")
	hello  = &Hello{Versions: []uint16{0x0304, 0x0303}, Groups: []uint16{0x001d}}
)

// story makes evidence, one trap after another, a second each.
type story struct {
	Evidence
	at time.Time
}

func newStory(without ...Trap) *story {
	s := &story{Evidence: Evidence{ID: "one", Zone: "zone.example", Began: began, Ends: began.Add(15 * time.Minute), Domains: make(map[Trap]string)}, at: began}
	for _, d := range Designs {
		if !slices.Contains(without, d.Trap) {
			s.Domains[d.Trap] = fmt.Sprintf("%s.one.zone.example", d.Trap)
		}
	}
	return s
}

func (s *story) next() time.Time { s.at = s.at.Add(time.Second); return s.at }

func (s *story) ask(t Trap, about ...Subject) *story {
	for _, a := range about {
		s.Questions = append(s.Questions, Question{At: s.next(), Trap: t, About: a})
	}
	return s
}

func (s *story) send(t Trap, secure bool) *story {
	s.ask(t, AboutMX, AboutAddress)
	one := Session{At: s.next(), From: client, To: DesignOf(t).Manner, EHLO: "mail.example", Over: s.at.Add(time.Second),
		Messages: []Message{{At: s.at, Trap: t, Secure: secure, Sent: true}}}
	if secure {
		one.Hello, one.Version = hello, 0x0304
	}
	s.Sessions = append(s.Sessions, one)
	return s
}

// leave is a conversation that ends once the sender has seen the server.
func (s *story) leave(t Trap, named bool) *story {
	s.ask(t, AboutMX, AboutAddress)
	one := Session{At: s.next(), From: client, To: DesignOf(t).Manner, EHLO: "mail.example", Over: s.at.Add(time.Second)}
	if one.To != NoStartTLS {
		one.STARTTLS, one.Hello = true, hello
	}
	if named {
		one.Named = t
	}
	s.Sessions = append(s.Sessions, one)
	return s
}

func (s *story) fetch(t Trap) *story {
	s.Fetches = append(s.Fetches, Fetch{At: s.next(), Trap: t, From: client})
	return s
}

// rest is everything else that an ordinary sender does.
func (s *story) rest(except ...Trap) *story {
	for _, d := range Designs {
		if !slices.Contains(except, d.Trap) {
			s.send(d.Trap, d.Manner == Honest || d.Manner == OwnCert || d.Manner == OldCert)
		}
	}
	return s
}

func (s *story) verdict(after time.Duration) *Verdict { return Judge(&s.Evidence, s.at.Add(after)) }

var byDANE = []Trap{DANEBad, DANEClear, DANEIssuer, DANEUnusable, DANEBadSTS, Bogus}
var byPolicy = []Trap{STSCert, STSOutside, STSOutsideMX, STSClear}

func danish() *story {
	s := newStory()
	s.rest(append(slices.Clone(byDANE), append(slices.Clone(byPolicy), DANEInsecure)...)...)
	for _, t := range byPolicy {
		s.send(t, t != STSClear)
	}
	s.ask(Bogus, AboutMX)
	for _, t := range []Trap{DANEBad, DANEClear, DANEIssuer, DANEUnusable, DANEBadSTS} {
		s.ask(t, AboutMX, AboutAddress, AboutTLSA)
		s.leave(t, DesignOf(t).Manner == Honest)
	}
	s.send(DANEInsecure, true)
	return s.send(Plain, true)
}

func TestRows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		story  *story
		row    Row
		letter report.Letter
	}{
		{"ordinary", newStory().rest(), RowOrdinary, "C"},
		{"cleartext", func() *story {
			s := newStory()
			for _, d := range Designs {
				s.send(d.Trap, false)
			}
			return s
		}(), RowClear, "F"},
		{"encrypts", newStory().rest(Cleartext, TempFail, Broken, DANEClear, DANEUnusable, STSClear).
			leave(Cleartext, false).leave(TempFail, false).leave(Broken, false).leave(DANEClear, false).leave(DANEUnusable, false).leave(STSClear, false).send(Plain, true).send(Expired, true), RowEncrypts, "C"},
		{"dane", danish(), RowStrict, "A"},
		{"mta-sts", func() *story {
			s := newStory().rest(append(byPolicy, DANEBadSTS, STSBadDANE, Bogus)...)
			for _, t := range byPolicy {
				s.ask(t, AboutMX, AboutRecord, AboutHost).fetch(t).leave(t, false)
			}
			s.fetch(STSBadDANE).leave(STSBadDANE, true).fetch(DANEBadSTS).send(DANEBadSTS, true).ask(Bogus, AboutMX)
			return s.send(Plain, true).send(SelfSigned, true)
		}(), RowMTASTS, "B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.story.verdict(2 * time.Minute)
			if v.Grade.Row != tt.row || v.Grade.Letter != tt.letter || v.Grade.Provisional {
				for _, d := range Designs {
					t.Logf("%-16s %+v", d.Trap, v.View.Of(d.Trap))
				}
				t.Errorf("%+v with %+v", v.Grade, v.Facts)
			}
		})
	}
}

// paced is a sender that looks up all names before it sends, and then lets one of them have its turn at a time.
func paced() *story {
	s := newStory().ask(Bogus, AboutMX).ask(DANEBad, AboutMX, AboutAddress, AboutTLSA).ask(WrongName, AboutMX, AboutAddress)
	s.send(Plain, true).send(Expired, true)
	turn := s.at.Add(12 * time.Second)
	s.Sessions = append(s.Sessions, Session{At: turn, From: client, To: Honest, EHLO: "mail.example", Over: turn.Add(time.Second), Messages: []Message{{At: turn, Trap: WrongName, Secure: true, Sent: true}}})
	return s
}

// Refusal is taken for proven by nothing but what a sender did while the traps were open.
func TestProofs(t *testing.T) {
	daneBad := func() *story { return newStory().ask(DANEBad, AboutMX, AboutAddress, AboutTLSA) }
	for _, tt := range []struct {
		name  string
		story *story
		trap  Trap
		after time.Duration
		fate  Fate
	}{
		{"silence, others dealt with", daneBad().send(Plain, true).send(Expired, true), DANEBad, 2 * time.Minute, Refused},
		{"not long enough", daneBad().send(Plain, true).send(Expired, true), DANEBad, 30 * time.Second, Waiting},
		{"nothing else dealt with", daneBad().send(Plain, true), DANEBad, 2 * time.Minute, Waiting},
		{"others were before", newStory().send(Plain, true).send(Expired, true).ask(DANEBad, AboutMX, AboutAddress, AboutTLSA), DANEBad, 2 * time.Minute, Waiting},
		{"an address that failed is left alone, and this one has had no turn", newStory().send(DANE, true).send(STS, true).send(Expired, true).send(SelfSigned, true).leave(WrongName, false).ask(Plain, AboutMX, AboutAddress), Plain, 2 * time.Minute, Waiting},
		{"the last of a queue", newStory().send(Plain, true).send(Expired, true).send(SelfSigned, true).send(WrongName, true).ask(DANEBad, AboutMX, AboutAddress, AboutTLSA), DANEBad, 2 * time.Minute, Refused},
		{"the TLSA records were not asked for", newStory().ask(DANEBad, AboutMX, AboutAddress).send(Plain, true).send(Expired, true), DANEBad, 2 * time.Minute, Waiting},
		{"the policy was not fetched", newStory().ask(STSCert, AboutMX, AboutRecord).send(Plain, true).send(Expired, true), STSCert, 2 * time.Minute, Waiting},
		{"nothing was asked", newStory().send(Plain, true).send(Expired, true), DANEBad, 2 * time.Minute, Unseen},
		{"a trap of no promise, asked about and no more", newStory().ask(WrongName, AboutMX, AboutAddress).send(Plain, true).send(Expired, true), WrongName, 2 * time.Minute, Waiting},
		{"a stranger met the trap and left", func() *story {
			s := newStory().send(Plain, true).leave(SelfSigned, true)
			s.Sessions[1].From, s.Sessions[1].EHLO = netip.MustParseAddr("198.51.100.1"), "scanner.example"
			return s
		}(), SelfSigned, time.Minute, Waiting},
		{"left after the handshake", newStory().send(Plain, true).leave(SelfSigned, false), SelfSigned, 10 * time.Second, Refused},
		{"left before the handshake", func() *story {
			s := newStory().send(Plain, true).leave(SelfSigned, false)
			s.Sessions[1].Hello = nil
			return s
		}(), SelfSigned, 10 * time.Second, Waiting},
		{"left, and came back in clear", newStory().leave(Broken, false).send(Broken, false), Broken, time.Minute, InClear},
		{"the test ended before the silence was long enough", func() *story {
			s := daneBad().send(Plain, true).send(Expired, true)
			s.Ends = s.at.Add(10 * time.Second)
			return s
		}(), DANEBad, time.Hour, Waiting},
		{"the sender is stuck in a conversation", func() *story {
			s := daneBad().send(Plain, true).send(Expired, true).leave(Broken, false)
			s.Sessions[2].Over = time.Time{}
			return s
		}(), DANEBad, 2 * time.Minute, Waiting},
		{"the answer was forged and not believed", newStory().ask(Bogus, AboutMX).send(Plain, true).send(Expired, true), Bogus, 2 * time.Minute, Refused},
		{"the forged answer was believed", newStory().ask(Bogus, AboutMX, AboutAddress).send(Plain, true).send(Expired, true), Bogus, 2 * time.Minute, Waiting},
		{"one after the other has its turn, this one may be next", paced(), DANEBad, 50 * time.Second, Waiting},
		{"its turn would have come", paced(), DANEBad, time.Minute, Refused},
		{"what DNS stops needs no turn", paced(), Bogus, 50 * time.Second, Refused},
		{"sent before the policy was fetched", newStory().send(STSCert, true).fetch(STSCert), STSCert, time.Minute, Waiting},
		{"and once more after it", newStory().send(STSCert, true).fetch(STSCert).send(STSCert, true), STSCert, time.Minute, Encrypted},
		{"a recipient tells more than the name in the hello", func() *story {
			s := newStory().send(Plain, true)
			s.Sessions[0].Named = DANEBad
			return s
		}(), DANEBad, time.Minute, Unseen},
		{"cleartext outweighs TLS", newStory().send(Plain, true).send(Plain, false), Plain, time.Minute, InClear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if o := tt.story.verdict(tt.after).View.Of(tt.trap); o.Fate != tt.fate {
				t.Errorf("%+v, not %s", o, tt.fate)
			}
		})
	}
}

// What came in which order, and how rules are ordered, changes no letter.
func TestTheLetterDoesNotDependOnOrder(t *testing.T) {
	s := danish()
	want := s.verdict(2 * time.Minute)
	rules := slices.Clone(Rules)
	defer func() { Rules = rules }()
	for range 50 {
		Rules = slices.Clone(rules)
		rand.Shuffle(len(Rules), func(i, j int) { Rules[i], Rules[j] = Rules[j], Rules[i] })
		if got := s.verdict(2 * time.Minute); got.Grade.Letter != want.Grade.Letter || len(got.Findings) != len(want.Findings) {
			t.Fatalf("%+v, not %+v", got.Grade, want.Grade)
		}
	}
}

// A sender that fails somewhere never has a better letter than the same one that does not.
func TestCaps(t *testing.T) {
	for trap, letter := range map[Trap]report.Letter{DANEClear: "C", DANEIssuer: "B", DANEUnusable: "A", DANEBadSTS: "B", Bogus: "C", OldTLS: "A"} {
		s := danish()
		s.send(trap, trap != DANEClear && trap != DANEUnusable)
		if trap == OldTLS {
			s.Sessions[len(s.Sessions)-1].Version = 0x0301
			s.Sessions = slices.DeleteFunc(s.Sessions, func(one Session) bool { return one.To == TLS10 && one.Hello == nil })
		}
		if g := s.verdict(2 * time.Minute).Grade; g.Letter != letter {
			t.Errorf("%s: %+v", trap, g)
		}
	}
}

func TestNothingIsNothing(t *testing.T) {
	g := newStory().verdict(2 * time.Minute).Grade
	if g.Letter != report.LetterT || !g.Provisional {
		t.Errorf("%+v", g)
	}
	half := newStory().send(Plain, true).verdict(time.Second).Grade
	if half.Letter != "C" || !half.Provisional || half.Best != report.LetterAPlus {
		t.Errorf("%+v", half)
	}
}

// Evidence is kept as JSON, and says the same afterwards.
func TestKept(t *testing.T) {
	s := danish()
	text, err := json.Marshal(s.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	var again Evidence
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	now := s.at.Add(2 * time.Minute)
	if a, b := Judge(&s.Evidence, now), Judge(&again, now); a.Grade.Letter != b.Grade.Letter || !slices.Equal(a.Findings, b.Findings) {
		t.Errorf("%+v and %+v", a.Grade, b.Grade)
	}
}

func TestCatalogue(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range Rules {
		if seen[r.ID] || r.Title == "" || r.Text == "" || r.Verdict == "" || (r.Trap == "") != (len(r.Fates) == 0) {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
		if r.Fix != "" && Steps(r.Fix, Other) == nil {
			t.Errorf("%s: nobody says how to do %s", r.ID, r.Fix)
		}
	}
}

// Whether a sender reports is known after 48 hours, and moves no letter.
func TestReports(t *testing.T) {
	s := newStory().rest()
	before := s.verdict(time.Minute)
	s.RUA = "https://mxseal.example/tlsrpt/one"
	has := func(v *Verdict, rule string) bool {
		return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.ID == rule })
	}
	late := Reported + time.Hour
	if v := s.verdict(time.Hour); v.Facts.Reports != Unknown || has(v, "SND-41") || before.Facts.Reports != Unknown {
		t.Error("it is judged before its time")
	}
	if v := s.verdict(late); !has(v, "SND-41") || v.Grade.Letter != before.Grade.Letter || v.Grade.Provisional != before.Grade.Provisional {
		t.Errorf("no report: %v, %+v", v.Findings, v.Grade)
	}
	s.Reports = []Report{{At: s.at.Add(20 * time.Hour)}}
	if v := s.verdict(late); !has(v, "SND-40") || has(v, "SND-41") || v.Grade.Letter != before.Grade.Letter || !v.View.Reported.Equal(s.Reports[0].At) {
		t.Errorf("a report: %v, %+v", v.Findings, v.Grade)
	}
	silent := newStory()
	silent.RUA = s.RUA
	if v := silent.verdict(late); v.Facts.Reports != Unknown {
		t.Error("who has sent nothing is blamed for no report")
	}
}

// A message that came against a promise is no good sign, also where no finding is about its trap.
func TestMarks(t *testing.T) {
	ordinary := newStory().rest().verdict(time.Minute)
	for trap, mark := range map[Trap]report.Verdict{Plain: report.Pass, Cleartext: report.Info, DANE: report.Pass, DANEBad: report.Fail, DANEClear: report.Fail, DANEIssuer: report.Fail, DANEUnusable: report.Fail,
		DANEBadSTS: report.Fail, STS: report.Pass, STSCert: report.Fail, STSOutside: report.Fail, STSOutsideMX: report.Fail, STSClear: report.Fail, STSBadDANE: report.Fail} {
		if got := ordinary.Mark(trap); got != mark {
			t.Errorf("ordinary, %s: %s, not %s", trap, got, mark)
		}
	}
	checks := danish().verdict(time.Minute)
	for trap, mark := range map[Trap]report.Verdict{DANEBad: report.Pass, DANEClear: report.Pass, STSCert: report.Info, STSOutside: report.Info, STSBadDANE: report.Pass} {
		if got := checks.Mark(trap); got != mark {
			t.Errorf("DANE, %s: %s, not %s", trap, got, mark)
		}
	}
}
