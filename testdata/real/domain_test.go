package real

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// domain is a mail domain: what it publishes, and what the program must say of it.
type domain struct {
	name string
	mx   []string // the servers, best first; the host of the first is mx.<name>, then mx2.<name> …
	dns  string   // how the zone is signed: "" not at all, ldns's name of an algorithm, or bogus
	tlsa []string // records of each host: usage, selector, matching and whose digest
	sts  bool     // MTA-STS in mode enforce
	rpt  bool     // TLS reports wanted

	letter   string
	exit     int
	broken   []string
	starttls string // of the best host
	enforced string
	version  string
	greeting int      // least time until the end of the greeting, milliseconds
	alert    int      // number of the TLS alert that ended the last handshake
	rules    []string // must apply
	absent   []string // must not
}

// domains is the world and what is expected of it, in one table.
var domains = []domain{
	{
		name: "default.test", mx: []string{"default"},
		letter: "D", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SMT-15", "CRT-14", "SEC-02", "ENF-01", "STS-01", "RPT-01"},
		absent: []string{"SMT-12", "SMT-18", "SMT-19", "CRT-02", "CRT-12", "DAN-03", "MX-17", "MX-18"},
	}, {
		name: "trusted.test", mx: []string{"hardened"},
		letter: "C", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SMT-15", "CRT-02", "CRT-05", "CRT-09", "TLS-01", "SEC-02"},
		absent: []string{"CRT-12", "CRT-14", "TLS-03", "TLS-29", "TLS-31", "TLS-51", "TLS-54", "ENF-02"},
	}, {
		name: "encrypt.test", mx: []string{"encrypt"},
		letter: "C", starttls: "ok", enforced: "true", version: "TLS1.3",
		rules:  []string{"ENF-02", "CRT-02"},
		absent: []string{"ENF-01", "ENF-04"},
	}, {
		name: "cleartext.test", mx: []string{"cleartext"},
		letter: "F", starttls: "not-offered", enforced: "false",
		rules:  []string{"SMT-12"},
		absent: []string{"SMT-10", "SMT-13", "SMT-15", "SMT-18", "CRT-01", "CRT-14"},
	}, {
		name: "tls10.test", mx: []string{"tls10"},
		letter: "E", starttls: "ok", enforced: "false", version: "TLS1.0",
		rules:  []string{"SMT-19"},
		absent: []string{"SMT-12", "SMT-15", "SMT-18", "TLS-01", "TLS-10"},
	}, {
		name: "old.test", mx: []string{"old"}, // D is below what the 1024-bit key caps it at
		letter: "D", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"TLS-03", "CRT-16", "CRT-14"},
		absent: []string{"SMT-19", "CRT-17", "CRT-18", "TLS-04", "TLS-05"},
	}, {
		name: "postscreen.test", mx: []string{"postscreen"},
		letter: "C", starttls: "ok", enforced: "false", version: "TLS1.3", greeting: 6000,
		rules:  []string{"SMT-01", "SMT-15", "CRT-02"},
		absent: []string{"SMT-04", "SMT-02", "SMT-25", "SMT-26"},
	}, {
		name: "ccert.test", mx: []string{"ccert"}, // ends the handshake and then says no; nor does it take mail in clear
		letter: "E", starttls: "handshake-failed", enforced: "true", version: "TLS1.3",
		rules:  []string{"ENF-08", "ENF-02", "CRT-02"},
		absent: []string{"SMT-15", "SMT-18", "SMT-26"},
	}, {
		name: "ccert12.test", mx: []string{"ccert12"},
		letter: "E", starttls: "handshake-failed", enforced: "true", version: "TLS1.2",
		rules:  []string{"ENF-08", "ENF-02", "CRT-02"},
		absent: []string{"SMT-15", "SMT-18", "SMT-26"},
	}, {
		name: "opensmtpd.test", mx: []string{"opensmtpd"}, // Debian 12's ends every handshake in an internal error
		letter: "F", starttls: "handshake-failed", enforced: "false", alert: 80,
		rules:  []string{"SMT-10", "SMT-18"},
		absent: []string{"SMT-12", "SMT-15", "SMT-19", "ENF-08"},
	}, {
		name: "exim.test", mx: []string{"exim"}, dns: "ED25519", tlsa: []string{"3 1 1 exim"},
		letter: "A", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-01", "DAN-09", "DAN-18", "CRT-02", "RPT-01", "TLS-44"},
		absent: []string{"SEC-02", "DAN-10", "DAN-14"},
	}, {
		name: "anchor.test", mx: []string{"exim"}, dns: "RSASHA256", tlsa: []string{"2 1 1 ca"},
		letter: "A", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-01", "DAN-09"},
		absent: []string{"DAN-10", "DAN-13", "DAN-18", "SEC-18"},
	}, {
		name: "perfect.test", mx: []string{"hardened"}, dns: "ECDSAP256SHA256",
		tlsa: []string{"3 1 1 hardened", "3 1 1 default"}, sts: true, rpt: true, // the second is the next key
		letter: "A+", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-01", "DAN-09", "DAN-24", "STS-40", "RPT-02"},
		absent: []string{"DAN-10", "DAN-23", "STS-28", "STS-29", "SEC-18", "SEC-19", "SEC-22"},
	}, {
		name: "sts.test", mx: []string{"hardened"}, sts: true, rpt: true,
		letter: "B", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"STS-03", "STS-27", "STS-40", "RPT-02", "SEC-02"},
		absent: []string{"STS-13", "STS-17", "STS-28", "SEC-01"},
	}, {
		name: "signed.test", mx: []string{"hardened"}, dns: "ECDSAP384SHA384",
		letter: "C", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-01", "DAN-03"},
		absent: []string{"DAN-05", "SEC-26", "DAN-09"},
	}, {
		name: "mismatch.test", mx: []string{"hardened"}, dns: "ECDSAP256SHA256", tlsa: []string{"3 1 1 default"},
		letter: "D", broken: []string{"dane"}, starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-01", "DAN-10", "CRT-02"},
		absent: []string{"DAN-09", "DAN-18", "DAN-05"},
	}, {
		name: "unsigned-tlsa.test", mx: []string{"hardened"}, tlsa: []string{"3 1 1 hardened"},
		letter: "C", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-02"},
		absent: []string{"DAN-03", "DAN-09", "DAN-10"},
	}, {
		name: "bogus.test", mx: []string{"hardened"}, dns: "bogus",
		letter: "D", broken: []string{"dnssec"}, starttls: "ok", enforced: "false", version: "TLS1.3",
		rules:  []string{"SEC-03", "CRT-02"},
		absent: []string{"SEC-01", "SEC-02", "DAN-03"},
	}, {
		name: "backup.test", mx: []string{"hardened", "cleartext"},
		letter: "E", starttls: "ok", enforced: "false", version: "TLS1.3",
		rules: []string{"SMT-12", "SMT-15", "CRT-02", "MX-24"},
	}, {
		name: "silent.test", mx: []string{"silent"},
		letter: "T", exit: 2, starttls: "untested", enforced: "null",
		rules:  []string{"NET-01", "NET-02"},
		absent: []string{"SMT-12", "SMT-18"},
	},
}

// host is the name of the i-th mail exchanger.
func (d domain) host(i int) string {
	if i == 0 {
		return "mx." + d.name
	}
	return fmt.Sprintf("mx%d.%s", i+1, d.name)
}

// namesAt lists the names a server's certificate must cover.
func namesAt(server string) (names []string) {
	for _, d := range domains {
		if server == "nginx" && d.sts {
			names = append(names, "mta-sts."+d.name)
		}
		if i := slices.Index(d.mx, server); i >= 0 {
			names = append(names, d.host(i))
		}
	}
	return names
}

// writePolicies puts the policy files where nginx serves them.
func (w *world) writePolicies() error {
	for _, d := range domains {
		if !d.sts {
			continue
		}
		dir := filepath.Join(w.Dir, "policies", "mta-sts."+d.name, ".well-known")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		policy := "version: STSv1\r\nmode: enforce\r\nmx: " + d.host(0) + "\r\nmax_age: 2419200\r\n"
		if err := os.WriteFile(filepath.Join(dir, "mta-sts.txt"), []byte(policy), 0o644); err != nil {
			return err
		}
	}
	return nil
}
