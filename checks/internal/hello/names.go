package hello

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
)

// Protocol versions as they stand on the wire.
const (
	SSL2  uint16 = 0x0002
	SSL3  uint16 = 0x0300
	TLS10 uint16 = 0x0301
	TLS11 uint16 = 0x0302
	TLS12 uint16 = 0x0303
	TLS13 uint16 = 0x0304
)

// Extension types (IANA "TLS ExtensionType Values").
const (
	ExtServerName           uint16 = 0
	ExtStatusRequest        uint16 = 5
	ExtSupportedGroups      uint16 = 10
	ExtPointFormats         uint16 = 11
	ExtSignatureAlgorithms  uint16 = 13
	ExtTruncatedHMAC        uint16 = 4
	ExtHeartbeat            uint16 = 15
	ExtPadding              uint16 = 21
	ExtEncryptThenMAC       uint16 = 22
	ExtExtendedMasterSecret uint16 = 23
	ExtSessionTicket        uint16 = 35
	ExtPreSharedKey         uint16 = 41
	ExtEarlyData            uint16 = 42
	ExtSupportedVersions    uint16 = 43
	ExtCookie               uint16 = 44
	ExtPSKModes             uint16 = 45
	ExtKeyShare             uint16 = 51
	ExtRenegotiationInfo    uint16 = 0xFF01
)

// Signalling cipher suite value that stands for an empty renegotiation_info (RFC 5746 §3.3).
const renegotiationSCSV uint16 = 0x00FF

// FallbackSCSV says that the client comes back with a lower version than its best after a
// failure (RFC 7507 §3).
const FallbackSCSV uint16 = 0x5600

// Groups that Hello can send a share of, beside P-521 and the hybrids of RFC 10024.
const (
	X25519 uint16 = 29
	P256   uint16 = 23
	P384   uint16 = 24
)

// Content types of records and types of handshake messages (RFC 9846 §5.1, §4).
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordData             = 23

	msgHelloRequest        = 0
	msgClientHello         = 1
	msgServerHello         = 2
	msgNewSessionTicket    = 4
	msgEncryptedExtensions = 8
	msgCertificate         = 11
	msgServerKeyExchange   = 12
	msgCertificateRequest  = 13
	msgServerHelloDone     = 14
	msgCertificateVerify   = 15
	msgClientKeyExchange   = 16
	msgFinished            = 20
	msgCertificateStatus   = 22
)

var versions = map[uint16]string{SSL2: "SSL2", SSL3: "SSL3", TLS10: "TLS1.0", TLS11: "TLS1.1", TLS12: "TLS1.2", TLS13: "TLS1.3"}

// VersionName returns TLS1.3 … SSL2, or the number of an unknown version.
func VersionName(v uint16) string {
	if n, ok := versions[v]; ok {
		return n
	}
	return hex16(v)
}

// Group is a named group of the key exchange (IANA "TLS Supported Groups").
type Group struct {
	ID     uint16
	Name   string
	Bits   int  // of the field or, for a finite field, of the prime; of the curve inside a hybrid
	Finite bool // a finite-field group of RFC 7919
	MLKEM  bool // ML-KEM, alone or with a curve: a quantum computer alone does not open it
}

// Groups is what is known of the registry. Curves stand with their usual names.
var Groups = []Group{
	{ID: 0x11EC, Name: "X25519MLKEM768", Bits: 255, MLKEM: true},
	{ID: 0x11EB, Name: "SecP256r1MLKEM768", Bits: 256, MLKEM: true},
	{ID: 0x11ED, Name: "SecP384r1MLKEM1024", Bits: 384, MLKEM: true},
	{ID: 0x11EE, Name: "curveSM2MLKEM768", Bits: 256, MLKEM: true},
	{ID: 0x6399, Name: "X25519Kyber768Draft00", Bits: 255},
	{ID: 0x0200, Name: "MLKEM512", Bits: 512, MLKEM: true},
	{ID: 0x0201, Name: "MLKEM768", Bits: 768, MLKEM: true},
	{ID: 0x0202, Name: "MLKEM1024", Bits: 1024, MLKEM: true},
	{ID: 29, Name: "X25519", Bits: 255},
	{ID: 23, Name: "P-256", Bits: 256},
	{ID: 30, Name: "X448", Bits: 448},
	{ID: 24, Name: "P-384", Bits: 384},
	{ID: 25, Name: "P-521", Bits: 521},
	{ID: 26, Name: "brainpoolP256r1", Bits: 256},
	{ID: 27, Name: "brainpoolP384r1", Bits: 384},
	{ID: 28, Name: "brainpoolP512r1", Bits: 512},
	{ID: 31, Name: "brainpoolP256r1tls13", Bits: 256},
	{ID: 32, Name: "brainpoolP384r1tls13", Bits: 384},
	{ID: 33, Name: "brainpoolP512r1tls13", Bits: 512},
	{ID: 41, Name: "curveSM2", Bits: 256},
	{ID: 22, Name: "secp256k1", Bits: 256},
	{ID: 256, Name: "ffdhe2048", Bits: 2048, Finite: true},
	{ID: 257, Name: "ffdhe3072", Bits: 3072, Finite: true},
	{ID: 258, Name: "ffdhe4096", Bits: 4096, Finite: true},
	{ID: 259, Name: "ffdhe6144", Bits: 6144, Finite: true},
	{ID: 260, Name: "ffdhe8192", Bits: 8192, Finite: true},
	{ID: 14, Name: "sect571r1", Bits: 571},
	{ID: 13, Name: "sect571k1", Bits: 571},
	{ID: 12, Name: "sect409r1", Bits: 409},
	{ID: 11, Name: "sect409k1", Bits: 409},
	{ID: 10, Name: "sect283r1", Bits: 283},
	{ID: 9, Name: "sect283k1", Bits: 283},
	{ID: 8, Name: "sect239k1", Bits: 239},
	{ID: 7, Name: "sect233r1", Bits: 233},
	{ID: 6, Name: "sect233k1", Bits: 233},
	{ID: 21, Name: "P-224", Bits: 224},
	{ID: 20, Name: "secp224k1", Bits: 224},
	{ID: 5, Name: "sect193r2", Bits: 193},
	{ID: 4, Name: "sect193r1", Bits: 193},
	{ID: 19, Name: "P-192", Bits: 192},
	{ID: 18, Name: "secp192k1", Bits: 192},
	{ID: 3, Name: "sect163r2", Bits: 163},
	{ID: 2, Name: "sect163r1", Bits: 163},
	{ID: 1, Name: "sect163k1", Bits: 163},
	{ID: 17, Name: "secp160r2", Bits: 160},
	{ID: 16, Name: "secp160r1", Bits: 160},
	{ID: 15, Name: "secp160k1", Bits: 160},
}

// GroupOf returns the group with that value. An unknown one has its number for a name.
func GroupOf(id uint16) Group {
	for _, g := range Groups {
		if g.ID == id {
			return g
		}
	}
	return Group{ID: id, Name: hex16(id)}
}

// GroupNamed returns the group with that name.
func GroupNamed(name string) (Group, bool) {
	for _, g := range Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

// primes are SHA-256 digests of the primes that standards name, big-endian without leading
// zeros: RFC 7919 appendix A, RFC 2409 §6 (768, 1024) and RFC 3526 (the others).
var primes = map[string]string{
	"9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966": "ffdhe2048",
	"0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17": "ffdhe3072",
	"4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e": "ffdhe4096",
	"227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7": "ffdhe6144",
	"770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833": "ffdhe8192",
	"b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d": "MODP-768",
	"3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0": "MODP-1024",
	"64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b": "MODP-1536",
	"d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e": "MODP-2048",
	"48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c": "MODP-3072",
	"4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33": "MODP-4096",
	"d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd": "MODP-6144",
	"39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf": "MODP-8192",
}

// PrimeName returns the standard name of a Diffie-Hellman prime (ffdhe2048, MODP-1024),
// empty for one that no standard names.
func PrimeName(p []byte) string {
	digest := sha256.Sum256(new(big.Int).SetBytes(p).Bytes())
	return primes[hex.EncodeToString(digest[:])]
}

// Scheme is a signature scheme (IANA "TLS SignatureScheme").
type Scheme struct {
	ID   uint16
	Name string
	Hash string // SHA-256 …; none where the scheme has its own
}

// Schemes is what is known of the registry, strongest first.
var Schemes = []Scheme{
	{0x0403, "ecdsa_secp256r1_sha256", "SHA-256"},
	{0x0503, "ecdsa_secp384r1_sha384", "SHA-384"},
	{0x0603, "ecdsa_secp521r1_sha512", "SHA-512"},
	{0x0807, "ed25519", "none"},
	{0x0808, "ed448", "none"},
	{0x0904, "mldsa44", "none"},
	{0x0905, "mldsa65", "none"},
	{0x0906, "mldsa87", "none"},
	{0x081a, "ecdsa_brainpoolP256r1tls13_sha256", "SHA-256"},
	{0x081b, "ecdsa_brainpoolP384r1tls13_sha384", "SHA-384"},
	{0x081c, "ecdsa_brainpoolP512r1tls13_sha512", "SHA-512"},
	{0x0804, "rsa_pss_rsae_sha256", "SHA-256"},
	{0x0805, "rsa_pss_rsae_sha384", "SHA-384"},
	{0x0806, "rsa_pss_rsae_sha512", "SHA-512"},
	{0x0809, "rsa_pss_pss_sha256", "SHA-256"},
	{0x080a, "rsa_pss_pss_sha384", "SHA-384"},
	{0x080b, "rsa_pss_pss_sha512", "SHA-512"},
	{0x0401, "rsa_pkcs1_sha256", "SHA-256"},
	{0x0501, "rsa_pkcs1_sha384", "SHA-384"},
	{0x0601, "rsa_pkcs1_sha512", "SHA-512"},
	{0x0402, "dsa_sha256", "SHA-256"},
	{0x0303, "ecdsa_sha224", "SHA-224"},
	{0x0301, "rsa_pkcs1_sha224", "SHA-224"},
	{0x0302, "dsa_sha224", "SHA-224"},
	{0x0203, "ecdsa_sha1", "SHA-1"},
	{0x0201, "rsa_pkcs1_sha1", "SHA-1"},
	{0x0202, "dsa_sha1", "SHA-1"},
	{0x0101, "rsa_pkcs1_md5", "MD5"},
}

// SchemeOf returns the scheme with that value. An unknown one has its number for a name.
func SchemeOf(id uint16) Scheme {
	for _, s := range Schemes {
		if s.ID == id {
			return s
		}
	}
	return Scheme{ID: id, Name: hex16(id)}
}

func hex16(v uint16) string {
	return "0x" + hex.EncodeToString([]byte{byte(v >> 8), byte(v)})
}
