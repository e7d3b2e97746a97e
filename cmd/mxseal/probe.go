package main

import (
	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

func probeCommand() *cobra.Command {
	var n network
	var format string
	c := &cobra.Command{
		Use:   "probe HOST…",
		Short: "Look at mail servers by name or address[:port], no domain needed",
		Long:  "Probe shows the dialogue, TLS, the certificate and TLSA of mail servers. There is no\ngrade: a letter belongs to a domain.",
		Example: "  mxseal probe mx.example.net       # by name\n" +
			"  mxseal probe 192.0.2.25:25        # by address, with a port",
		Args: wants(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			engine, err := n.engine()
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			reports := make([]*report.Report, len(args))
			code := exitOK
			for i, server := range args {
				r, err := engine.Probe(c.Context(), server)
				if err != nil {
					return err
				}
				r.Grade, r.Matrix, r.Badges = nil, nil, nil
				reports[i] = r
				if !reached(r) {
					code = exitUntested
				}
				if format == "text" {
					if err := terminal.Text(out, checks.View(r), terminal.Wish{All: true, Colour: terminal.Coloured(out)}); err != nil {
						return fault(err)
					}
				}
			}
			if format == "json" {
				var v any = reports
				if len(reports) == 1 {
					v = reports[0]
				}
				if err := writeJSON(out, v); err != nil {
					return fault(err)
				}
			}
			if code != exitOK {
				return &exit{code: code}
			}
			return nil
		},
	}
	n.register(c)
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

func reached(r *report.Report) bool {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.Reachable {
				return true
			}
		}
	}
	return false
}
