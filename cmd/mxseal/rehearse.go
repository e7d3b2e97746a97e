package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/rehearse"
	"mxseal/checks/report"
)

func rehearseCommand() *cobra.Command {
	var n network
	var certificate, chain, format string
	var domains []string
	c := &cobra.Command{
		Use:   "rehearse --certificate FILE HOST…",
		Short: "Say whether the next certificate would stop mail",
		Long: "Rehearse judges a certificate as if the mail servers of these names showed it already: against\n" +
			"their TLSA records, against the MTA-STS policies of the domains named with --domain, against CAA\n" +
			"records, and by itself (name, chain, dates, kind and use of its key). It says whose mail would\n" +
			"stop, and what to publish first. No mail server is contacted.\n\n" +
			"Exit: 0 no mail would stop · 1 some would · 2 it could not be found out. In a hook anything but 0 stops the\ndeployment.",
		Example: "  mxseal rehearse --certificate fullchain.pem mx.example.net                    # before the server is told\n" +
			"  mxseal rehearse --certificate cert.pem --chain chain.pem --domain example.net mx1.example.net mx2.example.net   # with a policy",
		Args: wants(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			if certificate == "" {
				return errors.New("which certificate? name its file with --certificate")
			}
			list, err := chainOf(c.InOrStdin(), certificate, chain)
			if err != nil {
				return err
			}
			engine, err := n.engine()
			if err != nil {
				return err
			}
			hosts, err := parseAll(engine, args)
			if err != nil {
				return err
			}
			of, err := parseAll(engine, domains)
			if err != nil {
				return err
			}
			o := engine.Rehearse(c.Context(), list, hosts, of)
			if err := writeOutcome(c.OutOrStdout(), format, o); err != nil {
				return fault(err)
			}
			switch {
			case o.Stops():
				return &exit{code: exitBelow}
			case o.Unknown():
				return &exit{code: exitUntested}
			}
			return nil
		},
	}
	n.register(c)
	f := c.Flags()
	f.StringVar(&certificate, "certificate", "", "the next certificate, alone or with its chain, `FILE`; - is standard input")
	f.StringVar(&chain, "chain", "", "`FILE` with the certificates that the server sends with it")
	f.StringArrayVar(&domains, "domain", nil, "`DOMAIN` whose mail the servers take, for its MTA-STS policy (repeatable)")
	f.StringVar(&format, "format", "text", "text or json")
	complete(c, "format", "text", "json")
	return c
}

// chainOf reads the certificates that the server will send, its own first.
func chainOf(stdin io.Reader, certificate, chain string) ([][]byte, error) {
	file, err := readKeyFile(stdin, certificate)
	if err != nil {
		return nil, err
	}
	if len(file.Certificates) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", certificate)
	}
	list := file.Certificates
	if chain != "" {
		more, err := readKeyFile(stdin, chain)
		if err != nil {
			return nil, err
		}
		for _, der := range more.Certificates {
			if string(der) != string(list[0]) { // fullchain.pem has the first one too
				list = append(list, der)
			}
		}
	}
	return list, nil
}

func parseAll(engine *checks.Engine, typed []string) ([]input.Domain, error) {
	var list []input.Domain
	for _, text := range typed {
		d, err := engine.ParseDomain(text)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func writeOutcome(w io.Writer, format string, o rehearse.Outcome) error {
	if format == "json" {
		return writeJSON(w, struct {
			Stops   bool `json:"stops"`
			Unknown bool `json:"unknown"`
			rehearse.Outcome
		}{o.Stops(), o.Unknown(), o})
	}
	var b strings.Builder
	switch {
	case o.Stops():
		b.WriteString("This certificate would stop mail. Do not deploy it yet.\n")
	case o.Unknown():
		b.WriteString("Whether this certificate would stop mail could not be found out.\n")
	default:
		b.WriteString("No mail would stop.\n")
	}
	for _, h := range o.Hosts {
		writeRehearsed(&b, o.CheckedAt, h)
	}
	for _, p := range o.Policies {
		if len(p.Findings) > 0 {
			fmt.Fprintf(&b, "\n%s, MTA-STS %s\n", p.Domain, p.State)
			writeFindings(&b, p.Findings)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRehearsed(b *strings.Builder, at time.Time, h rehearse.Host) {
	fmt.Fprintf(b, "\n%s  TLSA %s\n", h.Name, h.TLSA.State)
	if h.Failure != nil {
		fmt.Fprintf(b, "  ? %s\n", h.Failure.Text)
	}
	for _, s := range h.Senders {
		if line := becomes(s); line != "" {
			fmt.Fprintf(b, "  %s\n", line)
		}
	}
	writeFindings(b, h.Findings)
	if len(h.Publish) > 0 {
		ttl := time.Duration(h.TLSA.TTL) * time.Second
		fmt.Fprintf(b, "\n  Publish first, beside the records that are there:\n")
		for _, record := range h.Publish {
			fmt.Fprintf(b, "      %s\n", record)
		}
		fmt.Fprintf(b, "  Deploy the certificate two TTLs later, not before %s (UTC), when no cache holds the records of\n  today alone. Then delete those that fit nothing.\n", at.Add(2*ttl).Format("2006-01-02 15:04"))
	}
	if h.Held != nil {
		fmt.Fprintf(b, "  The records are published. If that was only now, senders may hold the answer from before until\n  %s (UTC).\n", h.Held.Format("2006-01-02 15:04"))
	}
}

func writeFindings(b *strings.Builder, list []report.Finding) {
	for _, f := range list {
		fmt.Fprintf(b, "  %-6s %s\n", f.Rule, f.Title)
		for _, line := range f.Detail {
			fmt.Fprintf(b, "           %s\n", line)
		}
	}
}

// senderNames are the kinds of senders for people.
var senderNames = map[rehearse.Who]string{
	rehearse.Ordinary:  "senders that verify nothing",
	rehearse.DANE:      "senders that check DANE",
	rehearse.MTASTS:    "senders that check MTA-STS",
	rehearse.Insisting: "partners who insist on a certificate",
	rehearse.Part:      "part of the senders, by their library",
}

// becomes says in a line what becomes of the mail of a kind of sender.
func becomes(s rehearse.Sender) string {
	who := senderNames[s.Who]
	if s.Domain != "" {
		who += " (" + s.Domain + ")"
	}
	why := ""
	if len(s.Because) > 0 {
		why = " (" + strings.Join(s.Because, ", ") + ")"
	}
	switch s.Mail {
	case rehearse.Stopped:
		return "✗ " + who + ": would stop" + why
	case rehearse.Unknown:
		return "? " + who + ": not found out" + why
	case rehearse.Unasked:
		return "· " + who + ": nothing is published for them to go by"
	case rehearse.Refused:
		return "· " + who + ": do not take a certificate of your own making" + why
	}
	return "✓ " + who + ": deliver"
}
