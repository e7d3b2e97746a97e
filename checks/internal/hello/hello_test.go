package hello

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// parsed is what a server reads of a ClientHello.
type parsed struct {
	record, version uint16
	length          int // of the handshake message
	session         []byte
	suites          []uint16
	compression     []byte
	extensions      map[uint16][]byte
	order           []uint16
}

func parse(t *testing.T, b []byte) parsed {
	t.Helper()
	var p parsed
	s := cryptobyte.String(b)
	var kind uint8
	var rec, msg, suites, session, compression, extensions cryptobyte.String
	var random []byte
	if !s.ReadUint8(&kind) || kind != 22 || !s.ReadUint16(&p.record) || !s.ReadUint16LengthPrefixed(&rec) || !s.Empty() {
		t.Fatalf("no record: %x", b)
	}
	p.length = len(rec)
	if !rec.ReadUint8(&kind) || kind != 1 || !rec.ReadUint24LengthPrefixed(&msg) || !rec.Empty() ||
		!msg.ReadUint16(&p.version) || !msg.ReadBytes(&random, 32) || !msg.ReadUint8LengthPrefixed(&session) ||
		!msg.ReadUint16LengthPrefixed(&suites) || !msg.ReadUint8LengthPrefixed(&compression) {
		t.Fatalf("no ClientHello: %x", b)
	}
	p.session, p.compression, p.extensions = session, compression, map[uint16][]byte{}
	for !suites.Empty() {
		var id uint16
		suites.ReadUint16(&id)
		p.suites = append(p.suites, id)
	}
	if !msg.Empty() && (!msg.ReadUint16LengthPrefixed(&extensions) || !msg.Empty()) {
		t.Fatalf("no extensions: %x", b)
	}
	for !extensions.Empty() {
		var id uint16
		var body cryptobyte.String
		if !extensions.ReadUint16(&id) || !extensions.ReadUint16LengthPrefixed(&body) {
			t.Fatalf("bad extension: %x", b)
		}
		p.extensions[id] = body
		p.order = append(p.order, id)
	}
	return p
}

func TestClientHello(t *testing.T) {
	h := &Hello{Version: TLS12, Suites: []uint16{0xC02F, 0x0003}, ServerName: "mx.example.test", Groups: []uint16{29, 23},
		Schemes: []uint16{0x0401}, Compression: true, Ask: []uint16{ExtRenegotiationInfo, ExtHeartbeat, ExtStatusRequest, ExtSessionTicket}}
	b, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, b)
	if p.record != TLS10 || p.version != TLS12 || len(p.session) != 0 || !slices.Equal(p.suites, h.Suites) || !slices.Equal(p.compression, []byte{1, 0}) {
		t.Errorf("fields: %+v", p)
	}
	for id, want := range map[uint16]string{
		ExtServerName: "\x00\x12\x00\x00\x0fmx.example.test", ExtRenegotiationInfo: "\x00", ExtHeartbeat: "\x02", ExtSessionTicket: "",
		ExtStatusRequest: "\x01\x00\x00\x00\x00", ExtSupportedGroups: "\x00\x04\x00\x1d\x00\x17", ExtPointFormats: "\x01\x00", ExtSignatureAlgorithms: "\x00\x02\x04\x01",
	} {
		if got, ok := p.extensions[id]; !ok || string(got) != want {
			t.Errorf("extension %d: %q, want %q", id, got, want)
		}
	}
	if _, ok := p.extensions[ExtKeyShare]; ok {
		t.Error("a TLS 1.2 hello has a key share")
	}
}

func TestClientHello13(t *testing.T) {
	h := &Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1301}, Groups: []uint16{0x11EC, X25519}}
	b, _ := h.Marshal()
	p := parse(t, b)
	if len(p.session) != 32 || string(p.extensions[ExtKeyShare]) != "\x00\x00" || string(p.extensions[ExtSupportedVersions]) != "\x02\x03\x04" || !slices.Equal(p.compression, []byte{0}) {
		t.Errorf("without a share: %+v", p)
	}
	h.Share = X25519
	b, _ = h.Marshal()
	if p = parse(t, b); len(p.extensions[ExtKeyShare]) != 2+2+2+32 {
		t.Errorf("share: %x", p.extensions[ExtKeyShare])
	}
}

func TestSSL3HasNoExtensions(t *testing.T) {
	h := &Hello{Version: SSL3, Suites: []uint16{0x0003}, ServerName: "mx.example.test", Groups: []uint16{29}}
	b, _ := h.Marshal()
	p := parse(t, b)
	if p.record != SSL3 || len(p.order) > 0 || !slices.Equal(p.suites, []uint16{0x0003, renegotiationSCSV}) {
		t.Errorf("%+v", p)
	}
}

// Lengths that hang old servers never leave the house, whatever is offered.
func TestPadding(t *testing.T) {
	all := Offers(TLS12)
	for n := 1; n <= len(all); n++ {
		h := &Hello{Version: TLS12, ServerName: "mx.example.test"}
		for _, s := range all[:n] {
			h.Suites = append(h.Suites, s.ID)
		}
		b, err := h.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if l := parse(t, b).length; l >= 256 && l < 512 || l%256 == 10 || l%256 == 14 {
			t.Errorf("%d suites make a hello of %d bytes", n, l)
		}
	}
}

func TestTooLongForItsField(t *testing.T) {
	if _, err := (&Hello{Version: TLS12, Suites: make([]uint16, 40000)}).Marshal(); err == nil {
		t.Error("80,000 bytes of suites were marshalled")
	}
}

// Go's own server understands what is sent, and its answer is understood.
func TestExchangeWithGo(t *testing.T) {
	cert := goCertificate(t)
	for _, test := range []struct {
		why   string
		hello Hello
		want  string
	}{
		{"TLS 1.2", Hello{Version: TLS12, Suites: []uint16{0xC02B}, Groups: []uint16{23}, Schemes: []uint16{0x0403}, Ask: []uint16{ExtExtendedMasterSecret}},
			"TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 P-256 ecdsa_secp256r1_sha256 certs 1 ext 2 complete"},
		{"TLS 1.3 with a share", Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1303}, Groups: []uint16{X25519}, Share: X25519, Schemes: []uint16{0x0403}},
			"TLS1.3 TLS_CHACHA20_POLY1305_SHA256 X25519 ext 2 complete"},
		{"TLS 1.3 without", Hello{Version: TLS12, Versions: []uint16{TLS13}, Suites: []uint16{0x1302}, Groups: []uint16{0x11EC}, Schemes: []uint16{0x0403}},
			"TLS1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768 ext 2 retry complete"},
		{"what it does not have", Hello{Version: TLS12, Suites: []uint16{0x0003}}, "alert 40 (handshake_failure)"},
		{"a version it does not have", Hello{Version: TLS11, Suites: []uint16{0xC009}, Groups: []uint16{23}}, "alert 70 (protocol_version)"},
	} {
		client, server := tcp(t)
		go func() {
			tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake()
			server.Close()
		}()
		f, err := test.hello.Exchange(client)
		if got := summary(f, err); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.why, got, test.want)
		}
		client.Close()
	}
}

func tcp(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}
