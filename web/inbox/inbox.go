// Package inbox takes the TLS reports (RFC 8460) that senders deliver for a domain, and keeps them for
// its owner. It knows no HTTP.
//
// Whoever wants reports gets an inbox for a domain, with two secrets that nobody can guess: a token in
// the address to which senders deliver, which the owner publishes in the domain's TLS-RPT record, and
// a key in the address of the page, which stands nowhere else. A report is taken only while the record
// names the inbox, so that nobody gets the reports of a domain, or fills an inbox, without writing its DNS.
package inbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/tlsreport"
	"mxseal/web/store"
)

const (
	Octets = 1 << 20 // of what is delivered at a time

	unpackedOctets = 32 << 20             // of that, unpacked
	maxReports     = 20                   // in it
	maxKept        = 5000                 // reports of an inbox
	maxInboxes     = 20_000               // of an instance
	maxKeptOctets  = 256 << 10            // of one report as it is kept, packed
	keepReports    = 400 * 24 * time.Hour // more than a year, to compare
	keepUnused     = 60 * 24 * time.Hour  // an inbox to which nothing comes
	recordFresh    = 10 * time.Minute     // how long what the DNS says of an inbox is believed
	recordOctets   = 1 << 20              // of memory for that
)

// Why a delivery is not taken.
var (
	ErrNotNamed = errors.New("the TLS-RPT record of the domain does not name this address")
	ErrUnknown  = errors.New("the TLS-RPT record of the domain cannot be found out now") // to be tried again
	ErrFull     = errors.New("the inbox is full")
	ErrNothing  = errors.New("there is no TLS report in it")
	ErrTooMany  = errors.New("there are as many inboxes as this instance keeps")
)

// Config is what inboxes work with.
type Config struct {
	Store *store.Store
	// Texts is Engine.Texts.
	Texts func(ctx context.Context, name string) (texts []string, known bool)
	// BaseURL is where the instance is reached: a scheme and a host. Senders deliver to nothing but https://.
	BaseURL string
	// Domain of mail addresses for reports, an A-label; empty where none come by mail.
	Domain string
	// Test takes reports about the test of a sender, which has an address as an inbox has; store.ErrNotFound
	// where it takes none under that id. Nil where senders are not tested.
	Test func(ctx context.Context, id string, read func(take func(*tlsreport.Report)) error) error
	Log  *slog.Logger
}

// Inboxes are those of an instance. They are safe for concurrent use.
type Inboxes struct {
	Config
	named  *cache.Cache[bool] // whether the record names the inbox, by token
	unpack sync.Mutex         // held while a delivery is unpacked
}

// New returns the inboxes of a store.
func New(c Config) *Inboxes {
	return &Inboxes{Config: c, named: cache.New[bool](recordOctets, recordFresh, nil)}
}

// Held says what is held in memory.
func (i *Inboxes) Held() cache.Held { return i.named.Held() }

// Addresses are where senders deliver (RFC 8460 §3): by HTTPS, by mail.
func (i *Inboxes) Addresses(token string) []string {
	var list []string
	if strings.HasPrefix(i.BaseURL, "https:") {
		list = append(list, i.BaseURL+"/tlsrpt/"+token)
	}
	if i.Domain != "" {
		list = append(list, "mailto:"+token+"@"+i.Domain)
	}
	return list
}

// Knows returns store.ErrNotFound where no inbox has a token.
func (i *Inboxes) Knows(ctx context.Context, token string) error {
	_, err := i.Store.Inbox(ctx, token)
	return err
}

// Open makes an inbox for a domain (A-label).
func (i *Inboxes) Open(ctx context.Context, domain string) (key string, err error) {
	one := store.Inbox{Token: store.NewID(), Key: store.NewID(), Domain: domain, Made: time.Now()}
	added, err := i.Store.AddInbox(ctx, one, maxInboxes)
	if err == nil && !added {
		err = ErrTooMany
	}
	return one.Key, err
}

// Deliver keeps the reports in what a sender has delivered. The error is store.ErrNotFound where there
// is no such inbox, or one of those above.
func (i *Inboxes) Deliver(ctx context.Context, token string, body io.Reader) error {
	if i.Test != nil && !store.IsID(token) {
		return i.Test(ctx, token, func(take func(*tlsreport.Report)) error {
			return i.read(body, func(r *tlsreport.Report) error { take(r); return nil })
		})
	}
	box, err := i.Store.Inbox(ctx, token)
	if err != nil {
		return err
	}
	if err := i.vet(ctx, box); err != nil {
		return err
	}
	reports := make(map[string][]byte)
	if err := i.read(body, func(r *tlsreport.Report) error {
		key, packed, err := pack(r)
		if err == nil {
			reports[key] = packed
		}
		return err
	}); err != nil {
		return err
	}
	kept, err := i.Store.Deliver(ctx, token, reports, time.Now(), maxKept)
	if err == nil && !kept {
		err = ErrFull
	}
	return err
}

// vet asks whether the domain's own record names the inbox.
func (i *Inboxes) vet(ctx context.Context, box store.Inbox) error {
	named, known := i.named.Get(box.Token)
	if !known {
		texts, answered := i.Texts(ctx, "_smtp._tls."+box.Domain)
		if !answered {
			return ErrUnknown
		}
		named = slices.ContainsFunc(texts, func(text string) bool { return names(text, i.Addresses(box.Token)) })
		i.named.Put(box.Token, named)
	}
	if !named {
		return ErrNotNamed
	}
	return nil
}

// names reports whether a TLS-RPT record (its text, RFC 8460 §3) names one of the addresses. Scheme and host
// may be written in capitals.
func names(text string, addresses []string) bool {
	for _, field := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(field, "=")
		if strings.TrimSpace(name) != "rua" {
			continue
		}
		for _, uri := range strings.Split(value, ",") {
			uri = strings.TrimSpace(uri)
			if slices.ContainsFunc(addresses, func(address string) bool { return strings.EqualFold(uri, address) }) {
				return true
			}
		}
	}
	return false
}

// read hands on the reports in what was delivered, at most maxReports. Those that cannot be read, or that take
// does not take, are an error only where there are no others.
func (i *Inboxes) read(body io.Reader, take func(*tlsreport.Report) error) error {
	text, err := io.ReadAll(io.LimitReader(body, Octets+1))
	if err != nil {
		return fmt.Errorf("read what was delivered: %w", err)
	}
	if len(text) > Octets {
		return ErrNothing
	}
	i.unpack.Lock()
	defer i.unpack.Unlock()
	taken := 0
	var why error
	err = tlsreport.Read("report", bytes.NewReader(text), unpackedOctets, func(f tlsreport.Found) {
		switch {
		case f.Err != nil:
			why = f.Err
		case taken < maxReports:
			if err := take(f.Report); err != nil {
				why = err
				return
			}
			taken++
		}
	})
	switch {
	case err != nil:
		return err
	case taken == 0 && why != nil:
		return fmt.Errorf("%w: %w", ErrNothing, why)
	case taken == 0:
		return ErrNothing
	}
	return nil
}

// pack makes what is kept of a report, and the key by which it is known when it comes again.
func pack(r *tlsreport.Report) (key string, body []byte, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", nil, err
	}
	known := text // one without an id is the same where all of it is
	if r.ID != "" {
		known = []byte(r.Organization + "\x00" + r.ID + "\x00" + r.Start.String())
	}
	digest := sha256.Sum256(known)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text) // into memory
	if err := z.Close(); err != nil {
		return "", nil, err
	}
	if b.Len() > maxKeptOctets {
		return "", nil, fmt.Errorf("a report of more than %d octets, packed, is not kept", maxKeptOctets)
	}
	return hex.EncodeToString(digest[:]), b.Bytes(), nil
}

// Read returns the inbox of a key and what the reports in it come to.
func (i *Inboxes) Read(ctx context.Context, key string) (store.Inbox, *tlsreport.Summary, error) {
	box, err := i.Store.InboxOf(ctx, key)
	if err != nil {
		return box, nil, err
	}
	s := tlsreport.NewSummary()
	err = i.Store.Delivered(ctx, box.Token, func(body []byte) error {
		r, err := unpack(body)
		if err != nil { // the others are worth reading all the same
			i.Log.Warn("a kept TLS report cannot be read", "domain", box.Domain, "error", err)
			return nil
		}
		s.Add(r)
		return nil
	})
	return box, s, err
}

// Recent returns what the reports in the inbox of a key come to that speak of times after a moment.
func (i *Inboxes) Recent(ctx context.Context, key string, since time.Time) (store.Inbox, *tlsreport.Summary, error) {
	box, err := i.Store.InboxOf(ctx, key)
	if err != nil {
		return box, nil, err
	}
	s := tlsreport.NewSummary()
	return box, s, i.Store.Delivered(ctx, box.Token, func(body []byte) error {
		if r, err := unpack(body); err == nil && r.End.After(since) { // Read tells of those that cannot be read
			s.Add(r)
		}
		return nil
	})
}

func unpack(body []byte) (*tlsreport.Report, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r := new(tlsreport.Report)
	return r, json.NewDecoder(io.LimitReader(z, unpackedOctets)).Decode(r)
}

// Remove deletes the inbox of a key with all that is in it.
func (i *Inboxes) Remove(ctx context.Context, key string) error {
	box, err := i.Store.InboxOf(ctx, key)
	if err != nil {
		return err
	}
	return i.Store.RemoveInbox(ctx, box.Token)
}

// Expire deletes old reports of a store, and inboxes to which nothing comes.
func Expire(ctx context.Context, s *store.Store) error {
	now := time.Now()
	return s.ExpireInboxes(ctx, now.Add(-keepReports), now.Add(-keepUnused))
}
