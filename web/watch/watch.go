// Package watch tells those who asked for it what becomes of a domain: by mail, or by a webhook. It knows no
// HTTP page and no SQL.
//
// A watch is a domain and a target, a mail address or a URL. Asking for one brings nothing by itself: a
// message goes to the target, and only who reads it can confirm. The domain is then looked at once a day, at
// a time of its own; what is told of it says package watching. Every message leads to the page of the
// watch, whose address is the only key to it, and which ends it.
//
// It is made of jobs: round adds those for the domains that are due, look looks at one for all who watch it,
// deliver hands a message on, and comes again with growing waits.
package watch

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/watching"
	"mxseal/web/inbox"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/watch/mail"
)

const (
	maxWatches     = 100_000              // of an instance
	maxTarget      = 50                   // that tell one target
	maxUnconfirmed = 3                    // of these that wait to be confirmed
	maxAddress     = 254                  // octets of a mail address
	maxURL         = 500                  // of a URL
	confirmWithin  = 48 * time.Hour       // then it is forgotten
	keepMessages   = 400 * 24 * time.Hour // what was told
	maxShown       = 50                   // messages on the page of a watch
)

// Why there is no watch.
var (
	ErrTarget = errors.New("this is no mail address, and no https:// address of a webhook")
	ErrKind   = errors.New("this instance does not deliver to such a target")
)

// Config is what watches work with.
type Config struct {
	Store    *store.Store
	Inboxes  *inbox.Inboxes // whose TLS reports count too; nil for none
	Parse    func(string) (input.Domain, error)
	Mail     *mail.Sender // nil: no mail is sent
	Webhooks bool         // URLs may be told
	BaseURL  string       // where the instance is reached: a scheme and a host
	Log      *slog.Logger
	// Look looks at a domain (A-label) now, or hands out a report that is fresh (scans.Scanner.Look).
	Look func(ctx context.Context, domain string) (*report.Report, error)
	// Post delivers to a URL (checks.Engine.Post).
	Post func(ctx context.Context, address string, header map[string]string, body []byte) (status int, err error)
}

// Watches are those of an instance. They are safe for concurrent use.
type Watches struct {
	cfg  Config
	jobs *jobs.Engine
}

// The queues of the jobs.
const (
	looking    = "watch-look"
	delivering = "watch-deliver"
)

// Queues are those of all jobs of watches, with how many of each are done at a time.
func Queues() map[string]int { return map[string]int{looking: 8, delivering: 8} }

// New returns the watches of a store, and the kinds of jobs that they are made of.
func New(cfg Config) (*Watches, []jobs.Kind) {
	w := &Watches{cfg: cfg}
	return w, []jobs.Kind{jobs.Every(roundEvery, w.round), jobs.Do(looking, 1, w.look), jobs.Do(delivering, 1, w.deliver)}
}

// By names the engine that does the jobs, and what looks at a domain; it is called once, before anything else.
func (w *Watches) By(e *jobs.Engine, look func(context.Context, string) (*report.Report, error)) {
	w.jobs, w.cfg.Look = e, look
}

// Mail reports whether a mail address can be told, Webhooks whether a URL can.
func (w *Watches) Mail() bool     { return w.cfg.Mail != nil }
func (w *Watches) Webhooks() bool { return w.cfg.Webhooks }

var mailbox = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// target understands where somebody wants to be told.
func (w *Watches) target(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if strings.Contains(typed, "://") {
		return w.webhook(typed)
	}
	i := strings.LastIndexByte(typed, '@')
	if i < 1 || i > 64 || len(typed) > maxAddress || !mailbox.MatchString(typed[:i]) {
		return "", ErrTarget
	}
	d, err := w.cfg.Parse(typed[i+1:])
	if err != nil {
		return "", ErrTarget
	}
	if !w.Mail() {
		return "", ErrKind
	}
	return typed[:i+1] + d.ASCII, nil
}

// webhook understands the URL of a webhook: at the usual port of a host with a name, so that nobody has us
// knock elsewhere.
func (w *Watches) webhook(typed string) (string, error) {
	u, err := url.Parse(typed)
	if err != nil || len(typed) > maxURL || u.Scheme != "https" || u.User != nil || u.Port() != "" && u.Port() != "443" {
		return "", ErrTarget
	}
	d, err := w.cfg.Parse(u.Hostname())
	if err != nil {
		return "", ErrTarget
	}
	if !w.cfg.Webhooks {
		return "", ErrKind
	}
	u.Host, u.Fragment = d.ASCII, ""
	return u.String(), nil
}

// Ask has a message sent to the target that asks to confirm. It does not say whether one was: that would tell
// strangers who watches what. inbox is the key of one whose TLS reports count; empty for none. The error is ErrTarget or ErrKind, or that of Parse for the domain.
func (w *Watches) Ask(ctx context.Context, domain, target, inbox string) error {
	d, err := w.cfg.Parse(domain)
	if err != nil {
		return err
	}
	to, err := w.target(target)
	if err != nil {
		return err
	}
	if inbox != "" {
		if box, err := w.cfg.Store.InboxOf(ctx, inbox); err != nil || box.Domain != d.ASCII {
			inbox = ""
		}
	}
	now := time.Now()
	one := store.Watch{Key: store.NewID(), Token: store.NewID(), Domain: d.ASCII, Target: to, Secret: newSecret(), Inbox: inbox, Made: now}
	return w.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		added, err := tx.AddWatch(ctx, one, store.WatchBounds{All: maxWatches, Target: maxTarget, Unconfirmed: maxUnconfirmed})
		if err != nil || !added {
			return err
		}
		m := store.Message{ID: newID(), Watch: one.Key, Made: now}
		if err := tx.AddMessage(ctx, m); err != nil {
			return err
		}
		return w.jobs.Add(ctx, tx, deliverJob{m.ID})
	})
}

// ToConfirm is the watch that a token confirms. store.ErrNotFound: there is none, or it is confirmed.
func (w *Watches) ToConfirm(ctx context.Context, token string) (store.Watch, error) {
	return w.cfg.Store.WatchToConfirm(ctx, token)
}

// Confirm confirms the watch of a token. store.ErrNotFound: there is none, or it is confirmed.
func (w *Watches) Confirm(ctx context.Context, token string) (store.Watch, error) {
	one, err := w.cfg.Store.WatchToConfirm(ctx, token)
	if err != nil {
		return one, err
	}
	now := time.Now()
	return w.cfg.Store.ConfirmWatch(ctx, token, now, nextLook(one.Domain, now))
}

// End deletes the watch of a key with all that was told. store.ErrNotFound: there is none.
func (w *Watches) End(ctx context.Context, key string) error { return w.cfg.Store.EndWatch(ctx, key) }

// Told is a message as the page of a watch shows it.
type Told struct {
	store.Message
	Report string // id; empty where the message asks to confirm
	Events []watching.Event
}

// Read returns the watch of a key, and what was told. store.ErrNotFound: there is none.
func (w *Watches) Read(ctx context.Context, key string) (store.Watch, []Told, error) {
	one, err := w.cfg.Store.Watch(ctx, key)
	if err != nil {
		return one, nil, err
	}
	messages, err := w.cfg.Store.Messages(ctx, key, maxShown)
	if err != nil {
		return one, nil, err
	}
	list := make([]Told, 0, len(messages))
	for _, m := range messages {
		t, err := told(m)
		if err != nil {
			return one, nil, err
		}
		list = append(list, t)
	}
	return one, list, nil
}

// news is what is kept of a message.
type news struct {
	Report string           `json:"report"`
	Events []watching.Event `json:"events"`
}

func told(m store.Message) (Told, error) {
	t := Told{Message: m}
	if m.Events == nil {
		return t, nil
	}
	var n news
	if err := json.Unmarshal(m.Events, &n); err != nil {
		return t, fmt.Errorf("a message of a watch cannot be read: %w", err)
	}
	t.Report, t.Events = n.Report, n.Events
	return t, nil
}

// Expire deletes watches of a store that nobody has confirmed, and what was told long ago.
func Expire(ctx context.Context, s *store.Store) error {
	now := time.Now()
	return s.ExpireWatches(ctx, now.Add(-confirmWithin), now.Add(-keepMessages))
}

// OfURL reports whether a target is a URL, and not a mail address.
func OfURL(target string) bool { return strings.HasPrefix(target, "https://") }

// newSecret is one by which a receiver knows that a webhook comes from here (Standard Webhooks).
func newSecret() string {
	key := make([]byte, 24)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func newID() string { return "msg_" + store.NewID() }

// The addresses that messages lead to.
func (w *Watches) page(one store.Watch) string { return w.cfg.BaseURL + "/watch/" + one.Key }
func (w *Watches) confirmation(one store.Watch) string {
	return w.cfg.BaseURL + "/watch/confirm/" + one.Token
}
