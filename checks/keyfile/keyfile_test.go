package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// chain is a server's certificate with its key, and that of the authority that signed it.
type chain struct {
	key          *ecdsa.PrivateKey
	leaf, issuer []byte
}

func newChain(t *testing.T) chain {
	t.Helper()
	issue := func(name string, ca bool, parent *x509.Certificate, by crypto.Signer) (*ecdsa.PrivateKey, *x509.Certificate) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true}
		if parent == nil {
			parent, by = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return key, made
	}
	caKey, ca := issue("an\nauthority", true, nil, nil)
	key, leaf := issue("mx.example.net", false, ca, caKey)
	return chain{key, leaf.Raw, ca.Raw}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestRead(t *testing.T) {
	c := newChain(t)
	spki, err := x509.MarshalPKIXPublicKey(c.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, c.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, issuer := block("CERTIFICATE", c.leaf), block("CERTIFICATE", c.issuer)
	for _, good := range []struct {
		why          string
		data         []byte
		certificates int
	}{
		{"a certificate", leaf, 1},
		{"one with its chain", append(leaf, issuer...), 2},
		{"text before it, as openssl writes", append([]byte("Certificate:\n    Data:\n"), leaf...), 1},
		{"DER", c.leaf, 1},
		{"the key beside it", append(block("PRIVATE KEY", pkcs8), leaf...), 1},
		{"a request", block("CERTIFICATE REQUEST", request), 0},
		{"a request in DER", request, 0},
		{"a public key", block("PUBLIC KEY", spki), 0},
		{"a public key in DER", spki, 0},
		{"lines that end as on Windows", bytes.ReplaceAll(leaf, []byte("\n"), []byte("\r\n")), 1},
	} {
		f, err := Read("x.pem", good.data)
		if err != nil || len(f.Certificates) != good.certificates || !bytes.Equal(f.Key, spki) {
			t.Errorf("%s: %v, %d certificates, key of %d octets", good.why, err, len(f.Certificates), len(f.Key))
		}
	}
	for _, bad := range []struct {
		why, want string
		data      []byte
	}{
		{"a private key", "private key", block("PRIVATE KEY", pkcs8)},
		{"an EC private key", "private key", block("EC PRIVATE KEY", sec1)},
		{"an encrypted private key", "private key", block("ENCRYPTED PRIVATE KEY", pkcs8)},
		{"a private key in DER", "private key", pkcs8},
		{"an EC private key in DER", "private key", sec1},
		{"PKCS#12", "PKCS#12", []byte{0x30, 0x08, 2, 1, 3, 0x30, 3, 6, 1, 42}},
		{"the issuer first", "wrong order", append(issuer, leaf...)},
		{"too large", "larger than", make([]byte, 10<<20)},
		{"nothing", "empty", nil},
		{"blanks", "empty", []byte(" \n")},
		{"a torn block", "damaged", leaf[:len(leaf)/2]},
		{"a certificate that is none", "cannot be read", block("CERTIFICATE", []byte("no"))},
		{"something else in PEM", "neither", block("DH PARAMETERS", []byte("no"))},
		{"text", "neither", []byte("hello")},
		{"too many", "more than", bytes.Repeat(leaf, maxCertificates+1)},
	} {
		_, err := Read("x.pem", bad.data)
		if err == nil || !strings.HasPrefix(err.Error(), "x.pem ") || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v, want %q", bad.why, err, bad.want)
		}
		if err != nil && len(bad.data) > 100 && strings.Contains(err.Error(), string(bad.data[40:60])) {
			t.Errorf("%s: the error repeats the file", bad.why)
		}
	}
}

// The name of an authority ends up in remarks, which end with their line.
func TestAuthorities(t *testing.T) {
	c := newChain(t)
	f, err := Read("x.pem", append(block("CERTIFICATE", c.leaf), block("CERTIFICATE", c.issuer)...))
	if err != nil {
		t.Fatal(err)
	}
	all := f.Authorities()
	if len(all) != 1 || strings.ContainsAny(all[0].Name, "\n\r\u2028") || all[0].Sum == f.Sum() {
		t.Errorf("authorities %q", all)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Add([]byte{0x30, 3, 2, 1, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read("x", data)
		if err == nil && len(file.Key) == 0 {
			t.Error("a file without a key was taken")
		}
	})
}
