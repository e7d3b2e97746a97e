package lab

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"testing/synctest"
)

// helloOffering is a ClientHello by hand, in one record.
func helloOffering(version uint16, extensions []uint16, suites ...uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, version)
	body = append(body, bytes.Repeat([]byte{7}, 32)...)
	var list, ext []byte
	for _, s := range suites {
		list = binary.BigEndian.AppendUint16(list, s)
	}
	for _, e := range extensions {
		ext = append(binary.BigEndian.AppendUint16(ext, e), vector(2, nil)...)
	}
	body = slices.Concat(body, vector(1, nil), vector(2, list), vector(1, []byte{0}))
	if extensions != nil {
		body = append(body, vector(2, ext)...)
	}
	return records(min(version, tls.VersionTLS10), message(typeClientHello, body))
}

func TestExportSuiteIsTheLastResort(t *testing.T) {
	for _, c := range []struct {
		why     string
		hello   []byte
		export  bool
		version uint16
	}{
		{"nothing but the export suite", helloOffering(tls.VersionTLS12, []uint16{renegotiationInfo, extendedMasterSecret}, rsaExportRC4), true, tls.VersionTLS12},
		{"at TLS 1.0, without extensions", helloOffering(tls.VersionTLS10, nil, 0x0004, rsaExportRC4, renegotiation), true, tls.VersionTLS10},
		{"at TLS 1.1", helloOffering(tls.VersionTLS11, nil, rsaExportRC4), true, tls.VersionTLS11},
		{"not below TLS 1.0", helloOffering(0x0300, nil, rsaExportRC4), false, 0},
		{"other weak suites only", helloOffering(tls.VersionTLS12, nil, 0x0001, 0x0004), false, 0},
		{"beside a good suite", helloOffering(tls.VersionTLS12, nil, rsaExportRC4, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := begin(t, Options{})
			conn := l.call(t, "mx.export.test")
			conn.reply()
			conn.say("STARTTLS")
			conn.Write(c.hello)
			head := make([]byte, 5)
			if _, err := io.ReadFull(conn.r, head); err != nil {
				t.Fatalf("%s: %v", c.why, err)
			}
			body := make([]byte, binary.BigEndian.Uint16(head[3:]))
			io.ReadFull(conn.r, body)
			if !c.export {
				if head[0] == recordHandshake && bytes.Contains(body, []byte{0, rsaExportRC4, 0}) {
					t.Errorf("%s: the export suite is chosen", c.why)
				}
				return
			}
			if version := binary.BigEndian.Uint16(head[1:]); head[0] != recordHandshake || version != c.version {
				t.Fatalf("%s: record %x", c.why, head)
			}
			checkFlight(t, c.version, body)
		})
	}
}

// checkFlight reads the server's flight as a client of the nineties would.
func checkFlight(t *testing.T, version uint16, flight []byte) {
	o := octets{flight, true}
	next := func(kind int) octets {
		if got := o.number(1); got != kind {
			t.Fatalf("handshake message %d, want %d", got, kind)
		}
		return octets{o.vector(3), o.ok}
	}
	hello := next(typeServerHello)
	if got := hello.number(2); got != int(version) {
		t.Errorf("version %04x", got)
	}
	random := hello.take(32)
	hello.vector(1)
	if got := hello.number(2); got != rsaExportRC4 {
		t.Errorf("suite %04x", got)
	}
	certs := next(typeCertificate)
	list := octets{certs.vector(3), true}
	leaf, err := x509.ParseCertificate(list.vector(3))
	if err != nil {
		t.Fatal(err)
	}
	exchange := next(typeServerKeyExchange)
	whole := exchange.rest
	modulus := exchange.vector(2)
	exchange.vector(2)
	if len(modulus) != 64 {
		t.Errorf("an export key of %d bits", 8*len(modulus))
	}
	signed := slices.Concat(bytes.Repeat([]byte{7}, 32), random, whole[:len(whole)-len(exchange.rest)])
	hash, digest := crypto.MD5SHA1, []byte(nil)
	if version >= tls.VersionTLS12 {
		exchange.number(2)
		sum := sha256.Sum256(signed)
		hash, digest = crypto.SHA256, sum[:]
	} else {
		md, sha := md5.Sum(signed), sha1.Sum(signed)
		digest = append(md[:], sha[:]...)
	}
	if err := rsa.VerifyPKCS1v15(leaf.PublicKey.(*rsa.PublicKey), hash, digest, exchange.vector(2)); err != nil {
		t.Errorf("signature of the export key: %v", err)
	}
	if done := next(typeServerHelloDone); len(done.rest) > 0 || len(o.rest) > 0 || !o.ok {
		t.Error("something follows ServerHelloDone")
	}
}

func TestReadHello(t *testing.T) {
	good := helloOffering(tls.VersionTLS12, []uint16{renegotiationInfo}, 1, 2, 3)
	cut := slices.Concat([]byte{22, 3, 1, 0, 9}, good[5:14], []byte{22, 3, 1}, vector(2, good[14:]))
	for _, c := range []struct {
		why  string
		raw  []byte
		good bool
	}{
		{"one record", good, true},
		{"two records", cut, true},
		{"no extensions", helloOffering(tls.VersionTLS12, nil, 3), true},
		{"an alert", []byte{21, 3, 3, 0, 2, 2, 80}, false},
		{"an empty record", []byte{22, 3, 3, 0, 0}, false},
		{"SSL 2", []byte{0x80, 0x2e, 1, 0, 2}, false},
		{"another message", records(0x301, message(typeServerHello, good[9:])), false},
		{"cut short", good[:len(good)-1], false},
		{"lengths that do not fit", records(0x301, message(typeClientHello, good[9:50])), false},
		{"too large", records(0x301, []byte{1, 0xff, 0xff, 0xff, 0}), false},
	} {
		h, raw, err := readHello(bytes.NewReader(c.raw))
		if (err == nil) != c.good {
			t.Errorf("%s: %v", c.why, err)
		}
		if c.good && (!bytes.Equal(raw, c.raw) || !h.offers(3)) {
			t.Errorf("%s: read as %+v", c.why, h)
		}
	}
}

func FuzzReadHello(f *testing.F) {
	f.Add(helloOffering(tls.VersionTLS12, []uint16{renegotiationInfo}, 1, 2, 3))
	f.Add([]byte{22, 3, 1, 0, 4, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, used, err := readHello(bytes.NewReader(raw))
		if err == nil && (h == nil || !bytes.HasPrefix(raw, used)) {
			t.Errorf("%+v of %d octets", h, len(used))
		}
	})
}
