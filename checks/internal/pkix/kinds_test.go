package pkix

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// The files hold a leaf and the authority that signed it, made by openssl 3.0 (genpkey or ecparam,
// req -x509, x509 -req). The last column is what it says of them:
//
//	openssl verify -auth_level 1 -purpose sslserver -attime 1798761600 -CAfile ca.pem leaf.pem
func TestKindsOfKeys(t *testing.T) {
	at := time.Unix(1798761600, 0)
	for _, c := range []struct {
		file, key string
		bits      int
		signature string
		pkix      report.PKIX
		openssl   string
	}{
		{"rsa-pss-1024", "RSA-PSS 1024", 1024, "SHA256-RSAPSS", "ok", "OK"},
		{"rsa-pss-2048", "RSA-PSS 2048", 2048, "SHA256-RSAPSS", "ok", "OK"},
		{"rsa-signs-pss", "RSA 2048", 2048, "SHA256-RSAPSS", "ok", "OK"},
		{"rsa-1024", "RSA 1024", 1024, "SHA256-RSA", "ok", "OK"},
		{"rsa-512", "RSA 512", 512, "SHA256-RSA", "weak", "66"},
		{"rsa-sha1", "RSA 2048", 2048, "SHA1-RSA", "weak", "68"},
		{"rsa-sha224", "RSA 2048", 2048, "SHA224-RSA", "ok", "OK"},
		{"ed25519", "Ed25519", 253, "Ed25519", "ok", "OK"},
		{"ed448", "Ed448", 446, "Ed448", "ok", "OK"},
		{"brainpoolP256r1", "ECDSA brainpoolP256r1", 256, "ECDSA-SHA256", "ok", "OK"},
		{"brainpoolP384r1", "ECDSA brainpoolP384r1", 384, "ECDSA-SHA256", "ok", "OK"},
		{"brainpoolP512r1", "ECDSA brainpoolP512r1", 512, "ECDSA-SHA256", "ok", "OK"},
		{"secp256k1", "ECDSA secp256k1", 256, "ECDSA-SHA256", "ok", "OK"},
		{"secp521r1", "ECDSA P-521", 521, "ECDSA-SHA256", "ok", "OK"},
		{"secp224r1", "ECDSA P-224", 224, "ECDSA-SHA256", "ok", "OK"},
		{"dsa", "DSA 2048", 2048, "DSA-SHA256", "ok", "OK"},
		// Curves that we do not compute with: not found out, and never a fault.
		{"prime192v1", "ECDSA P-192", 192, "ECDSA-SHA256", "untested", "OK"},
		{"brainpoolP320r1", "ECDSA brainpoolP320r1", 320, "ECDSA-SHA256", "untested", "OK"},
		{"explicit", "ECDSA of a curve of its own", 256, "ECDSA-SHA256", "untrusted", "94"},
	} {
		list := pemFile(t, c.file)
		s, err := NewStore("test", list[1])
		if err != nil {
			t.Fatal(err)
		}
		d := s.Describe(list, "mx.example", at)
		if d.Key != c.key || d.KeyBits != c.bits || d.Signature != c.signature || d.PKIX != c.pkix {
			t.Errorf("%s: %s (%d), %s, %s: %s", c.file, d.Key, d.KeyBits, d.Signature, d.PKIX, view.Say(d.PKIXWhy))
		}
		ask(t, c.file, list, list[1:], at, c.openssl)
		if c.pkix == "untested" || c.file == "explicit" {
			continue
		}
		// One octet of what is signed is another: nothing holds any more.
		forged := slices.Clone(list[0])
		i := strings.Index(string(forged), "mx.example")
		forged[i] = 'M'
		if d := s.Describe([][]byte{forged, list[1]}, "", at); !slices.Contains(d.PathFaults, "signature") || d.Trusted {
			t.Errorf("%s, forged: %s %v", c.file, d.PKIX, d.PathFaults)
		}
	}
}

func pemFile(t *testing.T, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "kinds", name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		list = append(list, block.Bytes)
	}
	return list
}
