package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
	"mxseal/checks/tlsreport"
)

// mostUnpacked is how many octets are unpacked of one file: a mailbox of years, and no bomb.
const mostUnpacked = 16 << 30

func tlsrptCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "tlsrpt FILE…",
		Short: "Read the TLS reports that senders send",
		Long: "Tlsrpt reads reports as they come (RFC 8460): JSON, gzip, ZIP, a mail or an mbox of mails; - is\n" +
			"standard input. For each domain it says who reports, which sessions failed at which server and why,\n" +
			"what to do, and whether the MTA-STS policy can go to enforce. It asks nobody.\n\n" +
			"Exit: 0 all was read · 64 something was no report; the rest is shown.",
		Example: "  mxseal tlsrpt google.com!example.net!1761955200!1762041599!001.json.gz\n" +
			"  mxseal tlsrpt --format json ~/mail/tlsrpt.mbox",
		Args: wants(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "text", "json"); err != nil {
				return err
			}
			sum := tlsreport.NewSummary()
			wrong := input.Faults{Most: mostRefused}
			for _, name := range args {
				if err := readReports(c.InOrStdin(), name, sum, &wrong); err != nil {
					return fault(err)
				}
			}
			if err := writeReports(c.OutOrStdout(), format, sum); err != nil {
				return fault(err)
			}
			if err := errors.Join(wrong.Told("are no reports")...); err != nil {
				return &exit{exitUsage, err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	complete(c, "format", "text", "json")
	return c
}

func readReports(stdin io.Reader, name string, sum *tlsreport.Summary, wrong *input.Faults) error {
	in, shown := stdin, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in, shown = f, name
	}
	err := tlsreport.Read(shown, in, mostUnpacked, func(f tlsreport.Found) {
		if f.Err != nil {
			wrong.Add(fmt.Errorf("%s: %w", f.Where, f.Err))
			return
		}
		sum.Add(f.Report)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", report.Clean(shown, 200), err)
	}
	return nil
}

func writeReports(w io.Writer, format string, sum *tlsreport.Summary) error {
	if format == "json" {
		return writeJSON(w, sum.Whole())
	}
	return terminal.TLSReports(w, sum, terminal.Coloured(w))
}
