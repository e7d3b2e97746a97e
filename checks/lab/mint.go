package lab

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// The keys of the lab are no secrets: they follow from names, or lie in the folder keys,
// so that two runs at the same time of the clock give the same certificates, digests and
// signatures octet by octet. Nobody outside a lab may trust them; the root's name
// constraint sees to it that nobody outside .test has to care.

//go:embed keys
var rsaKeys embed.FS

// issuer says who signs a certificate.
type issuer int

const (
	public  issuer = iota // the lab's public CA, through its intermediate
	private               // a CA that nobody outside its owner's house trusts
	itself
)

// identity describes a certificate that a server presents. The zero value is a good one:
// for the server's own name, ECDSA P-256, from the public CA, valid for another 60 days.
type identity struct {
	names  []string      // subject alternative names; the server's name if nil
	cn     string        // common name; the first of names if empty
	issuer issuer        //
	rsa    int           // bits of the embedded RSA key to be used; 0 for ECDSA
	starts time.Duration // from now; −30 days if zero
	ends   time.Duration // from now; 60 days if zero
	leaf   bool          // the chain is not sent

	made *tls.Certificate // one that was made elsewhere, in place of all the rest
}

// mint makes certificates.
type mint struct {
	now          time.Time
	root, middle authority // the public CA
	house        authority // the private one
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

const day = 24 * time.Hour

func newMint(now time.Time) (*mint, error) {
	m := &mint{now: now.UTC().Truncate(time.Second)}
	var err error
	if m.root, err = m.authority("mxseal lab root", authority{}); err != nil {
		return nil, err
	}
	if m.middle, err = m.authority("mxseal lab intermediate", m.root); err != nil {
		return nil, err
	}
	m.house, err = m.authority("House CA of nobody in particular", authority{})
	return m, err
}

// authority makes a CA certificate, signed by parent or, without one, by itself.
func (m *mint) authority(cn string, parent authority) (authority, error) {
	_, everywhere4, _ := net.ParseCIDR("0.0.0.0/0")
	_, everywhere6, _ := net.ParseCIDR("::/0")
	t := m.template(cn, -200*day, 3000*day)
	t.IsCA = true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	t.PermittedDNSDomainsCritical = true
	t.PermittedDNSDomains = []string{"test"}
	t.PermittedEmailAddresses = []string{".test"}
	t.PermittedURIDomains = []string{".test"}
	t.ExcludedIPRanges = []*net.IPNet{everywhere4, everywhere6}
	key := ecdsaKey("authority " + cn)
	if parent.cert == nil {
		parent = authority{t, key}
	}
	cert, err := sign(t, parent, key.Public())
	return authority{cert, key}, err
}

// issue makes the certificate of a server, with the chain that the server sends.
func (m *mint) issue(server string, id identity) (tls.Certificate, error) {
	if id.made != nil {
		return *id.made, nil
	}
	names := id.names
	if names == nil {
		names = []string{server}
	}
	key, err := m.key(server, id)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := m.template(cmp.Or(id.cn, names[0]), cmp.Or(id.starts, -30*day), cmp.Or(id.ends, 60*day))
	t.DNSNames = names
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if id.rsa > 0 {
		t.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	parent, chain := authority{t, key}, []*x509.Certificate(nil)
	switch id.issuer {
	case public:
		parent, chain = m.middle, []*x509.Certificate{m.middle.cert}
	case private:
		parent, chain = m.house, []*x509.Certificate{m.house.cert}
	}
	cert, err := sign(t, parent, key.Public())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("lab: certificate of %s: %w", server, err)
	}
	out := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
	for _, c := range chain {
		if !id.leaf {
			out.Certificate = append(out.Certificate, c.Raw)
		}
	}
	return out, nil
}

func (m *mint) template(cn string, starts, ends time.Duration) *x509.Certificate {
	serial := sha256.Sum256(fmt.Append(nil, cn, starts, ends))
	serial[0] = serial[0]&0x7f | 0x40 // positive, and of the same length every time
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial[:16]),
		Subject:               pkix.Name{CommonName: cn},
		NotBefore:             m.now.Add(starts),
		NotAfter:              m.now.Add(ends),
		BasicConstraintsValid: true,
	}
}

func sign(t *x509.Certificate, by authority, key crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(nil, t, by.cert, key, by.key) // without a source of random octets ECDSA follows RFC 6979
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (m *mint) key(server string, id identity) (crypto.Signer, error) {
	if id.rsa == 0 {
		return ecdsaKey("server " + server), nil
	}
	text, err := rsaKeys.ReadFile(fmt.Sprintf("keys/rsa%d.pem", id.rsa))
	if err != nil {
		return nil, fmt.Errorf("lab: no RSA key of %d bits: %w", id.rsa, err)
	}
	block, _ := pem.Decode(text)
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}

// ecdsaKey returns the P-256 key that belongs to a name.
func ecdsaKey(name string) *ecdsa.PrivateKey {
	for {
		d := sha256.Sum256([]byte("mxseal lab key of " + name))
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:]); err == nil {
			return key
		}
		name += "'" // one digest in 2^32 is no scalar
	}
}

// ca returns the root of the public CA in PEM form.
func (m *mint) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.root.cert.Raw})
}
