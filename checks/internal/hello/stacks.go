package hello

import "slices"

// Stack is what a program that sends mail says in its ClientHello and what it bears of the
// answer, with the defaults of its package and without any authentication: a sender of today.
type Stack struct {
	ID, Name string

	Versions []uint16
	Suites   []uint16
	Groups   []uint16
	Shares   []uint16 // groups of which it sends a share at once
	Schemes  []uint16
	Ask      []uint16 // further extensions that we can send too
	Names    bool     // it names the host without being told to

	MaxCertificates int  // octets of the Certificate message that it reads
	MinDH           int  // bits of the shortest Diffie-Hellman prime that it takes
	KeyUsage        bool // it breaks off where the keyUsage of the leaf does not allow the handshake
	ModernSigners   bool // it does not take SHA-1 for the signature of a handshake below TLS 1.2
	Parses          bool // it breaks off where it cannot parse the leaf, as crypto/x509 does
	Measured        string
}

const today = "Debian 12, 2026-11: "

// Stacks are senders of today. The hellos were recorded by a server that does nothing else;
// the bounds were tried against OpenSSL's s_server with such certificates and parameters.
// testdata/real/tls holds this table to what is installed there.
//
// Schannel and the large providers are not in it: nothing here could be measured of them.
var Stacks = []Stack{
	{
		ID: "postfix", Name: "Postfix with OpenSSL 3.0",
		Versions: []uint16{TLS13, TLS12, TLS11, TLS10},
		Suites: []uint16{
			0x1302, 0x1303, 0x1301, 0x00A7, 0x006D, 0x00C5, 0xC019, 0x003A, 0x0089, 0xC02C, 0xC030, 0x00A3,
			0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC0AF, 0xC0AD, 0xC0A3, 0xC09F, 0xC05D, 0xC061, 0xC057, 0xC053,
			0xC024, 0xC028, 0x006B, 0x006A, 0xC073, 0xC077, 0x00C4, 0x00C3, 0xC00A, 0xC014, 0x0039, 0x0038,
			0x0088, 0x0087, 0x009D, 0xC0A1, 0xC09D, 0xC051, 0x003D, 0x00C0, 0x0035, 0x0084, 0x00A6, 0x006C,
			0x00BF, 0xC018, 0x0034, 0x0046, 0xC02B, 0xC02F, 0x00A2, 0x009E, 0xC0AE, 0xC0AC, 0xC0A2, 0xC09E,
			0xC05C, 0xC060, 0xC056, 0xC052, 0xC023, 0xC027, 0x0067, 0x0040, 0xC072, 0xC076, 0x00BE, 0x00BD,
			0xC009, 0xC013, 0x0033, 0x0032, 0x0045, 0x0044, 0x009C, 0xC0A0, 0xC09C, 0xC050, 0x003C, 0x00BA,
			0x002F, 0x0041, 0x00FF,
		},
		Groups: []uint16{29, 30, 23, 25, 24},
		Schemes: []uint16{
			0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806, 0x0401,
			0x0501, 0x0601, 0x0303, 0x0203, 0x0301, 0x0201, 0x0302, 0x0202, 0x0402, 0x0502, 0x0602,
		},
		Shares: []uint16{X25519}, Ask: []uint16{ExtSessionTicket, ExtEncryptThenMAC, ExtExtendedMasterSecret},
		MaxCertificates: 100 << 10, MinDH: 1024, // OpenSSL 3 takes no less at any level
		Measured: today + "Postfix 3.7.11, smtp_tls_security_level = may, OpenSSL 3.0 at security level 0",
	},
	{
		ID: "exim", Name: "Exim with GnuTLS 3.7",
		Versions: []uint16{TLS13, TLS12, TLS11, TLS10},
		Suites: []uint16{
			0x1302, 0x1303, 0x1301, 0x1304, 0xC02C, 0xCCA9, 0xC0AD, 0xC00A, 0xC02B, 0xC0AC, 0xC009, 0xC030,
			0xCCA8, 0xC014, 0xC02F, 0xC013, 0x009D, 0xC09D, 0x0035, 0x009C, 0xC09C, 0x002F, 0x009F, 0xCCAA,
			0xC09F, 0x0039, 0x009E, 0xC09E, 0x0033,
		},
		Groups: []uint16{23, 24, 25, 29, 30, 256, 257, 258, 259, 260},
		Schemes: []uint16{
			0x0401, 0x0809, 0x0804, 0x0403, 0x0807, 0x0501, 0x080A, 0x0805, 0x0503, 0x0808, 0x0601, 0x080B,
			0x0806, 0x0603, 0x0201, 0x0203,
		},
		Shares: []uint16{P256, X25519}, Ask: []uint16{ExtStatusRequest, ExtEncryptThenMAC, ExtExtendedMasterSecret, ExtSessionTicket, ExtRenegotiationInfo},
		MaxCertificates: 128 << 10, MinDH: 1024, KeyUsage: true,
		Measured: today + "Exim 4.96 and gnutls-cli, GnuTLS 3.7.9, priorities NORMAL; the prime is tls_dh_min_bits",
	},
	{
		ID: "opensmtpd", Name: "OpenSMTPD with OpenSSL 3.0",
		Versions: []uint16{TLS13, TLS12, TLS11, TLS10},
		Suites: []uint16{
			0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0x00A3, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC0AF, 0xC0AD,
			0xC0A3, 0xC09F, 0xC05D, 0xC061, 0xC057, 0xC053, 0xC02B, 0xC02F, 0x00A2, 0x009E, 0xC0AE, 0xC0AC,
			0xC0A2, 0xC09E, 0xC05C, 0xC060, 0xC056, 0xC052, 0xC024, 0xC028, 0x006B, 0x006A, 0xC073, 0xC077,
			0x00C4, 0x00C3, 0xC023, 0xC027, 0x0067, 0x0040, 0xC072, 0xC076, 0x00BE, 0x00BD, 0xC00A, 0xC014,
			0x0039, 0x0038, 0x0088, 0x0087, 0xC009, 0xC013, 0x0033, 0x0032, 0x0045, 0x0044, 0x009D, 0xC0A1,
			0xC09D, 0xC051, 0x009C, 0xC0A0, 0xC09C, 0xC050, 0x003D, 0x00C0, 0x003C, 0x00BA, 0x0035, 0x0084,
			0x002F, 0x0041, 0x00FF,
		},
		Groups: []uint16{29, 23, 30, 25, 24, 256, 257, 258, 259, 260},
		Schemes: []uint16{
			0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806, 0x0401,
			0x0501, 0x0601, 0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602,
		},
		Shares: []uint16{X25519}, Ask: []uint16{ExtEncryptThenMAC, ExtExtendedMasterSecret},
		MaxCertificates: 100 << 10, MinDH: 2048, ModernSigners: true,
		Measured: today + "OpenSMTPD 6.8.0p2, OpenSSL 3.0 at security level 2",
	},
	{
		ID: "go", Name: "Go’s crypto/tls",
		Versions: []uint16{TLS13, TLS12},
		Suites: []uint16{
			0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014, 0x1301, 0x1302,
			0x1303,
		},
		Groups: []uint16{0x11EC, 0x11EB, 0x11ED, 29, 23, 24, 25},
		Schemes: []uint16{
			0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603,
		},
		Shares: []uint16{0x11EC, X25519}, Ask: []uint16{ExtRenegotiationInfo, ExtExtendedMasterSecret, 18, ExtStatusRequest},
		Names: true, MaxCertificates: 256 << 10, Parses: true,
		Measured: "Go 1.26, the first handshake of this program",
	},
}

// StackOf returns the stack with that id.
func StackOf(id string) (Stack, bool) {
	i := slices.IndexFunc(Stacks, func(s Stack) bool { return s.ID == id })
	if i < 0 {
		return Stack{}, false
	}
	return Stacks[i], true
}

// Hello is the stack's ClientHello, with a share of its first group that is a curve. The name
// goes with it only where the stack sends one.
func (s Stack) Hello(host string) *Hello {
	h := &Hello{Version: TLS12, Versions: s.Versions, Suites: s.Suites, Groups: s.Groups, Schemes: s.Schemes, Ask: s.Ask, Share: X25519}
	if s.Names {
		h.ServerName = host
	}
	return h
}
