package differential

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

const p256 = "ECDSAP256SHA256"

// Digest types of DS records, as ldns-key2ds calls them.
const (
	sha1   = "-1"
	sha256 = "-2"
	sha384 = "-4"
)

// key is a key of a zone. It signs everything, unless the zone also has one that is zsk.
type key struct {
	algorithm string
	bits      int // for RSA; 1024 if zero
	zsk       bool
	flags     string // of its DNSKEY, instead of what its kind has
	protocol  string // instead of 3
}

func keys(algorithms ...string) (list []key) {
	for _, a := range algorithms {
		list = append(list, key{algorithm: a})
	}
	return list
}

// sign makes keys for every zone, then the zones, parents with the DS of their children.
// The root's becomes the trust anchor. Others' programs sign, so that no code is shared
// between those who sign and those who validate.
func (w *world) sign() error {
	for _, z := range zones {
		z.Served = strings.TrimSuffix(z.Name, ".") + ".zone"
		if !z.hidden {
			w.Zones = append(w.Zones, z)
		}
	}
	if err := w.each(w.makeKeys); err != nil {
		return err
	}
	delegations := make(map[*zone][]string)
	for _, z := range zones {
		ds, err := z.delegate(w)
		if err != nil {
			return err
		}
		if z.Name == "." {
			if err := os.WriteFile(filepath.Join(w.Dir, "anchor"), []byte(strings.Join(ds, "\n")+"\n"), 0o644); err != nil {
				return err
			}
			continue
		}
		above := zoneOf(parent(z.Name))
		delegations[above] = append(delegations[above], z.Name+" NS ns.test.")
		delegations[above] = append(delegations[above], ds...)
	}
	return w.each(func(z *zone) error { return w.signZone(z, delegations[z]) })
}

// each does something to every zone, a few at a time.
func (w *world) each(do func(*zone) error) error {
	var wait sync.WaitGroup
	places := make(chan struct{}, 4)
	errs := make([]error, len(zones))
	for i, z := range zones {
		wait.Go(func() {
			places <- struct{}{}
			if err := do(z); err != nil {
				errs[i] = fmt.Errorf("zone %s: %w", z.Name, err)
			}
			<-places
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// zoneOf returns the zone that a name lies in.
func zoneOf(name string) (enclosing *zone) {
	for _, z := range zones {
		if dns.IsSubDomain(z.Name, name) && (enclosing == nil || len(z.Name) > len(enclosing.Name)) {
			enclosing = z
		}
	}
	return enclosing
}

// within completes a name relative to the zone.
func (z *zone) within(name string) string {
	switch {
	case name == "@":
		return z.Name
	case z.Name == ".":
		return name + "."
	}
	return name + "." + z.Name
}

func parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

func (w *world) makeKeys(z *zone) error {
	if z.by == "" {
		return nil
	}
	if z.keys == nil {
		z.keys = keys(p256)
	}
	for _, k := range z.keys {
		base, err := w.makeKey(z.Name, k)
		if err != nil {
			return err
		}
		z.files = append(z.files, base)
	}
	return nil
}

// makeKey makes one key pair and returns the name of its files. Its tag has five digits, also when revoked, so
// that no year or port is taken for it where the golden files leave tags out.
func (w *world) makeKey(zone string, k key) (base string, err error) {
	for range 100 {
		switch {
		case k.bits == 0:
			args := []string{"-q", "-a", k.algorithm}
			if strings.Contains(k.algorithm, "RSA") && !strings.HasPrefix(k.algorithm, "EC") {
				args = append(args, "-b", "1024")
			}
			if !k.zsk {
				args = append(args, "-f", "KSK")
			}
			base, err = w.run("dnssec-keygen", append(args, zone)...)
		default: // shorter than BIND makes them
			base, err = w.run("ldns-keygen", "-r", "/dev/urandom", "-k", "-b", fmt.Sprint(k.bits), "-a", k.algorithm, zone)
		}
		if err != nil {
			return "", err
		}
		if fiveDigits.MatchString(base) {
			return base, w.mark(base, k)
		}
	}
	return "", fmt.Errorf("no key of %s has a tag of five digits", zone)
}

var fiveDigits = regexp.MustCompile(`\+[1-5]\d{4}$`)

// mark gives the public key of a pair the flags and protocol that its row wants.
func (w *world) mark(base string, k key) error {
	if k.flags == "" && k.protocol == "" {
		return nil
	}
	file := filepath.Join(w.Dir, "zones", base+".key")
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	flags, protocol := "257", "3"
	if k.flags != "" {
		flags = k.flags
	}
	if k.protocol != "" {
		protocol = k.protocol
	}
	return os.WriteFile(file, []byte(strings.Replace(string(b), "DNSKEY 257 3 ", "DNSKEY "+flags+" "+protocol+" ", 1)), 0o644)
}

// delegate returns the DS records that the parent has.
func (z *zone) delegate(w *world) ([]string, error) {
	if z.ds == nil {
		z.ds = func(w *world, z *zone) ([]string, error) {
			if z.by == "" {
				return nil, nil
			}
			return everyKey(sha256)(w, z)
		}
	}
	return z.ds(w, z)
}

// delegation makes the DS records for a zone.
type delegation func(*world, *zone) ([]string, error)

func none(*world, *zone) ([]string, error) { return nil, nil }

// everyKey digests every key signing key, or every key where there is none of these.
func everyKey(digest string) delegation {
	return func(w *world, z *zone) (list []string, err error) {
		all := !slices.ContainsFunc(z.keys, func(k key) bool { return !k.zsk })
		for i, k := range z.keys {
			if k.zsk && !all {
				continue
			}
			ds, err := w.run("ldns-key2ds", "-n", digest, "-f", z.files[i]+".key")
			if err != nil {
				return nil, err
			}
			list = append(list, ds)
		}
		return list, nil
	}
}

func firstKey(w *world, z *zone) ([]string, error) {
	list, err := everyKey(sha256)(w, z)
	return list[:min(1, len(list))], err
}

// stray is the DS of a key that the zone does not have.
func stray(algorithm string) delegation {
	return func(w *world, z *zone) ([]string, error) {
		base, err := w.makeKey(z.Name, key{algorithm: algorithm})
		if err != nil {
			return nil, err
		}
		ds, err := w.run("ldns-key2ds", "-n", sha256, "-f", base+".key")
		return []string{ds}, err
	}
}

func and(delegations ...delegation) delegation {
	return func(w *world, z *zone) (list []string, err error) {
		for _, d := range delegations {
			more, err := d(w, z)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
		return list, nil
	}
}

// Fields of a DS record, counted from its tag.
const (
	dsAlgorithm = 1
	dsDigest    = 2
	dsData      = 3
)

// patched is the right DS with one field changed.
func patched(field int, value string) delegation {
	return func(w *world, z *zone) ([]string, error) {
		list, err := firstKey(w, z)
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(list[0])
		at := slices.Index(fields, "DS") + 1
		fields[at+field] = value
		return []string{strings.Join(fields, " ")}, nil
	}
}

var wrongDigest = strings.Repeat("00", 32)

// signZone writes a zone, has it signed and does the harm that its row asks for.
func (w *world) signZone(z *zone, delegations []string) error {
	if z.hidden {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "$TTL 300\n$ORIGIN %s\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 300\n@ NS ns.test.\n%s", z.Name, records)
	if z.Name == "test." {
		fmt.Fprintf(&text, "ns A %s\n", w.at(nsdAt))
	}
	for _, d := range delegations {
		fmt.Fprintln(&text, d)
	}
	for _, base := range z.files {
		b, err := os.ReadFile(filepath.Join(w.Dir, "zones", base+".key"))
		if err != nil {
			return err
		}
		text.Write(b)
	}
	file := filepath.Join(w.Dir, "zones", z.Served)
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil || z.by == "" {
		return err
	}
	z.Served += ".signed"
	if _, err := w.run(z.by, append(z.options(file), z.files...)...); err != nil {
		return err
	}
	if z.harm == nil {
		return nil
	}
	return w.harm(z)
}

// options are the arguments of the signer before the keys.
func (z *zone) options(file string) []string {
	if z.window == (window{}) {
		z.window = now
	}
	if z.by == ldns {
		args := []string{"-o", z.Name, "-i", z.window.from, "-e", z.window.to, "-f", file + ".signed"}
		if z.nsec3 != nil {
			args = append(args, "-n", "-t", z.nsec3.iterations)
			if z.nsec3.salt != "-" {
				args = append(args, "-s", z.nsec3.salt)
			}
			if z.nsec3.optOut {
				args = append(args, "-p")
			}
		}
		return append(args, file)
	}
	args := []string{"-q", "-P", "-o", z.Name, "-s", z.window.from, "-e", z.window.to, "-f", file + ".signed"}
	if !slices.ContainsFunc(z.keys, func(k key) bool { return k.zsk }) {
		args = append(args, "-z")
	}
	if z.nsec3 != nil {
		args = append(args, "-3", z.nsec3.salt, "-H", z.nsec3.iterations)
		if z.nsec3.optOut {
			args = append(args, "-A")
		}
	}
	return append(args, file)
}

// run runs one of the signers' programs among the zones and returns what it printed.
func (w *world) run(program string, args ...string) (string, error) {
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
