package certificates

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"mxseal/web/store"
)

const (
	namesMax     = 100              // of one certificate: what Let's Encrypt takes
	formerMax    = 5                // wildcards that are kept beside the one in use
	firstRest    = time.Minute      // after an order that failed; then twice as long each time
	longestRest  = 6 * time.Hour    // between two orders
	requestMax   = 30 * time.Second // one request to the authority
	RenewalMax   = 15 * time.Minute // all orders of a round
	RenewalEvery = time.Hour
)

// Authority is who issues our certificates, by ACME (RFC 8555).
type Authority struct {
	Directory string         // URL
	Email     string         // of the account; may be empty
	Roots     *x509.CertPool // that vouch for the directory; nil for those of the system
	Zone      string         // A-label, without a final dot
	Hosts     []string       // that have policies
	Store     *store.Store
}

// FromAuthority are certificates that are proven by records of our own zone (RFC 8555 §8.4). Renew gets
// them. Their keys stay the same for good, so that TLSA records stay right.
type FromAuthority struct {
	Authority
	client  acmez.Client
	account acme.Account
	keys    map[certificateKind]*ecdsa.PrivateKey

	orders     sync.Mutex // held during a round
	mu         sync.Mutex
	challenges map[string][]string // values by name
	mail       succession
	former     []*tls.Certificate // wildcards that were renewed, the youngest first
	pool       []*tls.Certificate // of policy hosts
	rest       rest
}

// certificateKind says which key a certificate has.
type certificateKind string

const (
	ofMail   certificateKind = "mail servers"
	ofPolicy certificateKind = "policy hosts"
)

// NewFromAuthority returns the certificates that are kept. Nothing is asked of the authority.
func NewFromAuthority(ctx context.Context, from Authority) (*FromAuthority, error) {
	a := &FromAuthority{Authority: from, challenges: make(map[string][]string), keys: make(map[certificateKind]*ecdsa.PrivateKey)}
	a.client = acmez.Client{Client: &acme.Client{Directory: a.Directory, UserAgent: "mxseal", HTTPClient: &http.Client{Timeout: requestMax,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: a.Roots}}}},
		ChallengeSolvers: map[string]acmez.Solver{acme.ChallengeTypeDNS01: solver{a}}}
	key, err := Key(ctx, a.Store, "account at "+a.Directory)
	if err != nil {
		return nil, err
	}
	a.account = acme.Account{PrivateKey: key, TermsOfServiceAgreed: true}
	if a.Email != "" {
		a.account.Contact = []string{"mailto:" + a.Email}
	}
	for _, kind := range []certificateKind{ofMail, ofPolicy} {
		if a.keys[kind], err = Key(ctx, a.Store, "key of the "+string(kind)+" of "+a.Zone); err != nil {
			return nil, err
		}
	}
	return a, a.load(ctx)
}

// Key is one that is made once, and is in the store from then on.
func Key(ctx context.Context, s *store.Store, name string) (*ecdsa.PrivateKey, error) {
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := fresh.Bytes()
	if err != nil {
		return nil, err
	}
	if text, err = s.Secret(ctx, name, text); err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), text)
	if err != nil {
		return nil, fmt.Errorf("the kept %s cannot be read: %w", name, err)
	}
	return key, nil
}

// chains are certificates at rest: each is a leaf and what stands above it, in DER.
type chains struct {
	Mail   [][]byte   `json:"mail,omitempty"`
	Former [][][]byte `json:"former,omitempty"`
	Pool   [][][]byte `json:"pool,omitempty"`
}

func (a *FromAuthority) secret() string { return "certificates of the zone " + a.Zone }

func (a *FromAuthority) load(ctx context.Context) error {
	text, err := a.Store.Secret(ctx, a.secret(), []byte("{}"))
	if err != nil {
		return err
	}
	var kept chains
	if err := json.Unmarshal(text, &kept); err != nil {
		return fmt.Errorf("the kept %s cannot be read: %w", a.secret(), err)
	}
	for _, chain := range slices.Concat([][][]byte{kept.Mail}, kept.Former, kept.Pool) {
		if len(chain) == 0 {
			continue
		}
		leaf, err := x509.ParseCertificate(chain[0])
		if err != nil {
			return fmt.Errorf("the kept %s cannot be read: %w", a.secret(), err)
		}
		if !a.ofMail(leaf) {
			a.pool = append(a.pool, &tls.Certificate{Certificate: chain, PrivateKey: a.keys[ofPolicy], Leaf: leaf})
			continue
		}
		c := &tls.Certificate{Certificate: chain, PrivateKey: a.keys[ofMail], Leaf: leaf}
		if a.mail.now == nil {
			a.mail.now = c
		} else {
			a.former = append(a.former, c)
		}
	}
	return nil
}

func (a *FromAuthority) ofMail(leaf *x509.Certificate) bool {
	return slices.Equal(leaf.DNSNames, []string{"*." + a.Zone})
}

// Renew gets every certificate that is missing or has less than a third of its life left. After a failure it
// leaves the authority alone for a while that grows, and says what has failed until then.
func (a *FromAuthority) Renew(ctx context.Context) error {
	a.orders.Lock()
	defer a.orders.Unlock()
	now := time.Now()
	if err := a.rest.over(now); err != nil {
		return err
	}
	err := a.renew(ctx, now)
	if err != nil {
		err = fmt.Errorf("certificates from %s: %w", a.Directory, err)
	}
	a.rest.begin(now, err)
	return err
}

func (a *FromAuthority) renew(ctx context.Context, now time.Time) error {
	a.mu.Lock()
	latest, pool := a.mail.shown(now.Add(around)), slices.Clone(a.pool)
	a.mu.Unlock()
	if due(latest, now) {
		c, err := a.order(ctx, ofMail, []string{"*." + a.Zone})
		if err != nil {
			return err
		}
		a.follow(latest, c, now)
		if err := a.save(ctx); err != nil {
			return err
		}
	}
	var used []*tls.Certificate
	for names := range slices.Chunk(a.Hosts, namesMax) {
		i := slices.IndexFunc(pool, func(c *tls.Certificate) bool { return !due(c, now) && fits(c, names) })
		if i >= 0 {
			used = append(used, pool[i])
			continue
		}
		c, err := a.order(ctx, ofPolicy, names)
		if err != nil {
			return err
		}
		used = append(used, c)
		if err := a.keep(ctx, slices.Concat(used, pool)); err != nil {
			return err
		}
	}
	return a.keep(ctx, used)
}

// keep has these certificates for policy hosts, the first that fits before others.
func (a *FromAuthority) keep(ctx context.Context, pool []*tls.Certificate) error {
	a.mu.Lock()
	same := slices.Equal(a.pool, pool)
	a.pool = pool
	a.mu.Unlock()
	if same {
		return nil
	}
	return a.save(ctx)
}

// due reports whether a certificate has to be renewed: with a third of its life left.
func due(c *tls.Certificate, now time.Time) bool {
	return c == nil || now.After(c.Leaf.NotAfter.Add(-c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/3))
}

func fits(c *tls.Certificate, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return c.Leaf.VerifyHostname(name) != nil })
}

// follow has a wildcard take the place of another, which is kept: once its time is over it is the one of
// the trap of expired certificates.
func (a *FromAuthority) follow(latest, c *tls.Certificate, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mail.put(c, now)
	if latest == nil {
		return
	}
	a.former = slices.Insert(a.former, 0, latest)
	if i := slices.IndexFunc(a.former, func(c *tls.Certificate) bool { return now.After(c.Leaf.NotAfter) }); i >= 0 {
		a.former = a.former[:i+1] // one that is over is enough
	}
	a.former = a.former[:min(len(a.former), formerMax)]
}

// order gets one certificate.
func (a *FromAuthority) order(ctx context.Context, kind certificateKind, names []string) (*tls.Certificate, error) {
	account, err := a.client.NewAccount(ctx, a.account) // the one of our key, where there is one
	if err != nil {
		return nil, fmt.Errorf("open the account: %w", err)
	}
	offered, err := a.client.ObtainCertificateForSANs(ctx, account, a.keys[kind], names)
	if err != nil {
		return nil, fmt.Errorf("order one for %s (%d names): %w", names[0], len(names), err)
	}
	if len(offered) == 0 {
		return nil, fmt.Errorf("order one for %s: no certificate came", names[0])
	}
	c := &tls.Certificate{PrivateKey: a.keys[kind]}
	for block, rest := pem.Decode(offered[0].ChainPEM); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if len(c.Certificate) == 0 {
		return nil, fmt.Errorf("order one for %s: what came is no certificate", names[0])
	}
	if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
		return nil, fmt.Errorf("order one for %s: %w", names[0], err)
	}
	if !a.keys[kind].PublicKey.Equal(c.Leaf.PublicKey) || !fits(c, names) {
		return nil, fmt.Errorf("order one for %s: one for another key or other names came", names[0])
	}
	return c, nil
}

// save keeps all certificates, in place of those that were kept.
func (a *FromAuthority) save(ctx context.Context) error {
	a.mu.Lock()
	var kept chains
	if c := a.mail.shown(time.Now().Add(around)); c != nil {
		kept.Mail = c.Certificate
	}
	for _, c := range a.former {
		kept.Former = append(kept.Former, c.Certificate)
	}
	for _, c := range a.pool {
		kept.Pool = append(kept.Pool, c.Certificate)
	}
	a.mu.Unlock()
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return a.Store.ReplaceSecret(ctx, a.secret(), text)
}

// Mail implements senders.Certificates.
func (a *FromAuthority) Mail() *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mail.shown(time.Now())
}

// Named implements senders.Certificates.
func (a *FromAuthority) Named() []*tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mail.named(time.Now())
}

// Expired implements senders.Certificates.
func (a *FromAuthority) Expired() *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.former, func(c *tls.Certificate) bool { return time.Now().After(c.Leaf.NotAfter) })
	if i < 0 {
		return nil
	}
	return a.former[i]
}

// Policy implements senders.Certificates.
func (a *FromAuthority) Policy(host string) *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.pool, func(c *tls.Certificate) bool { return Valid(c, time.Now()) && fits(c, []string{host}) })
	if i < 0 {
		return nil
	}
	return a.pool[i]
}

// Challenge implements senders.Certificates.
func (a *FromAuthority) Challenge(name string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.challenges[name])
}
