package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"mxseal/checks/report"
	"mxseal/checks/terminal"
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
				err = terminal.Lookup(out, l, terminal.Coloured(out))
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
