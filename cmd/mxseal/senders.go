package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/web/jobs"
	"mxseal/web/senders"
	"mxseal/web/senders/certificates"
	"mxseal/web/store"
)

// sending holds the flags of serve about the test of senders.
type sending struct {
	zone         string
	listen       []string
	certificates []string
	slots        int
	acme         certificates.Authority
	acmeRoots    string                      // file
	renewed      *certificates.FromAuthority // nil where certificates are files

	site  string           // --base-url
	given senders.Sockets  // that systemd has opened
	side  *senders.Senders // nil without a zone
}

func (s *sending) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.zone, "sender-zone", "", "`NAME` of a zone of its own, delegated to this instance, for the test of sending servers; none without it")
	f.StringArrayVar(&s.listen, "sender-listen", nil, "`ADDRESS=ROLE` for that test (repeatable): dns, policy, honest, no-starttls, starttls-454, broken-handshake, self-signed, expired, tls1.0, or all for an IPv6 network")
	f.StringArrayVar(&s.certificates, "sender-cert", nil, "`FILE` with a key and a certificate with its chain, in PEM (repeatable), in place of those by ACME: for *.ZONE, for policy hosts, and one for *.ZONE that has expired")
	f.StringVar(&s.acme.Directory, "sender-acme", letsEncrypt, "`URL` of the directory of who issues certificates (ACME) where no --sender-cert is given; you agree to the terms of theirs")
	f.StringVar(&s.acme.Email, "sender-acme-email", "", "mail `ADDRESS` of yours for the account there")
	f.StringVar(&s.acmeRoots, "sender-acme-ca", "", "`FILE` with the root certificates (PEM) of that directory, where it is a private one")
	f.IntVar(&s.slots, "sender-slots", 10, "tests with MTA-STS that can begin within an hour: each needs certificates for policy hosts of its own")
}

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// open makes the receiving side and listens; nil without a zone. Keep has it go on until ctx ends.
func (s *sending) open(ctx context.Context, reports *store.Store, log *slog.Logger) (*senders.Listening, error) {
	if s.zone == "" {
		if len(s.listen)+len(s.certificates) > 0 || s.byACME() {
			return nil, errors.New("--sender-listen, --sender-cert and --sender-acme need --sender-zone")
		}
		return nil, nil
	}
	switch {
	case len(s.listen) == 0:
		return nil, errors.New("--sender-zone needs --sender-listen")
	case len(s.certificates) > 0 && s.byACME():
		return nil, errors.New("--sender-cert and --sender-acme exclude each other")
	}
	c := senders.Config{Zone: strings.ToLower(strings.TrimSuffix(s.zone, ".")), Store: reports, Log: log, Slots: s.slots, Sockets: s.given}
	if strings.HasPrefix(s.site, "https://") {
		c.Reports = strings.TrimRight(s.site, "/") + "/tlsrpt/"
	}
	for _, text := range s.listen {
		r, err := senders.ParseRole(text)
		if err != nil {
			return nil, fmt.Errorf("--sender-listen: %w", err)
		}
		c.Roles = append(c.Roles, r)
	}
	var err error
	if c.Certificates, err = s.source(ctx, c); err != nil {
		return nil, err
	}
	side, err := senders.New(ctx, c)
	if err != nil {
		return nil, err
	}
	s.side = side
	sockets, err := side.Listen()
	if err != nil {
		return nil, err
	}
	log.Info("senders are tested; the zone above needs this record, and the NS records to this instance", "ds", side.DS())
	if side.Ready() != nil {
		log.Info("no test of a sender can begin before there is a certificate for its mail servers", "zone", c.Zone)
		return sockets, nil
	}
	for _, title := range side.Missing() {
		log.Info("a trap for senders is not offered: an address or a certificate for it is missing", "trap", title)
	}
	return sockets, nil
}

// byACME reports whether certificates by ACME were asked for.
func (s *sending) byACME() bool {
	return s.acme.Directory != letsEncrypt || s.acme.Email != "" || s.acmeRoots != ""
}

// source is where certificates come from: files, or else an authority.
func (s *sending) source(ctx context.Context, c senders.Config) (senders.Certificates, error) {
	if len(s.certificates) > 0 {
		files, err := certificates.ReadFiles(c.Zone, s.certificates)
		if err != nil {
			return nil, fmt.Errorf("--sender-cert: %w", err)
		}
		return files, nil
	}
	s.acme.Zone, s.acme.Hosts, s.acme.Store = c.Zone, senders.PolicyHosts(c.Slots, c.Zone), c.Store
	if s.acmeRoots != "" {
		text, err := os.ReadFile(s.acmeRoots)
		if err != nil {
			return nil, ofFile("--sender-acme-ca", err)
		}
		s.acme.Roots = x509.NewCertPool()
		if !s.acme.Roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--sender-acme-ca: %s has no certificate in PEM", s.acmeRoots)
		}
	}
	var err error
	s.renewed, err = certificates.NewFromAuthority(ctx, s.acme)
	return s.renewed, err
}

// renewalRound is the job that gets certificates and renews them.
type renewalRound struct{}

func (renewalRound) Kind() string { return "sender-certificates" }

// kinds are the jobs of the test of senders.
func (s *sending) kinds(lookup senders.Lookup, log *slog.Logger) (kinds []jobs.Kind) {
	if s.side != nil {
		kinds = append(kinds, s.selfTest(s.side, lookup, log))
	}
	if s.renewed != nil {
		renew := func(ctx context.Context, _ renewalRound) error { return s.renewed.Renew(ctx) }
		kinds = append(kinds, jobs.Every(certificates.RenewalEvery, renew).Within(certificates.RenewalMax))
	}
	return kinds
}

// page is that of the operator; nil where senders are not tested.
func (s *sending) page(lookup senders.Lookup) http.Handler {
	if s.side == nil {
		return nil
	}
	return senderPage(s.side, lookup)
}
