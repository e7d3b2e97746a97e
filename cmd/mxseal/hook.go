package main

import (
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
)

//go:embed hooks
var hooks embed.FS

// acmeClients are the ACME clients for which there is a hook; each has a file in hooks.
var acmeClients = []string{"certbot", "lego", "caddy", "acme.sh"}

func hookCommand() *cobra.Command {
	var to, reload string
	var domains []string
	c := &cobra.Command{
		Use:   "hook CLIENT HOST…",
		Short: "Print a hook for an ACME client that rehearses every renewal",
		Long: "Hook prints a shell script for certbot, lego, caddy or acme.sh. It rehearses the new certificate, and only\n" +
			"where no mail would stop it copies certificate and key to where the mail server reads them, and reloads it.\n" +
			"What was held back is deployed by a later run, two TTLs after its records are published. HOST are the names\nof the server in MX records; the certificate is that of the first.",
		Example: "  mxseal hook certbot mx.example.net > /etc/letsencrypt/renewal-hooks/deploy/mxseal   # then chmod 755\n" +
			"  mxseal hook lego --domain example.net --reload 'systemctl reload exim4' mx.example.net   # with a policy, for Exim",
		Args:      wants(cobra.MinimumNArgs(2)),
		ValidArgs: acmeClients,
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("the client", args[0], acmeClients...); err != nil {
				return err
			}
			hosts, err := aLabels(args[1:])
			if err != nil {
				return err
			}
			of, err := aLabels(domains)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.OutOrStdout(), hookFor(args[0], hosts, of, to, reload))
			if err != nil {
				return fault(err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&to, "to", "/etc/ssl/mail", "`FOLDER` in which the mail server finds fullchain.pem and privkey.pem")
	f.StringVar(&reload, "reload", "postfix reload", "`COMMAND` that makes the mail server read them")
	f.StringArrayVar(&domains, "domain", nil, "`DOMAIN` whose mail the servers take, for its MTA-STS policy (repeatable)")
	return c
}

func aLabels(typed []string) ([]string, error) {
	var names []string
	for _, text := range typed {
		d, err := input.Parse(text, true)
		if err != nil {
			return nil, err
		}
		names = append(names, d.ASCII)
	}
	return names, nil
}

// hookFor is the script for a client. Names are A-labels, which mean nothing to a shell.
func hookFor(client string, hosts, domains []string, to, reload string) string {
	options := ""
	for _, d := range domains {
		options += " --domain " + d
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Made by “mxseal hook %s”. A renewal gets to the mail server only where no mail would stop.\nset -eu\n", client)
	for _, part := range []string{strings.TrimSuffix(client, ".sh"), "deploy"} {
		text, err := hooks.ReadFile("hooks/" + part + ".sh")
		if err != nil {
			panic(err) // it is built in
		}
		b.Write(text)
	}
	return strings.NewReplacer("{host}", hosts[0], "{hosts}", strings.Join(hosts, " "), "{domains}", options,
		"{to}", "'"+strings.ReplaceAll(to, "'", `'\''`)+"'", "{reload}", reload).Replace(b.String())
}
