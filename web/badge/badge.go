// Package badge draws what is known of a domain for the pages of others: badges, and the cards that
// sites show for links to a report. Looking starts nothing.
//
// A badge shows the last firm letter (summary.go); pictures are drawn without a browser (canvas.go).
package badge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

const (
	badgeKept = "public, max-age=300"
	cardKept  = "public, max-age=86400"

	summaryOctets = 2 << 20 // of memory for what badges say
	lookTime      = 30 * time.Second
)

// Config is what Badges work with.
type Config struct {
	Parse    func(typed string) (input.Domain, error)
	Scans    *scans.Scanner
	Store    *store.Store
	Renderer *rendering.Renderer
	Keep     time.Duration // how long reports are kept; for ever if zero
}

// Badges answers with pictures. It is safe for concurrent use.
type Badges struct {
	Config
	summaries *cache.Cache[Summary] // by domain (A-label) and the last report of it
	looking   cache.Flight[lookedUp]
}

// New returns Badges.
func New(cfg Config) *Badges {
	return &Badges{Config: cfg, summaries: cache.New[Summary](summaryOctets, scans.FreshFor, nil)}
}

// Held says what is held in memory besides the pictures.
func (b *Badges) Held() cache.Held { return b.summaries.Held() }

// The endings of a badge's address, the longer before those they end in, and what is behind them.
var (
	forms = []string{".svg", "@2x.png", ".png", ".json"}
	kinds = map[string]string{".svg": "image/svg+xml", "@2x.png": rendering.PNG, ".png": rendering.PNG, ".json": "application/json"}
)

// otherForm is the ending of a picture or page that there is not: no domain ends so.
var otherForm = regexp.MustCompile(`(?i)(@[0-9.]+x\.[a-z]+|\.(gif|jpe?g|webp|avif|bmp|ico|tiff?|html?|txt|xml|ya?ml|pdf))$`)

// Form splits the name of a badge into what is asked for and its ending, one of .svg, .png, @2x.png
// and .json. The ending is empty where a name has none; the error is a problem.
func Form(name string) (domain, form string, err error) {
	if otherForm.MatchString(name) && !strings.HasSuffix(name, "@2x.png") {
		return "", "", problem.NoSuchPicture
	}
	i := slices.IndexFunc(forms, func(form string) bool { return strings.HasSuffix(name, form) })
	if i < 0 {
		return name, "", nil
	}
	return strings.TrimSuffix(name, forms[i]), forms[i], nil
}

// Send answers with a picture of the latest firm letter, whatever was asked for: it stands in
// pages of others and must not break them. It starts no check.
func (b *Badges) Send(w http.ResponseWriter, r *http.Request, who scans.Client, asked, form string) error {
	style, dark := "flat", r.URL.Query().Get("theme") == "dark"
	if r.URL.Query().Get("style") == "seal" {
		style = "seal"
	}
	summary, err := b.Summary(r.Context(), asked)
	if err != nil {
		return err
	}
	words := summary.badge(style, dark)
	key := words.Text() + "/" + style + form
	if dark {
		key += "/dark"
	}
	return b.send(w, r, who, key, form, func(ctx context.Context, w io.Writer) error { return drawBadge(ctx, w, words, form) })
}

// SendSender answers with a picture of what a test of a sender has proved.
func (b *Badges) SendSender(w http.ResponseWriter, r *http.Request, who scans.Client, says templates.SenderBadge, form string) error {
	says.Color = Color(says.Letter)
	return b.send(w, r, who, "sender/"+says.Message()+form, form, func(ctx context.Context, w io.Writer) error { return drawSender(ctx, w, says, form) })
}

// send answers with a picture that is drawn once for all who ask for the same.
func (b *Badges) send(w http.ResponseWriter, r *http.Request, who scans.Client, key, form string, write func(context.Context, io.Writer) error) error {
	h := rendering.Head{Kind: kinds[form], Keep: badgeKept, Open: true}
	p, err := b.Renderer.Get(r.Context(), who, b.Renderer.Pictures, key, h, write)
	if err == problem.Overloaded { // there are few different ones, so that they cost little
		p, err = rendering.Compose(r.Context(), h, write)
	}
	if err != nil {
		return err
	}
	return b.Renderer.Send(w, r, http.StatusOK, p)
}

// SendCard draws a report for those who see a link to it: the letter, the domain and what the
// letter says.
func (b *Badges) SendCard(w http.ResponseWriter, r *http.Request, who scans.Client, id string) error {
	h := rendering.Head{Kind: rendering.PNG, Keep: cardKept, Open: true}
	p, err := b.Renderer.Get(r.Context(), who, b.Renderer.Pictures, "card/"+id, h, func(ctx context.Context, w io.Writer) error {
		kept, err := b.Scans.Report(ctx, id)
		if err != nil {
			return err
		}
		return drawCard(w, kept)
	})
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoReport(id, b.Keep)
	}
	if err != nil {
		return err
	}
	return b.Renderer.Send(w, r, http.StatusOK, p)
}

// Summary looks up what is known of a domain, as it was typed, once for all who ask at the same time.
// Nothing is never an error here.
func (b *Badges) Summary(ctx context.Context, typed string) (Summary, error) {
	if known, ok := b.summaries.Get(typed + " " + b.Scans.LastOf(typed)); ok {
		return known, nil
	}
	d, err := b.Parse(typed)
	if err != nil {
		return Summary{Message: "no mail domain"}, nil
	}
	key := d.ASCII + " " + b.Scans.LastOf(d.ASCII)
	got, ok := b.looking.Do(ctx, key, func(ctx context.Context) lookedUp {
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		found, err := b.lookUp(ctx, d.ASCII)
		if err == nil {
			b.summaries.Put(key, found)
		}
		return lookedUp{found, err}
	})
	if !ok {
		return Summary{}, ctx.Err()
	}
	return got.Summary, got.err
}

// lookedUp is what looking for a summary came to.
type lookedUp struct {
	Summary
	err error
}

// lookUp looks a summary up in the store.
func (b *Badges) lookUp(ctx context.Context, domain string) (Summary, error) {
	latest, err := b.Scans.Latest(ctx, domain)
	if errors.Is(err, store.ErrNotFound) {
		return Summary{Message: "not tested"}, nil
	}
	if err != nil {
		return Summary{}, err
	}
	return b.firm(ctx, latest)
}

// firm sums up the youngest report of a domain whose letter is firm: an older one is
// shown with its date. latest is the one to begin with. That a domain cannot be tested is said
// where it is no trouble of our own. Where there is no firm letter, we do not know.
func (b *Badges) firm(ctx context.Context, latest *report.Report) (Summary, error) {
	if !latest.Spoilt() && (latest.Grade.Firm() || latest.Grade.Letter == report.LetterT && !latest.Grade.Provisional) {
		return Of(latest), nil
	}
	r, err := b.Store.Firm(ctx, latest.Domain)
	switch {
	case errors.Is(err, store.ErrNotFound) && latest.Grade == nil:
		return Of(latest), nil
	case errors.Is(err, store.ErrNotFound):
		return Summary{ID: latest.ID, CheckedAt: latest.CheckedAt, Letter: "?", Message: "not tested"}, nil
	case err != nil:
		return Summary{}, err
	}
	s := Of(r)
	s.ID = latest.ID // there is nothing newer to look at
	return s, nil
}
