package hello

import (
	"slices"
	"strconv"
	"strings"
)

// Suite is what the registry's name of a cipher suite says of it.
type Suite struct {
	ID          uint16
	Name        string // IANA name
	KeyExchange string // RSA, DH, DHE, ECDH, ECDHE, PSK, SRP, KRB5, GOST, ECCPWD; empty in TLS 1.3
	Auth        string // RSA, DSS, ECDSA, anon or as KeyExchange; empty in TLS 1.3
	Cipher      string // AES, CAMELLIA, ARIA, SM4, AEGIS, CHACHA20, SEED, IDEA, 3DES, DES, RC4, RC2, NULL …
	Mode        string // GCM, CCM, CCM_8, POLY1305, CBC, MGM …; empty for stream ciphers
	Bits        int    // effective strength of the cipher; 112 for 3DES, 0 for NULL
	Hash        string // SHA256 …; empty where the name has none
	AEAD        bool
	Export      bool // made weak for export
	TLS13       bool // for TLS 1.3 and nothing else
}

// FromTLS12 reports whether the suite needs TLS 1.2 at least: the AEAD modes and the hashes
// beyond SHA-1 came with it (RFC 5246 §1.2, RFC 5288 §3).
func (s Suite) FromTLS12() bool {
	return s.AEAD || s.Hash == "SHA256" || s.Hash == "SHA384" || s.TLS13
}

var suites, byName = func() (map[uint16]Suite, map[string]Suite) {
	ids, names := make(map[uint16]Suite), make(map[string]Suite)
	for _, r := range registry {
		s := parseSuite(r.id, r.name)
		ids[s.ID], names[s.Name] = s, s
	}
	return ids, names
}()

// SuiteOf returns the suite with that value. An unknown one has its number for a name.
func SuiteOf(id uint16) Suite {
	if s, ok := suites[id]; ok {
		return s
	}
	return Suite{ID: id, Name: hex16(id)}
}

// SuiteNamed returns the suite with that IANA name.
func SuiteNamed(name string) (Suite, bool) {
	s, ok := byName[name]
	return s, ok
}

// Offers lists, in the registry's order, the suites that a client without a shared secret
// can offer in a protocol version.
func Offers(version uint16) []Suite {
	var out []Suite
	for _, r := range registry {
		s := suites[r.id]
		switch {
		case version >= TLS13:
			if s.TLS13 {
				out = append(out, s)
			}
		case s.TLS13, version < TLS12 && s.FromTLS12():
		case slices.Contains([]string{"RSA", "DH", "DHE", "ECDH", "ECDHE"}, s.KeyExchange):
			out = append(out, s)
		}
	}
	return out
}

// parseSuite reads an IANA name: TLS_<key exchange>[_<auth>][_EXPORT]_WITH_<cipher>_<hash>,
// or TLS_<cipher>_<hash> in TLS 1.3 (RFC 9846 appendix B.4).
func parseSuite(id uint16, name string) Suite {
	s := Suite{ID: id, Name: name}
	rest := strings.TrimPrefix(strings.TrimPrefix(name, "TLS_"), "SSL_")
	exchange, cipher, older := strings.Cut(rest, "_WITH_")
	if older {
		s.KeyExchange, s.Auth, s.Export = parseExchange(exchange)
	} else {
		cipher, s.TLS13 = rest, true
	}
	if strings.Contains(cipher, "_MGM_") { // RFC 9367 kept the older form of name
		s.KeyExchange, s.Auth, s.TLS13 = "", "", true
	}
	s.parseCipher(strings.Split(strings.TrimSuffix(cipher, "_OLD"), "_"))
	return s
}

func parseExchange(text string) (exchange, auth string, export bool) {
	parts := strings.Split(text, "_")
	if last := parts[len(parts)-1]; strings.HasPrefix(last, "EXPORT") {
		parts, export = parts[:len(parts)-1], true
	}
	switch first := parts[0]; {
	case slices.Contains(parts, "PSK"):
		return "PSK", "PSK", export
	case first == "SRP", first == "KRB5", first == "ECCPWD":
		return first, first, export
	case strings.HasPrefix(first, "GOST"):
		return "GOST", "GOST", export
	case len(parts) > 1 && parts[1] != "FIPS":
		return first, parts[1], export
	default:
		return first, first, export
	}
}

func (s *Suite) parseCipher(parts []string) {
	s.Cipher = parts[0]
	if last := parts[len(parts)-1]; strings.HasPrefix(last, "SHA") || last == "MD5" || last == "SM3" {
		s.Hash = last
	}
	for i, p := range parts {
		switch p {
		case "GCM", "POLY1305", "MGM":
			s.Mode, s.AEAD = p, true
		case "CCM":
			s.Mode, s.AEAD = p, true
			if i+1 < len(parts) && parts[i+1] == "8" {
				s.Mode = "CCM_8"
			}
		case "CBC":
			s.Mode = p
		case "40", "56", "128", "256", "128L":
			s.Bits, _ = strconv.Atoi(strings.TrimSuffix(p, "L"))
		}
	}
	switch s.Cipher {
	case "SHA256", "SHA384": // integrity without encryption (RFC 9150)
		s.Cipher = "NULL"
	case "DES40":
		s.Cipher, s.Bits = "DES", 40
	case "DES":
		if s.Bits == 0 {
			s.Bits = 56
		}
	case "3DES":
		s.Bits = 112
	case "IDEA", "SEED", "SM4":
		s.Bits = 128
	case "AEGIS":
		s.AEAD = true
	case "CHACHA20", "28147", "KUZNYECHIK", "MAGMA":
		s.Bits = 256
	}
}
