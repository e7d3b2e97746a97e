package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"mxseal/checks/report"
)

func dnsCommand() *cobra.Command {
	var n network
	var format string
	c := &cobra.Command{
		Use:   "dns NAME [TYPE]",
		Short: "Make one look-up and say how far the answer can be trusted",
		Example: "  mxseal dns example.net                       # the mail servers\n" +
			"  mxseal dns _25._tcp.mx.example.net TLSA      # the keys that DANE demands",
		Args: wants(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			qtype := dns.TypeMX
			if len(args) == 2 {
				var known bool
				if qtype, known = dns.StringToType[strings.ToUpper(args[1])]; !known {
					return fmt.Errorf("%q is no record type", report.Clean(args[1], 40))
				}
			}
			if _, ok := dns.IsDomainName(args[0]); !ok || args[0] == "" {
				return fmt.Errorf("%q is no domain name", report.Clean(args[0], 80))
			}
			engine, err := n.engine()
			if err != nil {
				return err
			}
			l := engine.Lookup(c.Context(), dns.Fqdn(args[0]), qtype)
			out := c.OutOrStdout()
			if format == "json" {
				err = writeJSON(out, l)
			} else {
				err = writeLookup(out, l, coloured(out))
			}
			if err != nil {
				return fault(err)
			}
			if l.Failure != nil {
				return &exit{code: exitUntested}
			}
			return nil
		},
	}
	n.register(c)
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

// writeLookup says what came, how far it can be trusted, and draws the chain as a ladder from
// the root down to it.
func writeLookup(w io.Writer, l *report.Lookup, colour bool) error {
	p := newPrinter(w, colour)
	p.line("%s %s", p.bold(l.Type+" of "+l.Name), outcome(l))
	p.line("%s: %s", p.state(l.DNSSEC.State), stateText[l.DNSSEC.State])
	p.line("")
	for i, r := range l.Records {
		if i == maxShown {
			p.line("  … and %s", count(len(l.Records)-i, "more record"))
			break
		}
		p.line("  %s", strings.Join(strings.Fields(r), " "))
	}
	if l.Failure != nil && l.Failure.Text != l.DNSSEC.Detail {
		p.wrapped("  ", l.Failure.Text)
	}
	if len(l.Records) > 0 || l.Failure != nil && l.Failure.Text != l.DNSSEC.Detail {
		p.line("")
	}
	p.ladder("  ", l.DNSSEC)
	p.authority(l.Authority)
	return p.err
}

// maxShown bounds the records shown; the JSON form has them all.
const maxShown = 10

// outcome says in a few words what the question came to. Absence is a fact only where it is
// proved; where the domain is not signed it is what was said.
func outcome(l *report.Lookup) string {
	proved := ""
	if l.DNSSEC.State == report.Secure {
		proved = ", which is proved"
	}
	switch {
	case l.Failure != nil:
		return "got no answer (" + l.Failure.Kind + ")"
	case len(l.Records) > 0:
		return fmt.Sprintf("(%s, TTL %d s)", count(len(l.Records), "record"), l.TTL)
	case l.Rcode == "NXDOMAIN":
		return "(NXDOMAIN: there is no such name" + proved + ")"
	}
	return "(no data: the name has no such record" + proved + ")"
}

// authority lists what the name servers said themselves.
func (p *printer) authority(a *report.Authority) {
	if a == nil {
		return
	}
	p.line("")
	if a.Failure != nil {
		p.wrapped("  ", a.Failure.Text)
		return
	}
	p.line("  The name servers of %s, asked one by one:", zoneName(a.Zone))
	for _, n := range a.Servers {
		sign := p.paint(stateColour[report.Secure], "✓")
		switch {
		case n.Blameless():
			sign = p.paint(stateColour[report.Indeterminate], "?")
		case n.Fault != "" || n.TCP != "" && n.TCP != "ok":
			sign = p.paint(stateColour[report.Bogus], "✗")
		}
		p.wrapped("  ", sign+" "+n.Text)
	}
}
