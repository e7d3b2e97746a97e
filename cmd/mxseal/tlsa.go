package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
	"mxseal/checks/keyfile"
	"mxseal/checks/records"
)

func tlsaCommand() *cobra.Command {
	var format, next, issuers, zone string
	var ttl uint32
	c := &cobra.Command{
		Use:   "tlsa FILE HOST…",
		Short: "Print the TLSA records of a certificate or key",
		Long: "Tlsa reads a certificate, a request for one, or a public key (PEM or DER; - is standard input) and\n" +
			"prints the records 3 1 1 that mail servers of these names need. It asks nobody. A private key is\nrefused.\n\n" +
			"For a roll-over publish what is in use and what comes next side by side, two TTLs before the change:\n" +
			"--next adds the key of the next certificate, --issuer the authorities that may sign it (2 1 1), whose\ncertificates the server has to send then.",
		Example: "  mxseal tlsa fullchain.pem mx.example.net                       # the record of the key in use\n" +
			"  mxseal tlsa fullchain.pem --next next.pem mx.example.net       # both, for a roll-over\n" +
			"  mxseal tlsa --format nsupdate cert.pem mx1.example.net mx2.example.net   # for two servers",
		Args: wants(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, syntaxNames()...); err != nil {
				return err
			}
			keys, err := keysOf(c.InOrStdin(), args[0], next, issuers)
			if err != nil {
				return err
			}
			var list []records.Record
			for _, typed := range args[1:] {
				host, err := input.Parse(typed, true)
				if err != nil {
					return err
				}
				for _, k := range keys {
					list = append(list, records.TLSA(host.ASCII, ttl, k.usage, k.sum, k.note))
				}
			}
			text, err := records.Write(records.Syntax(format), zone, list)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(c.OutOrStdout(), text); err != nil {
				return fault(err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "zone", strings.Join(syntaxNames(), ", "))
	f.StringVar(&next, "next", "", "certificate, request or public key that comes next, `FILE`")
	f.StringVar(&issuers, "issuer", "", "certificates of the authorities that may sign next, `FILE`")
	f.StringVar(&zone, "zone", "", "`NAME` of the zone that the hosts stand in (default the registrable domain)")
	f.Uint32Var(&ttl, "ttl", records.TTL, "of the records, in `SECONDS`")
	complete(c, "format", syntaxNames()...)
	return c
}

func syntaxNames() []string {
	var names []string
	for _, s := range records.Syntaxes {
		names = append(names, string(s))
	}
	return names
}

// published is a key for which a record is printed.
type published struct {
	usage uint8
	sum   records.Sum
	note  string
}

// keysOf reads the files. One key has one record: a next one that is the present one is not printed twice.
func keysOf(stdin io.Reader, current, next, issuers string) ([]published, error) {
	file, err := readKeyFile(stdin, current)
	if err != nil {
		return nil, err
	}
	present := published{3, file.Sum(), ""}
	if next != "" || issuers != "" {
		present.note = "the key in use"
	}
	keys := []published{present}
	if next != "" {
		if file, err = readKeyFile(stdin, next); err != nil {
			return nil, err
		}
		if sum := file.Sum(); sum != present.sum {
			keys = append(keys, published{3, sum, "the next key: publish it two TTLs before the server uses it"})
		} else {
			keys[0].note = "the key in use, which the next certificate has too"
		}
	}
	if issuers != "" {
		if file, err = readKeyFile(stdin, issuers); err != nil {
			return nil, err
		}
		authorities := file.Authorities()
		if len(authorities) == 0 {
			return nil, fmt.Errorf("%s holds no certificate of an authority", issuers)
		}
		for _, a := range authorities {
			keys = append(keys, published{2, a.Sum, "the authority " + a.Name + ", whose certificate the server has to send"})
		}
	}
	return keys, nil
}

// readKeyFile reads a file of certificates or keys; - is standard input.
func readKeyFile(stdin io.Reader, name string) (keyfile.File, error) {
	from, shown := stdin, "the standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return keyfile.File{}, err
		}
		defer f.Close()
		from, shown = f, name
	}
	data, err := io.ReadAll(io.LimitReader(from, keyfile.MaxSize+1))
	if err != nil {
		return keyfile.File{}, err
	}
	return keyfile.Read(shown, data)
}
