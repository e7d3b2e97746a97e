package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"mxseal/web/senders"
	"mxseal/web/store/sqlite"
)

// sending holds the flags of serve about the test of senders.
type sending struct {
	zone         string
	listen       []string
	certificates []string
	slots        int
}

func (s *sending) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.zone, "sender-zone", "", "`NAME` of a zone of its own, delegated to this instance, for the test of sending servers; none without it")
	f.StringArrayVar(&s.listen, "sender-listen", nil, "`ADDRESS=ROLE` for that test (repeatable): dns, policy, honest, no-starttls, starttls-454, broken-handshake, self-signed, expired, tls1.0, or all for an IPv6 network")
	f.StringArrayVar(&s.certificates, "sender-cert", nil, "`FILE` with a key and a certificate with its chain, in PEM (repeatable): for *.ZONE, for policy hosts, and one for *.ZONE that has expired")
	f.IntVar(&s.slots, "sender-slots", 10, "tests with MTA-STS that can begin within an hour: each needs certificates for policy hosts of its own")
}

// open makes the receiving side and listens; nil without a zone. Keep has it go on until ctx ends.
func (s *sending) open(ctx context.Context, reports *sqlite.Store, log *slog.Logger) (*senders.Listening, error) {
	if s.zone == "" {
		if len(s.listen)+len(s.certificates) > 0 {
			return nil, errors.New("--sender-listen and --sender-cert need --sender-zone")
		}
		return nil, nil
	}
	if len(s.listen) == 0 || len(s.certificates) == 0 {
		return nil, errors.New("--sender-zone needs --sender-listen and --sender-cert")
	}
	c := senders.Config{Zone: s.zone, Store: reports, Log: log, Slots: s.slots}
	for _, text := range s.listen {
		r, err := senders.ParseRole(text)
		if err != nil {
			return nil, fmt.Errorf("--sender-listen: %w", err)
		}
		c.Roles = append(c.Roles, r)
	}
	var err error
	if c.Certificates, err = senders.ReadCertificates(s.zone, s.certificates); err != nil {
		return nil, fmt.Errorf("--sender-cert: %w", err)
	}
	side, err := senders.New(ctx, c)
	if err != nil {
		return nil, err
	}
	sockets, err := side.Listen()
	if err != nil {
		return nil, err
	}
	log.Info("senders are tested; the zone above needs this record, and the NS records to this instance", "ds", side.DS())
	for _, title := range side.Missing() {
		log.Info("a trap for senders is not offered: an address or a certificate for it is missing", "trap", title)
	}
	return sockets, nil
}
