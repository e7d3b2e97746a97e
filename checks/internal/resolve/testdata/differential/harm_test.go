package differential

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// contents are a signed zone before it is served.
type contents struct {
	zone    *zone
	records []dns.RR
	dir     string // of the key pairs
	gone    bool   // the file is not to be there
	err     error  // the harm could not be done
}

// harm does to a signed zone what its row asks for.
func (w *world) harm(z *zone) error {
	file := filepath.Join(w.Dir, "zones", z.Served)
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	c := &contents{zone: z, dir: filepath.Join(w.Dir, "zones")}
	zp := dns.NewZoneParser(f, z.Name, file)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		c.records = append(c.records, rr)
	}
	if err := zp.Err(); err != nil {
		return err
	}
	z.harm(c)
	if c.err != nil {
		return c.err
	}
	if c.gone {
		return os.Remove(file)
	}
	var text strings.Builder
	for _, rr := range c.records {
		text.WriteString(rr.String() + "\n")
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}

// kind picks records.
type kind func(dns.RR) bool

func record(typ string) kind {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == dns.StringToType[typ] }
}

func signatureOver(typ string) kind {
	return func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.StringToType[typ]
	}
}

func drop(kinds ...kind) func(*contents) {
	return func(c *contents) {
		c.records = slices.DeleteFunc(c.records, func(rr dns.RR) bool {
			return slices.ContainsFunc(kinds, func(k kind) bool { return k(rr) })
		})
	}
}

// signatures does something to every signature but those over the keys.
func (c *contents) signatures(do func(*dns.RRSIG)) {
	for _, rr := range c.records {
		if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered != dns.TypeDNSKEY {
			do(sig)
		}
	}
}

func unload(c *contents) { c.gone = true }

func tamper(c *contents) {
	for _, rr := range c.records {
		if a, ok := rr.(*dns.A); ok {
			a.A.To4()[3] += 100
		}
	}
}

func garble(typ string) func(*contents) {
	return func(c *contents) {
		c.signatures(func(sig *dns.RRSIG) {
			if signatureOver(typ)(sig) {
				b, _ := base64.StdEncoding.DecodeString(sig.Signature)
				b[len(b)-1] ^= 1
				sig.Signature = base64.StdEncoding.EncodeToString(b)
			}
		})
	}
}

func renameSigner(c *contents) { c.signatures(func(sig *dns.RRSIG) { sig.SignerName = "test." }) }

func relabel(by int) func(*contents) {
	return func(c *contents) { c.signatures(func(sig *dns.RRSIG) { sig.Labels = uint8(int(sig.Labels) + by) }) }
}

// lengthen raises TTLs, which a resolver may not keep but must not mind.
func lengthen(c *contents) {
	for _, rr := range c.records {
		rr.Header().Ttl += 3600
	}
}

// addExpired puts an expired signature beside each.
func addExpired(c *contents) {
	var more []dns.RR
	c.signatures(func(sig *dns.RRSIG) {
		old := *sig
		old.Expiration = sig.Inception + 1
		more = append(more, &old)
	})
	c.records = append(c.records, more...)
}

// pair returns key i of a zone with its private half, from the folder of the zones.
func (z *zone) pair(dir string, i int) (*dns.DNSKEY, crypto.Signer, error) {
	base := filepath.Join(dir, z.files[i])
	public, err := os.ReadFile(base + ".key")
	if err != nil {
		return nil, nil, err
	}
	private, err := os.Open(base + ".private")
	if err != nil {
		return nil, nil, err
	}
	defer private.Close()
	rr, err := dns.ReadRR(bytes.NewReader(public), base)
	if err != nil {
		return nil, nil, err
	}
	key := rr.(*dns.DNSKEY)
	signer, err := key.ReadPrivateKey(private, base)
	if err != nil {
		return nil, nil, err
	}
	return key, signer.(crypto.Signer), nil
}

func (c *contents) pair(i int) (*dns.DNSKEY, crypto.Signer) {
	key, private, err := c.zone.pair(c.dir, i)
	if err != nil {
		c.err = err
		return new(dns.DNSKEY), nil
	}
	return key, private
}

// moment reads a time as the signers' options give it.
func moment(s string) uint32 {
	t, _ := time.Parse("20060102150405", s)
	return uint32(t.Unix())
}

// sign makes the signatures over one type anew, with a key of the zone as it is given.
// No signer's program would make these.
func (c *contents) sign(typ string, key *dns.DNSKEY, private crypto.Signer, w window) {
	for i, rr := range c.records {
		if !signatureOver(typ)(rr) {
			continue
		}
		sig := *rr.(*dns.RRSIG)
		sig.KeyTag, sig.Algorithm, sig.Inception, sig.Expiration = key.KeyTag(), key.Algorithm, moment(w.from), moment(w.to)
		var set []dns.RR
		for _, rr := range c.records {
			if rr.Header().Name == sig.Hdr.Name && rr.Header().Rrtype == sig.TypeCovered {
				set = append(set, rr)
			}
		}
		if err := sig.Sign(private, set); err != nil {
			c.err = err
		}
		c.records[i] = &sig
	}
}

// expire signs a type anew so that it ended in 2021.
func expire(typ string) func(*contents) {
	return func(c *contents) {
		key, private := c.pair(0)
		c.sign(typ, key, private, past)
	}
}

// clearZoneBit makes the ZSK a key that may not sign zones, has the KSK vouch for it all
// the same, and signs the addresses with it.
func clearZoneBit(c *contents) {
	zsk, private := c.pair(1)
	for _, rr := range c.records {
		if k, ok := rr.(*dns.DNSKEY); ok && k.PublicKey == zsk.PublicKey {
			k.Flags &^= dns.ZONE
		}
	}
	zsk.Flags &^= dns.ZONE
	ksk, entry := c.pair(0)
	c.sign("DNSKEY", ksk, entry, now)
	c.sign("A", zsk, private, now)
}

// signedByOther has the ZSK alone sign the keys.
func signedByOther(c *contents) {
	zsk, private := c.pair(1)
	c.sign("DNSKEY", zsk, private, now)
}

// retireZSK takes the ZSK out of the keys.
func retireZSK(c *contents) {
	zsk, _ := c.pair(1)
	c.records = slices.DeleteFunc(c.records, func(rr dns.RR) bool {
		k, ok := rr.(*dns.DNSKEY)
		return ok && k.PublicKey == zsk.PublicKey
	})
	ksk, entry := c.pair(0)
	c.sign("DNSKEY", ksk, entry, now)
}

// hide takes a type out of the NSEC records, signed anew.
func hide(typ string) func(*contents) {
	return func(c *contents) {
		for _, rr := range c.records {
			if nsec, ok := rr.(*dns.NSEC); ok {
				nsec.TypeBitMap = slices.DeleteFunc(nsec.TypeBitMap, func(t uint16) bool { return t == dns.StringToType[typ] })
			}
		}
		key, private := c.pair(0)
		c.sign("NSEC", key, private, now)
	}
}
