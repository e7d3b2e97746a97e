package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/store"
)

const (
	outdatedAfter = 30 * 24 * time.Hour
	badgeKept     = "public, max-age=300"
)

// standing is what can be said of a domain in two words.
type standing struct {
	id        string // of the report; empty where there is none
	label     string // DANE, MTA-STS or STARTTLS; empty where no such claim would be honest (RULES 5)
	letter    report.Letter
	checkedAt time.Time
	message   string // instead of a letter; empty where there is one
}

// standingOf sums a report up.
func standingOf(r *report.Report) standing {
	s := standing{id: r.ID, checkedAt: r.CheckedAt, letter: "?"}
	if r.Grade != nil {
		s.letter = r.Grade.Letter
	}
	switch {
	case r.Grade.Lost() && r.Grade.Reason == report.DoesNotExist:
		s.message = "does not exist"
	case r.Grade.Lost():
		s.message = "undeliverable"
	case s.letter == "T":
		s.message = "not testable"
	case s.letter == "N":
		s.message = "takes no mail"
	case !s.letter.Valid():
		s.message = "no grade"
	case s.letter == "E" || s.letter == "F":
	case slices.Contains(r.Badges, grade.BadgeDANE):
		s.label = grade.BadgeDANE
	case slices.Contains(r.Badges, grade.BadgeMTASTS):
		s.label = grade.BadgeMTASTS
	default:
		s.label = "STARTTLS"
	}
	return s
}

// firm is the standing by the youngest report of a domain whose letter is firm: an older one is
// shown with its date. latest is the one to begin with. That a domain cannot be tested is said
// where it is no trouble of our own. Where there is no firm letter, we do not know.
func (s *Site) firm(ctx context.Context, latest *report.Report) (standing, error) {
	if !latest.Spoilt() && (latest.Grade.Firm() || latest.Grade.Letter == "T" && !latest.Grade.Provisional) {
		return standingOf(latest), nil
	}
	r, err := s.cfg.Store.Firm(ctx, latest.Domain)
	switch {
	case errors.Is(err, store.ErrNotFound) && latest.Grade == nil:
		return standingOf(latest), nil
	case errors.Is(err, store.ErrNotFound):
		return standing{id: latest.ID, checkedAt: latest.CheckedAt, letter: "?", message: "not tested"}, nil
	case err != nil:
		return standing{}, err
	}
	st := standingOf(r)
	st.id = latest.ID // there is nothing newer to look at
	return st, nil
}

func (s standing) outdated() bool {
	return s.id != "" && !report.Within(outdatedAfter, s.checkedAt, time.Now())
}

// badge is the standing in the words of a badge.
func (s standing) badge(style string, dark bool) templates.Badge {
	b := templates.Badge{Label: "mail", Message: s.message, Letter: "?", Color: sealColor("?"), Style: style, Dark: dark}
	switch {
	case s.outdated():
		b.Message = "outdated"
	case s.message == "":
		b.Letter, b.Color = s.letter, sealColor(s.letter)
		b.Message = string(s.letter) + " · " + s.checkedAt.UTC().Format("2 Jan 2006")
		if s.label != "" {
			b.Label = s.label
		}
	}
	return b
}

// sealColor is the colour of a letter's seal, as in style.css.
func sealColor(l report.Letter) string {
	switch l {
	case "A+", "A":
		return "#1f7043"
	case "B":
		return "#2f6f86"
	case "C":
		return "#8f6a14"
	case "D":
		return "#a8560f"
	case "E":
		return "#b0401a"
	case "F":
		return "#9c2320"
	}
	return "#6b665d"
}

// The endings of a badge's address, the longer before those they end in, and what is behind them.
var (
	badgeForms = []string{".svg", "@2x.png", ".png", ".json"}
	badgeKinds = map[string]string{".svg": "image/svg+xml", "@2x.png": imagePNG, ".png": imagePNG, ".json": "application/json"}
)

// otherForm is the ending of a picture or page that there is not: no domain ends so.
var (
	otherForm = regexp.MustCompile(`(?i)(@[0-9.]+x\.[a-z]+|\.(gif|jpe?g|webp|avif|bmp|ico|tiff?|html?|txt|xml|ya?ml|pdf))$`)

	noSuchPicture = &problem{status: http.StatusNotFound, reason: "no-such-address", title: "No such picture", text: "Badges end in .svg, .png, @2x.png or .json."}
)

// badge answers with a picture of the latest firm letter, whatever was asked for: it stands in
// pages of others and must not break them. It starts no check. An address without a known
// ending is the page that hands badges out.
func (s *Site) badge(w http.ResponseWriter, r *http.Request) error {
	name := pathValue(r, "name")
	if otherForm.MatchString(name) && !strings.HasSuffix(name, "@2x.png") {
		return noSuchPicture
	}
	i := slices.IndexFunc(badgeForms, func(form string) bool { return strings.HasSuffix(name, form) })
	if i < 0 {
		return s.badgePage(w, r, name)
	}
	form := badgeForms[i]
	name = strings.TrimSuffix(name, form)
	style, dark := "flat", r.URL.Query().Get("theme") == "dark"
	if r.URL.Query().Get("style") == "seal" {
		style = "seal"
	}
	st, err := s.standing(r.Context(), name)
	if err != nil {
		return err
	}
	b := st.badge(style, dark)
	key := b.Label + "/" + b.Message + "/" + style + form
	if dark {
		key += "/dark"
	}
	h := head{kind: badgeKinds[form], keep: badgeKept, open: true}
	write := func(ctx context.Context, w io.Writer) error { return drawBadge(ctx, w, b, form) }
	p, err := s.renderer.get(r, s.renderer.pictures, key, h, write)
	if err == overloaded { // there are few different ones, so that they cost little
		p, err = compose(r.Context(), h, nil, write)
	}
	if err != nil {
		return err
	}
	return s.send(w, r, http.StatusOK, p)
}

// standing looks up what is known of a domain, once for all who ask at the same time.
// Nothing is never an error here.
func (s *Site) standing(ctx context.Context, name string) (standing, error) {
	if st, ok := s.standings.Get(name + " " + s.scans.LastOf(name)); ok {
		return st, nil
	}
	d, err := s.parse(name)
	if err != nil {
		return standing{message: "no mail domain"}, nil
	}
	key := d.ASCII + " " + s.scans.LastOf(d.ASCII)
	got, ok := s.looking.Do(ctx, key, func(ctx context.Context) lookedUp {
		ctx, cancel := context.WithTimeout(ctx, renderTime)
		defer cancel()
		st, err := s.lookUp(ctx, d.ASCII)
		if err == nil {
			s.standings.Put(key, st)
		}
		return lookedUp{st, err}
	})
	if !ok {
		return standing{}, ctx.Err()
	}
	return got.standing, got.err
}

// lookedUp is what looking for a standing came to.
type lookedUp struct {
	standing
	err error
}

// lookUp looks a standing up in the store.
func (s *Site) lookUp(ctx context.Context, domain string) (standing, error) {
	latest, err := s.scans.Latest(ctx, domain)
	if errors.Is(err, store.ErrNotFound) {
		return standing{message: "not checked"}, nil
	}
	if err != nil {
		return standing{}, err
	}
	return s.firm(ctx, latest)
}

func drawBadge(ctx context.Context, w io.Writer, b templates.Badge, form string) error {
	switch form {
	case ".svg":
		return templates.BadgeSVG(b).Render(ctx, w)
	case ".json":
		content, err := json.Marshal(shield{1, b.Label, b.Message, b.Color, 300})
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	case "@2x.png":
		return drawPNG(w, b, 2)
	}
	return drawPNG(w, b, 1)
}

func drawPNG(w io.Writer, b templates.Badge, scale float64) error {
	width, height := b.Size()
	c := newCanvas(width, height, scale)
	fill, white := rgb(b.Color), rgb("#ffffff")
	type part struct {
		words
		text string
	}
	var parts []part
	if b.Style == "seal" {
		c.box(0, 0, float64(width), float64(height), 6, 6, rgb(b.Paper()))
		c.seal(0, 0, 44, fill)
		ink := rgb(b.Ink())
		parts = []part{
			{words{x: 22, y: 28, size: 18, anchor: .5, bold: true, fill: white}, string(b.Letter)},
			{words{x: 53, y: 20, size: 14, bold: true, fill: ink}, b.Label},
			{words{x: 53, y: 36, size: 11.5, fill: ink}, b.Message},
		}
	} else {
		c.box(0, 0, templates.LabelWidth, 20, 3, 0, rgb(b.Ground()))
		c.box(templates.LabelWidth, 0, float64(width-templates.LabelWidth), 20, 0, 3, fill)
		parts = []part{
			{words{x: templates.LabelWidth / 2, y: 14, size: 11.5, anchor: .5, fill: white}, b.Label},
			{words{x: float64(templates.LabelWidth+width) / 2, y: 14, size: 11.5, anchor: .5, fill: white}, b.Message},
		}
	}
	for _, p := range parts {
		if err := c.text(p.words, p.text); err != nil {
			return err
		}
	}
	return c.png(w)
}

// badgePage hands out what can be copied into signatures and pages.
func (s *Site) badgePage(w http.ResponseWriter, r *http.Request, asked string) error {
	d, err := s.parse(asked)
	if err != nil {
		why, err := reason(err)
		if err != nil {
			return err
		}
		return &problem{status: http.StatusNotFound, title: "Not a mail domain", reason: "not-a-mail-domain", text: why}
	}
	if d.ASCII != asked {
		http.Redirect(w, r, "/badge/"+d.ASCII, http.StatusMovedPermanently)
		return nil
	}
	st, err := s.standing(r.Context(), d.ASCII)
	if err != nil {
		return err
	}
	page := templates.Badges{Domain: d.ASCII, Unicode: d.Unicode, Base: s.base(r), Checked: st.id != "" && !st.outdated()}
	if page.Checked {
		page.Label, page.Letter, page.At, page.Unsure = st.label, st.letter, st.checkedAt, st.message == "not tested"
	}
	f := s.frame("Badges of " + d.Unicode)
	f.Private = true
	return s.render(w, r, http.StatusOK, "", f, templates.BadgePage(f, page))
}

// base is scheme and host of the site: as configured, else as the visitor reached it.
func (s *Site) base(r *http.Request) string {
	if s.cfg.BaseURL != "" {
		return s.cfg.BaseURL
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host
}
