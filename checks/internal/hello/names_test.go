package hello

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"testing"
)

func goCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestSuiteNames(t *testing.T) {
	for name, want := range map[string]string{
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5":                "RSA RSA RC4  40 MD5 export",
		"TLS_KRB5_EXPORT_WITH_DES_CBC_40_SHA":           "KRB5 KRB5 DES CBC 40 SHA export",
		"TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA":         "DHE RSA DES CBC 40 SHA export",
		"TLS_RSA_EXPORT1024_WITH_RC4_56_SHA":            "RSA RSA RC4  56 SHA export",
		"TLS_RSA_WITH_DES_CBC_SHA":                      "RSA RSA DES CBC 56 SHA",
		"TLS_RSA_WITH_NULL_MD5":                         "RSA RSA NULL  0 MD5",
		"TLS_DH_anon_WITH_AES_256_GCM_SHA384":           "DH anon AES GCM 256 SHA384 aead 1.2",
		"TLS_ECDH_anon_WITH_RC4_128_SHA":                "ECDH anon RC4  128 SHA",
		"TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA":            "ECDH RSA 3DES CBC 112 SHA",
		"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8":            "ECDHE ECDSA AES CCM_8 128  aead 1.2",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256":   "ECDHE RSA CHACHA20 POLY1305 256 SHA256 aead 1.2",
		"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384":         "ECDHE RSA AES CBC 256 SHA384 1.2",
		"TLS_DHE_DSS_WITH_SEED_CBC_SHA":                 "DHE DSS SEED CBC 128 SHA",
		"TLS_RSA_WITH_IDEA_CBC_SHA":                     "RSA RSA IDEA CBC 128 SHA",
		"TLS_PSK_DHE_WITH_AES_128_CCM_8":                "PSK PSK AES CCM_8 128  aead 1.2",
		"TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA":          "SRP SRP AES CBC 128 SHA",
		"SSL_RSA_FIPS_WITH_DES_CBC_SHA":                 "RSA RSA DES CBC 56 SHA",
		"TLS_AES_128_CCM_8_SHA256":                      "  AES CCM_8 128 SHA256 aead 1.3 1.2",
		"TLS_SHA256_SHA256":                             "  NULL  0 SHA256 1.3 1.2",
		"TLS_AEGIS_128L_SHA256":                         "  AEGIS  128 SHA256 aead 1.3 1.2",
		"TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L":     "  KUZNYECHIK MGM 256  aead 1.3 1.2",
		"TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC":  "GOST GOST KUZNYECHIK  256 ",
		"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256_OLD": "DHE RSA CHACHA20 POLY1305 256 SHA256 aead 1.2",
	} {
		s, ok := SuiteNamed(name)
		got := fmt.Sprintf("%s %s %s %s %d %s", s.KeyExchange, s.Auth, s.Cipher, s.Mode, s.Bits, s.Hash)
		for word, yes := range map[string]bool{" export": s.Export, " aead": s.AEAD} {
			if yes {
				got += word
			}
		}
		if s.TLS13 {
			got += " 1.3"
		}
		if s.FromTLS12() {
			got += " 1.2"
		}
		if !ok || got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
}

// Go's own names and versions of its suites agree with the table.
func TestRegistryAgreesWithGo(t *testing.T) {
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		s := SuiteOf(c.ID)
		from12 := c.SupportedVersions[0] >= tls.VersionTLS12
		if s.Name != c.Name || s.FromTLS12() != from12 || s.TLS13 != (c.SupportedVersions[0] == tls.VersionTLS13) {
			t.Errorf("%s: %+v", c.Name, s)
		}
	}
}

func TestRegistryIsSound(t *testing.T) {
	if len(registry) != len(suites) || len(registry) != len(byName) {
		t.Errorf("%d rows, %d values, %d names", len(registry), len(suites), len(byName))
	}
	for _, r := range registry {
		s := suites[r.id]
		if s.Cipher == "" || s.Bits == 0 && s.Cipher != "NULL" || !s.TLS13 && s.KeyExchange == "" {
			t.Errorf("not understood: %+v", s)
		}
	}
	if got := SuiteOf(0x9999); got.Name != "0x9999" {
		t.Errorf("an unknown suite is called %q", got.Name)
	}
}

func TestOffers(t *testing.T) {
	has := func(version uint16, name string) bool {
		for _, s := range Offers(version) {
			if s.Name == name {
				return true
			}
		}
		return false
	}
	for _, test := range []struct {
		version uint16
		name    string
		want    bool
		why     string
	}{
		{TLS12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true, "TLS 1.2 brought AEAD"},
		{TLS11, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false, "not before"},
		{TLS11, "TLS_RSA_WITH_AES_128_CBC_SHA256", false, "nor SHA-256"},
		{SSL3, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", true, "old as it is"},
		{TLS13, "TLS_AES_128_GCM_SHA256", true, "1.3 has its own"},
		{TLS12, "TLS_AES_128_GCM_SHA256", false, "for it alone"},
		{TLS12, "TLS_PSK_WITH_AES_128_CBC_SHA", false, "nobody shares a key with us"},
		{TLS12, "TLS_NULL_WITH_NULL_NULL", false, "the state before a handshake is no offer (RFC 5246 §A.5)"},
	} {
		if has(test.version, test.name) != test.want {
			t.Errorf("%s %s: %s", VersionName(test.version), test.name, test.why)
		}
	}
	if n := len(Offers(TLS12)); n < 200 {
		t.Errorf("only %d suites for TLS 1.2", n)
	}
}

func TestPrimeNames(t *testing.T) {
	oakley2, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)
	if got := PrimeName(append([]byte{0, 0}, oakley2.Bytes()...)); got != "MODP-1024" {
		t.Errorf("Oakley group 2 is called %q", got)
	}
	if got := PrimeName(number(1024)); got != "" {
		t.Errorf("a prime of one's own is called %q", got)
	}
}

func TestGroupAndSchemeNames(t *testing.T) {
	for id, want := range map[uint16]string{29: "X25519", 23: "P-256", 0x11EC: "X25519MLKEM768", 256: "ffdhe2048", 0x7777: "0x7777"} {
		if got := GroupOf(id).Name; got != want {
			t.Errorf("group %d is called %q, want %q", id, got, want)
		}
	}
	seen := make(map[string]bool)
	for _, g := range Groups {
		if seen[g.Name] || g.Bits == 0 {
			t.Errorf("group %+v", g)
		}
		seen[g.Name] = true
	}
	for id, want := range map[uint16]string{0x0201: "SHA-1", 0x0804: "SHA-256", 0x0101: "MD5", 0x0807: "none"} {
		if got := SchemeOf(id).Hash; got != want {
			t.Errorf("scheme %04x hashes with %q, want %q", id, got, want)
		}
	}
}
