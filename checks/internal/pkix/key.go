package pkix

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// keyName names a public key as people do: RSA 2048, ECDSA P-256, Ed25519.
func keyName(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	if cert.PublicKeyAlgorithm != x509.UnknownPublicKeyAlgorithm {
		return cert.PublicKeyAlgorithm.String()
	}
	return "unknown"
}

// weakKey says why anyone may come to know the private key: short for RSA below 1024
// bits, roca for a product of the Infineon library (CVE-2017-15361). Empty for neither.
func weakKey(cert *x509.Certificate) string {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return ""
	case key.N.BitLen() < 1024:
		return "short"
	case roca(key.N):
		return "roca"
	}
	return ""
}

// rocaPrimes are the small primes of the ROCA fingerprint (Nemec et al., CCS 2017).
var rocaPrimes = []int64{
	11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
}

// roca reports whether n is, modulo each of the primes, a power of 65537. An ordinary
// modulus is so with a chance of about one in 2^28.
func roca(n *big.Int) bool {
	for _, p := range rocaPrimes {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if found = found || power == rest; found {
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}

// signatures that crypto/x509 has no name for.
var signatureNames = map[string]string{
	"1.2.840.113549.1.1.14": "SHA224-RSA",
	"1.2.840.10045.4.3.1":   "ECDSA-SHA224",
	"1.3.101.113":           "Ed448",
}

// signatureName names the algorithm a certificate is signed with: SHA256-RSA,
// ECDSA-SHA256, or its object identifier.
func signatureName(cert *x509.Certificate) string {
	if cert.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return cert.SignatureAlgorithm.String()
	}
	var outer struct {
		TBS       asn1.RawValue
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.Raw, &outer); err != nil {
		return "unknown"
	}
	id := outer.Algorithm.ID.String()
	if name, ok := signatureNames[id]; ok {
		return name
	}
	return id
}

// weakSignature reports whether a signature's hash no longer holds (RFC 9155).
func weakSignature(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}
