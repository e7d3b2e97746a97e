package api

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/web/live"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
)

// senderAt is the address of a test of a sender.
func senderAt(id string) string { return sendersAt + "/" + id }

// SenderTest is one test of a sending server.
type SenderTest struct {
	ID        string          `json:"id" doc:"Id of the test. Who knows it can read the test and end it."`
	Began     time.Time       `json:"began" doc:"When it began."`
	Ends      time.Time       `json:"ends" doc:"When the traps close. Then what the server has in its queue comes back."`
	Running   bool            `json:"running" doc:"The traps are open."`
	Addresses []string        `json:"addresses" nullable:"false" doc:"To which one message is sent, from the server that is to be tested."`
	Again     bool            `json:"again" doc:"A policy was read only after the message had come: another message to all addresses decides more."`
	Verdict   SenderVerdict   `json:"verdict" doc:"What is known of the server by now."`
	Facts     SenderFacts     `json:"facts" doc:"What the letter follows from."`
	Servers   []SenderServer  `json:"servers" nullable:"false" doc:"The servers that sent: these were tested. A week after the end only one is told from another."`
	Seen      SenderSeen      `json:"seen" doc:"How much was seen of them."`
	Traps     []SenderTrap    `json:"traps" nullable:"false" doc:"What became of each trap, in reading order."`
	Findings  []SenderFinding `json:"findings" nullable:"false" doc:"The rules that applied."`
	Fixes     []SenderFix     `json:"fixes" nullable:"false" doc:"What to change, the most important first."`
	Links     SenderLinks     `json:"links" doc:"Addresses on this site."`
}

// SenderVerdict is what is known of a server.
type SenderVerdict struct {
	Letter      report.Letter   `json:"letter" doc:"What becomes of the mail that it sends; T where nothing is known."`
	Provisional bool            `json:"provisional" doc:"What is not decided yet may move the letter."`
	Best        report.Letter   `json:"best,omitempty" doc:"The best letter that it may still become."`
	Row         sender.Row      `json:"row" doc:"What kind of sender it is."`
	Because     []string        `json:"because,omitempty" doc:"Rules that hold the letter down."`
	Software    sender.Software `json:"software,omitempty" doc:"What it seems to run. It is a guess."`
	Decided     int             `json:"decided" doc:"Traps of which it is known what became of the message."`
	Offered     int             `json:"offered" doc:"Traps that the test has."`
}

// SenderFacts are what the letter follows from. What is not known yet is left out.
type SenderFacts struct {
	Encrypts    *bool `json:"encrypts,omitempty" doc:"It encrypts where that is offered."`
	Insists     *bool `json:"insists,omitempty" doc:"It sends nothing in clear, whatever is offered."`
	FallsBack   *bool `json:"falls_back,omitempty" doc:"It sends in clear where TLS fails."`
	Validates   *bool `json:"validates,omitempty" doc:"Its resolver validates DNSSEC."`
	DANE        *bool `json:"dane,omitempty" doc:"TLSA records that do not fit stop it."`
	Lenient     *bool `json:"lenient,omitempty" doc:"TLSA records count behind an unsigned MX record, too."`
	DANEAlone   *bool `json:"dane_alone,omitempty" doc:"It sends nowhere else than where there is DANE."`
	MTASTS      *bool `json:"mta_sts,omitempty" doc:"A policy that is not kept stops it."`
	PKIX        *bool `json:"pkix,omitempty" doc:"It wants a trusted certificate everywhere."`
	Domain      *bool `json:"domain,omitempty" doc:"It wants that for the name of the mail domain."`
	PostQuantum *bool `json:"post_quantum,omitempty" doc:"It offers a post-quantum key exchange."`
	Modern      *bool `json:"modern,omitempty" doc:"It offers TLS 1.3."`
	Reports     *bool `json:"reports,omitempty" doc:"It sent a TLS report within 48 hours. That moves no letter."`
}

// SenderServer is a server that sent.
type SenderServer struct {
	Address string `json:"address" doc:"Its address."`
	Name    string `json:"name,omitempty" doc:"Its name in EHLO, as it came."`
	TLS     string `json:"tls,omitempty" doc:"The newest version of TLS that was agreed with it."`
}

// SenderSeen counts what was seen.
type SenderSeen struct {
	Questions     int  `json:"questions" doc:"Questions of its resolver."`
	Fetches       int  `json:"fetches" doc:"Policies that were fetched."`
	Conversations int  `json:"conversations" doc:"Conversations with our mail servers."`
	Cut           bool `json:"cut" doc:"More came than is kept."`
}

// SenderTrap is what became of the message to one trap.
type SenderTrap struct {
	Trap   sender.Trap  `json:"trap" doc:"Which it is."`
	Title  string       `json:"title" doc:"The same for people."`
	Shows  string       `json:"shows" doc:"What it tells of a sender."`
	Domain string       `json:"domain,omitempty" doc:"Its mail domain in this test."`
	Fate   sender.Fate  `json:"fate" doc:"What became of the message."`
	Proof  sender.Proof `json:"proof,omitempty" doc:"How a refusal is known."`
	At     *time.Time   `json:"at,omitempty" doc:"When the message came, or what proves the refusal."`
	TLS    string       `json:"tls,omitempty" doc:"The version of TLS by which it came."`
	TLSA   bool         `json:"asked_tlsa" doc:"The TLSA records were asked for."`
	Policy bool         `json:"fetched_policy" doc:"The policy of MTA-STS was fetched."`
}

// SenderFinding is a rule that applied.
type SenderFinding struct {
	Rule    string         `json:"rule" doc:"Id of the rule."`
	Trap    sender.Trap    `json:"trap,omitempty" doc:"The trap that it is about; none for those about the server as a whole."`
	Verdict report.Verdict `json:"verdict" doc:"How good or bad it is."`
	Title   string         `json:"title" doc:"What was found, in a few words."`
	Text    string         `json:"text" doc:"What it means."`
	Source  string         `json:"source,omitempty" doc:"Where it is written."`
	Fix     sender.Fix     `json:"fix,omitempty" doc:"What to do about it."`
}

// SenderFix is something to change.
type SenderFix struct {
	Fix   sender.Fix   `json:"fix" doc:"What it is."`
	Steps []SenderStep `json:"steps" nullable:"false" doc:"How it is done with the software that the server seems to run."`
}

// SenderStep is one step of a fix.
type SenderStep struct {
	Say  string `json:"say" doc:"What to do."`
	Text string `json:"text,omitempty" doc:"What to write."`
}

// SenderLinks lead from a test to what belongs to it.
type SenderLinks struct {
	Test   string `json:"test" doc:"This test."`
	Events string `json:"events" doc:"What happens in it, as server-sent events."`
	End    string `json:"end" doc:"POST here closes the traps."`
	Page   string `json:"page" doc:"The same for people."`
	Badge  string `json:"badge" doc:"What the test has proved, as a picture."`
}

// SenderDone is the last event of a test.
type SenderDone struct {
	ID          string        `json:"id" doc:"Id of the test."`
	Letter      report.Letter `json:"letter" doc:"Its letter."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	URL         string        `json:"url" doc:"Address of the test on this site."`
}

// SenderTestOf puts what was seen of a sender until a moment into the form for programs.
func SenderTestOf(e *sender.Evidence, now time.Time) SenderTest {
	v, at := sender.Judge(e, now), senderAt(e.ID)
	t := SenderTest{ID: e.ID, Began: e.Began, Ends: e.Ends, Running: now.Before(e.Ends), Addresses: senders.Addresses(e), Again: now.Before(e.Ends) && v.View.Again(), Verdict: verdictOf(v), Facts: factsOf(v.Facts),
		Servers: serversOf(e, v), Seen: SenderSeen{len(e.Questions), len(e.Fetches), len(e.Sessions), e.Cut},
		Traps: []SenderTrap{}, Findings: []SenderFinding{}, Fixes: []SenderFix{},
		Links: SenderLinks{Test: at, Events: at + "/events", End: at + "/end", Page: "/sender/" + e.ID, Badge: "/sender/" + e.ID + "/badge.svg"}}
	for _, d := range sender.Designs {
		o := v.View.Of(d.Trap)
		one := SenderTrap{Trap: d.Trap, Title: d.Title, Shows: d.Shows, Domain: e.Domains[d.Trap], Fate: o.Fate, Proof: o.Proof, TLS: versionOf(o.Version), TLSA: o.AskedTLSA, Policy: o.Fetched}
		if !o.At.IsZero() {
			one.At = &o.At
		}
		t.Traps = append(t.Traps, one)
	}
	for _, f := range v.Findings {
		r := f.Rule()
		t.Findings = append(t.Findings, SenderFinding{r.ID, f.Trap, r.Verdict, r.Title, r.Text, r.Source, r.Fix})
	}
	for _, f := range sender.Plan(v.Findings) {
		fix := SenderFix{Fix: f.Rule().Fix, Steps: []SenderStep{}}
		for _, step := range sender.Steps(fix.Fix, v.Software) {
			fix.Steps = append(fix.Steps, SenderStep{step.Say, step.Text})
		}
		t.Fixes = append(t.Fixes, fix)
	}
	return t
}

func verdictOf(v *sender.Verdict) SenderVerdict {
	return SenderVerdict{v.Grade.Letter, v.Grade.Provisional, v.Grade.Best, v.Grade.Row, v.Grade.Because, v.Software, v.Decided, v.Offered}
}

func factsOf(f sender.Facts) SenderFacts {
	known := func(a sender.Answer) *bool {
		if a == sender.Unknown {
			return nil
		}
		yes := a == sender.Yes
		return &yes
	}
	return SenderFacts{known(f.Encrypts), known(f.Insists), known(f.FallsBack), known(f.Validates), known(f.DANE), known(f.Lenient), known(f.DANEAlone),
		known(f.MTASTS), known(f.PKIX), known(f.Domain), known(f.PostQuantum), known(f.Modern), known(f.Reports)}
}

func serversOf(e *sender.Evidence, v *sender.Verdict) []SenderServer {
	list := []SenderServer{}
	for _, client := range v.View.Clients {
		one, newest := SenderServer{Address: client.String()}, uint16(0)
		for _, s := range e.Sessions {
			if s.From == client {
				one.Name, newest = s.EHLO, max(newest, s.Version)
			}
		}
		one.TLS = versionOf(newest)
		list = append(list, one)
	}
	return list
}

// versionOf names a version of TLS.
func versionOf(v uint16) string {
	if v == 0 {
		return ""
	}
	return tls.VersionName(v)
}

type senderInput struct {
	ID string `path:"id" doc:"Id of the test." example:"nbswy3dpo5xxe3de"`
}

// senderTest is a test at this moment.
func (a *API) senderTest(ctx context.Context, id string) (SenderTest, error) {
	if a.Senders == nil {
		return SenderTest{}, problem.NoSenders
	}
	e, err := a.Senders.Evidence(ctx, id)
	if errors.Is(err, senders.ErrNoTest) {
		return SenderTest{}, problem.NoSuchTest
	}
	if err != nil {
		return SenderTest{}, err
	}
	return SenderTestOf(e, time.Now()), nil
}

// sendTest answers with a test, which nobody may keep: its address is the only key to it.
func (a *API) sendTest(w http.ResponseWriter, r *http.Request, status int, id string) error {
	t, err := a.senderTest(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return rendering.WriteJSON(w, status, "application/json", t)
}

// NoTest is the problem where no test can begin, as opposed to a fault; nil for another error, or none.
func NoTest(err error) *problem.Problem {
	switch {
	case errors.Is(err, senders.ErrNetwork):
		return problem.TooManyTests
	case errors.Is(err, senders.ErrFull):
		return problem.TestsFull
	}
	return nil
}

// startSender begins a test.
func (a *API) startSender(w http.ResponseWriter, r *http.Request, who scans.Client, _ *struct{}) error {
	if a.Senders == nil {
		return problem.NoSenders
	}
	id, err := a.Senders.Start(r.Context(), who.Addr)
	if no := NoTest(err); no != nil {
		return no
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", senderAt(id))
	return a.sendTest(w, r, http.StatusCreated, id)
}

// showSender sends a test.
func (a *API) showSender(w http.ResponseWriter, r *http.Request, _ scans.Client, in *senderInput) error {
	return a.sendTest(w, r, http.StatusOK, in.ID)
}

// endSender closes the traps of a test.
func (a *API) endSender(w http.ResponseWriter, r *http.Request, _ scans.Client, in *senderInput) error {
	if a.Senders == nil {
		return problem.NoSenders
	}
	if err := a.Senders.End(r.Context(), in.ID); err != nil && !errors.Is(err, senders.ErrNoTest) {
		return err
	}
	return a.sendTest(w, r, http.StatusOK, in.ID)
}

// senderEvents tells what becomes of each trap and of the verdict, and the end.
func (a *API) senderEvents(w http.ResponseWriter, r *http.Request, who scans.Client, in *senderInput) error {
	return live.States(w, r, a.Scans, who, func(ctx context.Context) (live.State, error) {
		var more <-chan struct{}
		if a.Senders != nil {
			more = a.Senders.Changed(in.ID) // before the look: what comes meanwhile is not missed
		}
		t, err := a.senderTest(ctx, in.ID)
		if err != nil {
			return live.State{}, err
		}
		now := live.State{More: more, Ended: !t.Running}
		for _, trap := range t.Traps {
			now.Parts = append(now.Parts, live.Part{Kind: "trap", Of: string(trap.Trap), Data: trap})
		}
		now.Parts = append(now.Parts, live.Part{Kind: "verdict", Data: t.Verdict})
		if now.Ended {
			now.Parts = append(now.Parts, live.Part{Kind: "done", Data: SenderDone{t.ID, t.Verdict.Letter, t.Verdict.Provisional, t.Links.Test}})
		}
		return now, nil
	})
}

// exampleSender is a test in which two messages have come: to an ordinary domain, and where DANE forbids it.
func exampleSender() SenderTest {
	e := &sender.Evidence{ID: "nbswy3dpo5xxe3de", Zone: "traps.example.net", Began: exampleTime, Ends: exampleTime.Add(senders.Lasts), Domains: make(map[sender.Trap]string)}
	for i, trap := range []sender.Trap{sender.Plain, sender.DANEBad} {
		e.Domains[trap] = string(trap) + "." + e.ID + "." + e.Zone
		at := exampleTime.Add(time.Duration(10+i) * time.Second)
		e.Questions = append(e.Questions, sender.Question{At: at, Trap: trap, About: sender.AboutMX, From: netip.MustParseAddr("192.0.2.53")})
		e.Sessions = append(e.Sessions, sender.Session{At: at, Over: at.Add(time.Second), From: netip.MustParseAddr("192.0.2.25"), To: sender.Honest, EHLO: "mail.example.org", STARTTLS: true, Habits: []sender.Habit{sender.Stays},
			Hello: &sender.Hello{Versions: []uint16{tls.VersionTLS13}}, Version: tls.VersionTLS13, Messages: []sender.Message{{At: at, Trap: trap, Secure: true, Sent: true}}})
	}
	t := SenderTestOf(e, exampleTime.Add(time.Minute))
	t.Traps = slices.DeleteFunc(t.Traps, func(one SenderTrap) bool { return one.Fate == sender.NotOffered })
	return t
}
