package lab

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/report"
)

// world is one domain of the lab with its servers.
type world struct {
	name    string
	net     byte          // its servers have addresses 127.77.net.1 and so on
	letter  report.Letter // empty for scenery: zones that others need and nobody looks at
	shows   string
	rules   string // ids, separated by blanks
	zone    signing
	inTLD   bool       // its records stand in the zone test. itself
	dead    bool       // no name server answers for it
	broken  string     // a name in it whose look-up fails, for one type alone where that stands behind it
	servers []delegate // its name servers, where it has some of its own; only the resolver meets dead and broken then
	records string     // in zone-file form; {host} stands for an address, {host/2} for its second, {host 3 1 1} for TLSA data
	hosts   []host
	policy  *policy
}

// host is one mail server of a world. Two of one name are one server with two addresses;
// as keys follow from names, their certificates are the same unless serves says other.
type host struct {
	name   string     // in the zone; @ for the domain itself
	ip     string     // the next address of the world if empty
	serves []identity // its certificates, the preferred one first; a good one if nil
	hole   bool       // packets to it vanish
	mail
}

func (w *world) origin() string { return w.name + "." }

// full returns a name in w without the trailing dot.
func (w *world) full(name string) string {
	if name == "@" {
		return w.name
	}
	return name + "." + w.name
}

// addr returns the address of the nth server, or the one it asks for.
func (w *world) addr(n int, ip string) netip.Addr {
	if ip != "" {
		return netip.MustParseAddr(ip)
	}
	return netip.AddrFrom4([4]byte{127, 77, w.net, byte(n + 1)})
}

// modern is a configuration without fault: TLS 1.2 and 1.3, forward secrecy, AEAD.
func modern(certs []tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: certs,
		MinVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		},
	}
}

var placeholder = regexp.MustCompile(`\{(\S+?)(?: ([0-9]+) ([0-9]+) ([0-9]+))?\}`)

// fill puts addresses and TLSA data into the records. {next …} stands for a key that is
// not yet in use.
func (w *world) fill(addrs map[string]netip.Addr, served map[string][]tls.Certificate) (string, error) {
	var failed error
	text := placeholder.ReplaceAllStringFunc(w.records, func(s string) string {
		part := placeholder.FindStringSubmatch(s)
		name, params := part[1], part[2:]
		if params[0] == "" {
			if addr, ok := addrs[name]; ok {
				return addr.String()
			}
			failed = fmt.Errorf("lab: %s has no server %s", w.name, name)
			return s
		}
		spki, whole := nextKey(w.name), []byte(nil)
		if name != "next" {
			if served[name] == nil {
				failed = fmt.Errorf("lab: %s has no server %s", w.name, name)
				return s
			}
			chain := served[name][0].Certificate
			der := chain[0]
			if params[0] == "0" || params[0] == "2" {
				der = chain[len(chain)-1]
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				failed = err
				return s
			}
			spki, whole = cert.RawSubjectPublicKeyInfo, cert.Raw
		}
		return strings.Join(params, " ") + " " + association(spki, whole, params[1], params[2])
	})
	return text, failed
}

func nextKey(name string) []byte {
	spki, _ := x509.MarshalPKIXPublicKey(ecdsaKey("next " + name).Public()) // cannot fail: the key is on P-256
	return spki
}

// association is the data of a TLSA record (RFC 6698 §2.1): selector 0 takes the whole
// certificate, matching type 1 SHA-256, 2 SHA-512, any other the octets themselves.
func association(spki, whole []byte, selector, matching string) string {
	data := spki
	if selector == "0" {
		data = whole
	}
	switch matching {
	case "1":
		digest := sha256.Sum256(data)
		data = digest[:]
	case "2":
		digest := sha512.Sum512(data)
		data = digest[:]
	}
	return hex.EncodeToString(data)
}

// many returns n hosts mx1, mx2 …, which share a wildcard certificate, and their records.
func many(n int, domain string) (hosts []host, records string) {
	for i := range n {
		name := "mx" + strconv.Itoa(i+1)
		hosts = append(hosts, host{name: name, serves: []identity{{names: []string{"*." + domain}}}})
		records += fmt.Sprintf("@ MX %d %s\n%s A {%s}\n", 10*(i+1), name, name, name)
	}
	return hosts, records
}

// enforce returns the lines of a policy in mode enforce for four weeks.
func enforce(mx ...string) []string { return policyLines("enforce", 2419200, mx...) }

func policyLines(mode string, maxAge int, mx ...string) []string {
	lines := []string{"version: STSv1", "mode: " + mode}
	for _, name := range mx {
		lines = append(lines, "mx: "+name)
	}
	return slices.Concat(lines, []string{"max_age: " + strconv.Itoa(maxAge)})
}
