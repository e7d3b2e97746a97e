package browser

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"mxseal/checks"
)

// Place is a page of the site and the way there.
type Place struct {
	Name   string
	Status int64
	open   func(context.Context, *Tab) (status int64, err error)
}

// Open goes there. It is an error if the page is missing or comes with another status.
func (p Place) Open(ctx context.Context, t *Tab) error {
	status, err := p.open(ctx, t)
	if err == nil && status != p.Status {
		err = fmt.Errorf("status %d instead of %d", status, p.Status)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// Home, Running and the others are the pages that every visitor meets.
var (
	Home     = at("home", 200, "/")
	Running  = under("running", "silent.test")        // for a minute and a half, with nothing to tell
	Slow     = under("running", "slow.test")          // for a minute, with more and more to tell
	APlus    = latest("report-a-plus", "hosted.test") // with a fourth of perfect.test's evidence
	F        = permanent("report-f", "no-starttls.test")
	A        = latest("report-a", "dane.test")
	B        = latest("report-b", "sts.test")
	C        = latest("report-c", "certificate.test")
	D        = latest("report-d", "selfsigned.test")
	E        = latest("report-e", "backup-cleartext.test")
	Broken   = latest("report-broken-dane", "tlsa-mismatch.test")
	Taken    = latest("report-takeover", "takeover.test")
	Hoster   = latest("report-hoster", "signed-domain.test")
	Many     = latest("report-many", "many-mx.test")
	NoDomain = latest("report-no-domain", "nothing.test")
	N        = latest("report-n", "null-mx.test")
	T        = latest("report-t", "rate-limited.test")
	Hostile  = latest("report-hostile", "hostile-text.test")
	History  = aged("report-history", "certificate.test", "dane.test", "no-starttls.test", "selfsigned.test")
	Compared = Place{"compare", 200, func(ctx context.Context, t *Tab) (int64, error) {
		if err := History.Open(ctx, t); err != nil {
			return 0, err
		}
		if err := t.Unfold(); err != nil {
			return 0, err
		}
		return t.Follow("link", "^Compare with the report")
	}}
	Badge      = badge("badge", "hosted.test")
	To         = writing("to", "hosted.test", "gmail")
	ToNobody   = at("to-nobody", 404, "/to/reports.test")
	Grades     = at("grades", 200, "/grades")
	API        = at("api", 200, "/api")
	Surveys    = at("surveys", 200, "/surveys")
	Survey     = surveyed("survey", "")
	Behind     = surveyed("survey-behind", "?show=letter:C")
	TLSReports = at("tlsrpt", 200, "/tlsrpt")
	Sender     = at("sender", 200, "/sender")
	Waiting    = tested("sender-waiting", "", 0)
	Sending    = tested("sender-sending", "ordinary", 12) // it changes while one looks
	CutShort   = ended("sender-cut-short", "ordinary", 8)
	Ordinary   = tested("sender-ordinary", "ordinary", 22)
	Verifies   = ended("sender-verifies", "dane-mta-sts", 22)
	NotFound   = at("error", 404, "/nothing-is-here")
	NoReport   = at("error-report", 404, "/report/nothing")
	NoCheck    = at("error-check", 404, "/checks/nothing")
	NotADomain = at("error-domain", 404, "/check/not_a_domain")
	Unchecked  = at("unchecked", 404, "/check/reports.test")
	Refused    = Place{"refused", 422, func(_ context.Context, t *Tab) (int64, error) {
		if _, err := t.Visit("/"); err != nil {
			return 0, err
		}
		return t.Ask("not a domain")
	}}
)

// Places are all pages, in the order of a visit.
func Places() []Place {
	list := []Place{Home, Running, APlus, F, N, T, Hostile, History, Compared, Badge, badge("badge-hostile", "hostile-text.test"), To, writing("to-hostile", "hostile-text.test", "postfix"), writing("to-f", "no-starttls.test", ""), ToNobody, Grades, API, Surveys, Survey, Behind, TLSReports, Sender, Waiting, CutShort, Ordinary, Verifies}
	for _, c := range checks.All {
		list = append(list, at("check-"+string(c.ID), 200, "/checks/"+string(c.ID)))
	}
	return append(list, Refused, Unchecked, NotFound, NoReport, NoCheck, NotADomain)
}

func at(name string, status int64, path string) Place {
	return Place{name, status, func(_ context.Context, t *Tab) (int64, error) { return t.Visit(path) }}
}

// surveyed is a page of the survey of the lab's domains, once its run has ended.
func surveyed(name, query string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if err := t.site.Surveyed(ctx); err != nil {
			return 0, err
		}
		return t.Visit("/survey/lab" + query)
	}}
}

// tested is the page of a test of a sender: of nobody yet, or of a simulated one of a kind, once so many traps
// are decided.
func tested(name, kind string, decided int) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		at, err := t.site.TestSender(ctx, kind, decided)
		if err != nil {
			return 0, err
		}
		return t.Visit(at)
	}}
}

// ended is the page of such a test that has ended then.
func ended(name, kind string, decided int) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		at, err := t.site.TestSender(ctx, kind, decided)
		if err != nil {
			return 0, err
		}
		if _, err := t.site.send(ctx, at+"/end", nil); err != nil {
			return 0, err
		}
		return t.Visit(at)
	}}
}

// Surveyed waits until the survey of the lab's domains has ended.
func (s *Site) Surveyed(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.URL+"/survey/lab.json", nil)
		if err != nil {
			return err
		}
		answer, err := s.client.Do(req)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the survey of the lab has not ended: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// latest is the latest report of a domain, which is checked where it was not yet.
func latest(name, domain string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if _, err := t.site.Ready(ctx, domain); err != nil {
			return 0, err
		}
		return t.Visit("/check/" + domain)
	}}
}

// permanent is a report under its permanent address.
func permanent(name, domain string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		id, err := t.site.Ready(ctx, domain)
		if err != nil {
			return 0, err
		}
		return t.Visit("/report/" + id)
	}}
}

// aged is the latest report of a domain with a past.
func aged(name, domain string, past ...string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if err := t.site.Age(ctx, domain, past...); err != nil {
			return 0, err
		}
		return t.Visit("/check/" + domain)
	}}
}

// under is a running check, of a domain whose check takes its time.
func under(name, domain string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if err := t.site.Start(ctx, domain); err != nil {
			return 0, err
		}
		return t.Visit("/check/" + domain)
	}}
}

// writing is the page for who writes to a domain, from there.
func writing(name, domain, from string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if _, err := t.site.Ready(ctx, domain); err != nil {
			return 0, err
		}
		if from == "" {
			return t.Visit("/to/" + domain)
		}
		return t.Visit("/to/" + domain + "?from=" + from)
	}}
}

// badge is the page of a domain's badge, where the report leads to it.
func badge(name, domain string) Place {
	return Place{name, 200, func(ctx context.Context, t *Tab) (int64, error) {
		if err := latest(name, domain).Open(ctx, t); err != nil {
			return 0, err
		}
		return t.Follow("link", "(?i)badge")
	}}
}

// Ready returns the id of the latest report of a domain, after a check if there is none.
func (s *Site) Ready(ctx context.Context, domain string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	id, err := s.Report(ctx, domain)
	if wrong, ok := err.(*unexpected); ok && wrong.status == 404 {
		if err := s.Start(ctx, domain); err != nil {
			return "", err
		}
		return s.Report(ctx, domain)
	}
	return id, err
}
