package real

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// How a server's certificate is made. What is not here has none.
var identities = map[string]struct {
	ca   bool // issued by the test CA, else self-signed
	bits int  // of an RSA key; 0: ECDSA P-256
	root bool // the root is sent with it, as DANE-TA demands
}{
	"default":    {bits: 2048}, // as Debian's ssl-cert makes them
	"old":        {bits: 1024},
	"hardened":   {ca: true, bits: 2048},
	"encrypt":    {ca: true, bits: 2048},
	"tls10":      {ca: true, bits: 2048},
	"postscreen": {ca: true, bits: 2048},
	"ccert":      {ca: true, bits: 2048},
	"ccert12":    {ca: true, bits: 2048},
	"opensmtpd":  {ca: true, bits: 2048},
	"exim":       {ca: true, root: true},
	"nginx":      {ca: true},
}

// digests are what TLSA records of these servers would hold.
var digests = make(map[string]string)

// mintCertificates writes ca.pem and, for every identity, a file with key and chain.
func (w *world) mintCertificates() error {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return err
	}
	if ca, err = x509.ParseCertificate(root); err != nil {
		return err
	}
	digests["ca"] = digest(ca)
	if err := os.WriteFile(filepath.Join(w.Dir, "ca.pem"), block("CERTIFICATE", root), 0o644); err != nil {
		return err
	}

	serial := int64(1)
	for server, identity := range identities {
		serial++
		key, err := newKey(identity.bits)
		if err != nil {
			return fmt.Errorf("key of %s: %w", server, err)
		}
		names := namesAt(server)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90),
			BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		issuer, issuerKey := ca, crypto.Signer(caKey)
		if !identity.ca {
			leaf.NotAfter = time.Now().AddDate(10, 0, 0)
			issuer, issuerKey = leaf, key
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, issuer, key.Public(), issuerKey)
		if err != nil {
			return fmt.Errorf("certificate of %s: %w", server, err)
		}
		if err := w.writeIdentity(server, key, der, root, identity.root); err != nil {
			return err
		}
	}
	// Exim reads its key after it has given up being root.
	return w.Give("certs/exim.pem", "Debian-exim")
}

func (w *world) writeIdentity(server string, key crypto.Signer, der, root []byte, withRoot bool) error {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	digests[server] = digest(leaf)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	file := [][]byte{block("PRIVATE KEY", pkcs8), block("CERTIFICATE", der)}
	if withRoot {
		file = append(file, block("CERTIFICATE", root))
	}
	// OpenSMTPD refuses keys that others can read.
	return os.WriteFile(filepath.Join(w.Dir, "certs", server+".pem"), bytes.Join(file, nil), 0o600)
}

func newKey(bits int) (crypto.Signer, error) {
	if bits == 0 {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// digest is the association data of selector 1 and matching type 1 (RFC 6698 §2.1).
func digest(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
