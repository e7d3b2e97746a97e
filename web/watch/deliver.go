package watch

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/checks/watching"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/watch/mail"
)

const (
	secretPrefix = "whsec_"
	maxMissed    = 5   // messages in a row that could not be delivered, after which a watch ends
	maxError     = 300 // octets of why that are kept
)

// tryAgain are the waits between the tries to deliver a message; after the last one it is given up.
var tryAgain = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour}

// What a receiver may answer.
var (
	errRefused = errors.New("refused for good")
	errGone    = errors.New("the receiver wants no more (410)")
)

type deliverJob struct {
	ID string `json:"id"` // of the message
}

func (deliverJob) Kind() string { return "watch-deliver" }

// deliver hands a message to who watches. What it could not deliver in a day and a half it gives up: the page
// of the watch shows that, and the next message says it.
func (w *Watches) deliver(ctx context.Context, job deliverJob, _ int) error {
	m, one, err := w.cfg.Store.Message(ctx, job.ID)
	switch {
	case errors.Is(err, store.ErrNotFound): // the watch has ended
		return nil
	case err != nil:
		return err
	case !m.Sent.IsZero() || m.GivenUp || m.Events == nil && one.Token == "":
		return nil
	}
	t, err := told(m)
	if err == nil {
		err = w.hand(ctx, one, t)
	}
	switch {
	case err == nil:
		m.Sent, m.Error = time.Now(), ""
		return w.cfg.Store.KeepTry(ctx, m)
	case errors.Is(err, errGone):
		return w.ended(ctx, one, "its receiver wants no more")
	case errors.Is(ctx.Err(), context.Canceled): // the program ends: that was no try
		return ctx.Err()
	}
	return w.failed(ctx, m, one, err)
}

// failed notes that a try to deliver a message has failed, and has it tried again, given up, or the watch ended.
func (w *Watches) failed(ctx context.Context, m store.Message, one store.Watch, err error) error {
	m.Tries++
	m.Error = report.Clean(err.Error(), maxError)
	m.GivenUp = m.Tries > len(tryAgain) || errors.Is(err, errRefused)
	if err := w.cfg.Store.KeepTry(context.WithoutCancel(ctx), m); err != nil {
		return err
	}
	switch {
	case !m.GivenUp:
		return jobs.Again(tryAgain[m.Tries-1])
	case one.Missed+1 >= maxMissed || one.Token != "":
		return w.ended(ctx, one, "its messages cannot be delivered")
	}
	w.cfg.Log.Warn("a message of a watch is given up", "domain", one.Domain, "tries", m.Tries)
	return nil
}

// ended ends a watch of which nothing can come any more.
func (w *Watches) ended(ctx context.Context, one store.Watch, why string) error {
	w.cfg.Log.Info("a watch ends", "domain", one.Domain, "since", why)
	if err := w.cfg.Store.EndWatch(ctx, one.Key); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// hand hands a message over once.
func (w *Watches) hand(ctx context.Context, one store.Watch, t Told) error {
	if OfURL(one.Target) {
		if !w.cfg.Webhooks {
			return fmt.Errorf("%w: this instance sends no webhooks any more", errRefused)
		}
		return w.call(ctx, one, t)
	}
	if w.cfg.Mail == nil {
		return fmt.Errorf("%w: this instance sends no mail any more", errRefused)
	}
	l := mail.Letter{ID: t.ID, To: one.Target, Subject: subject(one, t), Text: w.text(one, t), At: t.Made}
	if one.Token == "" {
		l.End = w.page(one) + "/end"
	}
	if err := w.cfg.Mail.Send(ctx, l); errors.Is(err, mail.ErrRefused) {
		return fmt.Errorf("%w: %w", errRefused, err)
	} else {
		return err
	}
}

// payload is what a webhook says.
type payload struct {
	Type      string    `json:"type"` // watch.confirm or watch.changed
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Domain  string  `json:"domain"`
	Confirm string  `json:"confirm,omitempty"` // address of the page that confirms
	Report  string  `json:"report,omitempty"`  // address of the report
	Watch   string  `json:"watch,omitempty"`   // address of the page of the watch
	Missed  int     `json:"missed,omitempty"`  // messages before this one that could not be delivered
	Events  []event `json:"events,omitempty"`
}

type event struct {
	watching.Event
	Title string `json:"title"`
	Text  string `json:"text"`
}

func inWords(events []watching.Event, domain string) (list []event) {
	for _, e := range events {
		words := view.WordsOfTold(e, domain)
		list = append(list, event{e, words.Title, words.Text})
	}
	return list
}

// call posts a message to a URL, signed as Standard Webhooks says. Anything but 2xx is a failure, redirects too.
func (w *Watches) call(ctx context.Context, one store.Watch, t Told) error {
	p := payload{Type: "watch.changed", Timestamp: t.Made.UTC(), Data: data{Domain: one.Domain, Missed: one.Missed}}
	if one.Token != "" {
		p.Type, p.Data.Confirm = "watch.confirm", w.confirmation(one)
	} else {
		p.Data.Report, p.Data.Watch = w.cfg.BaseURL+"/report/"+t.Report, w.page(one)
	}
	p.Data.Events = inWords(t.Events, one.Domain)
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("make the message: %w", err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	status, err := w.cfg.Post(ctx, one.Target, map[string]string{"Content-Type": "application/json", "webhook-id": t.ID, "webhook-timestamp": at, "webhook-signature": sign(one.Secret, t.ID, at, body)}, body)
	switch {
	case err != nil:
		return err
	case status == 410:
		return errGone
	case status/100 == 3:
		return fmt.Errorf("%s answers %d: redirects are not followed", hostOf(one.Target), status)
	case status/100 != 2:
		return fmt.Errorf("%s answers %d", hostOf(one.Target), status)
	}
	return nil
}

func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "the receiver"
	}
	return u.Host
}

// sign is the signature of a webhook, version 1: HMAC-SHA256 over id, time and body, by the octets of the secret.
func sign(secret, id, at string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		key = []byte(secret) // newSecret makes none of that kind
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
