package hello

import (
	"crypto/rsa"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// crypto/x509 refuses certificates for names, numbers and extensions that a handshake does not
// depend on and that other libraries take as they are. What follows looks at nothing but the
// frame of a certificate (RFC 5280 §4.1) and the key in it.

// IsCertificate reports whether octets have the frame of a certificate, without which no
// library gets at the key.
func IsCertificate(octets []byte) bool {
	_, _, ok := subjectKey(octets)
	return ok
}

// subjectKey returns the algorithm and the key of a certificate.
func subjectKey(octets []byte) (algorithm asn1.ObjectIdentifier, key []byte, ok bool) {
	in := cryptobyte.String(octets)
	var cert, tbs, info, kind cryptobyte.String
	var bits, signature asn1.BitString
	version := der.Tag(0).Constructed().ContextSpecific()
	if !in.ReadASN1(&cert, der.SEQUENCE) || !in.Empty() || !cert.ReadASN1(&tbs, der.SEQUENCE) ||
		!cert.SkipASN1(der.SEQUENCE) || !cert.ReadASN1BitString(&signature) || !cert.Empty() ||
		!tbs.SkipOptionalASN1(version) || !tbs.SkipASN1(der.INTEGER) {
		return nil, nil, false
	}
	for range 4 { // signature algorithm, issuer, validity, subject
		if !tbs.SkipASN1(der.SEQUENCE) {
			return nil, nil, false
		}
	}
	ok = tbs.ReadASN1(&info, der.SEQUENCE) && info.ReadASN1(&kind, der.SEQUENCE) &&
		kind.ReadASN1ObjectIdentifier(&algorithm) && info.ReadASN1BitString(&bits)
	return algorithm, bits.RightAlign(), ok
}

var rsaEncryption = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

// keyOfRSA returns the RSA key of a certificate, nil for none.
func keyOfRSA(octets []byte) *rsa.PublicKey {
	algorithm, key, ok := subjectKey(octets)
	if !ok || !algorithm.Equal(rsaEncryption) {
		return nil
	}
	in := cryptobyte.String(key)
	var pair cryptobyte.String
	n, e := new(big.Int), new(big.Int)
	if !in.ReadASN1(&pair, der.SEQUENCE) || !pair.ReadASN1Integer(n) || !pair.ReadASN1Integer(e) ||
		n.Sign() <= 0 || n.BitLen() > 16384 || e.Sign() <= 0 || e.BitLen() > 31 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}
