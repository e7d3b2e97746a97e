package real

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// zone is a zone as NSD is told of it.
type zone struct {
	Name string
	File string // in the folder zones
}

// signZones writes a zone for every domain, then test. with their delegations, then the
// root, whose DS becomes the trust anchor. ldns signs, so that no code is shared between
// those who sign and those who validate.
func (w *world) signZones() error {
	var delegations strings.Builder
	for _, d := range domains {
		ds, err := w.signZone(d.name+".", d.records(w), d.dns)
		if err != nil {
			return err
		}
		fmt.Fprintf(&delegations, "%s. NS ns.test.\n%s", d.name, ds)
	}
	delegations.WriteString("ns.test. A " + w.IP["nsd"] + "\n")
	ds, err := w.signZone("test.", delegations.String(), "ECDSAP256SHA256", "-n", "-t", "0")
	if err != nil {
		return err
	}
	// The root's glue for ns.test. is the same record as above.
	ds, err = w.signZone(".", "test. NS ns.test.\nns.test. A "+w.IP["nsd"]+"\n"+ds, "RSASHA256")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.Dir, "anchor"), []byte(ds), 0o644)
}

// records are the contents of the domain's zone.
func (d domain) records(w *world) string {
	var b strings.Builder
	for i, server := range d.mx {
		fmt.Fprintf(&b, "%s. MX %d %s.\n", d.name, 10*(i+1), d.host(i))
		fmt.Fprintf(&b, "%s. A %s\n", d.host(i), w.IP[server])
		for _, tlsa := range d.tlsa {
			at := strings.LastIndexByte(tlsa, ' ')
			fmt.Fprintf(&b, "_25._tcp.%s. TLSA %s %s\n", d.host(i), tlsa[:at], digests[tlsa[at+1:]])
		}
	}
	if d.sts {
		fmt.Fprintf(&b, "_mta-sts.%s. TXT \"v=STSv1; id=1\"\nmta-sts.%s. A %s\n", d.name, d.name, w.IP["nginx"])
	}
	if d.rpt {
		fmt.Fprintf(&b, "_smtp._tls.%s. TXT \"v=TLSRPTv1; rua=mailto:tls@%s\"\n", d.name, d.name)
	}
	return b.String()
}

// signZone writes a zone and signs it with one key of the algorithm, unless that is empty.
// It returns the DS record for the parent; that of a bogus zone belongs to a key it has not.
func (w *world) signZone(name, records, algorithm string, flags ...string) (ds string, err error) {
	file := strings.TrimSuffix(name, ".") + ".zone"
	text := "$TTL 300\n" + name + " SOA ns.test. hostmaster.test. 1 3600 600 86400 300\n" + name + " NS ns.test.\n" + records
	path := filepath.Join(w.Dir, "zones", file)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", err
	}
	if algorithm == "" {
		w.Zones = append(w.Zones, zone{name, file})
		return "", nil
	}
	bogus := algorithm == "bogus"
	if bogus {
		algorithm = "ECDSAP256SHA256"
	}
	key, err := w.newZoneKey(name, algorithm)
	if err != nil {
		return "", err
	}
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format("20060102150405") }
	sign := append(flags, "-o", name, "-i", day(-1), "-e", day(30), "-f", path+".signed", path, key)
	if _, err := w.ldns("ldns-signzone", sign...); err != nil {
		return "", err
	}
	w.Zones = append(w.Zones, zone{name, file + ".signed"})
	if bogus {
		if key, err = w.newZoneKey(name, algorithm); err != nil {
			return "", err
		}
	}
	b, err := os.ReadFile(filepath.Join(w.Dir, "zones", key+".ds"))
	return string(b), err
}

// newZoneKey makes a key that signs the whole zone and returns the name of its files.
func (w *world) newZoneKey(name, algorithm string) (string, error) {
	return w.ldns("ldns-keygen", "-r", "/dev/urandom", "-k", "-b", "2048", "-a", algorithm, name)
}

// ldns runs one of ldns's programs among the zones and returns what it printed.
func (w *world) ldns(program string, args ...string) (string, error) {
	c := exec.Command(filepath.Join(w.Cache, "usr/bin", program), args...)
	c.Dir = filepath.Join(w.Dir, "zones")
	c.Env = []string{"LD_LIBRARY_PATH=" + w.Libraries}
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
