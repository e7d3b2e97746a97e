package world

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// The domains of a list, as surveys meet them: four in five of them share the mail servers of Hosters,
// the others have mail servers of their own names on few addresses. Every second one is signed, with
// DANE.
const (
	Hosters = 500 // mail servers, in as many networks
	Pool    = 8   // addresses of those who have names of their own

	listed = "list.signed.test"
	plain  = "list.certificate.test"
)

// listedKey is the digest of the key that their mail servers have.
var listedKey atomic.Pointer[string]

// Listed is the nth domain of a list.
func Listed(n int) string { return fmt.Sprintf("%d.%s", n, listedZone(n)) }

func listedZone(n int) string {
	if n%2 == 0 {
		return listed
	}
	return plain
}

// hoster is the mail server of a domain; signed and unsigned domains have each their own.
func hoster(n int) int { return 2*((n/2+n/Hosters)%(Hosters/2)) + n%2 }

// List opens the mail servers of a list, which are so far away, and returns what counts who calls them.
func (w *World) List(trip time.Duration) (*Met, error) {
	names := []string{}
	for _, zone := range []string{listed, plain} {
		names = append(names, "*.mx."+zone, "*.own.mx."+zone)
	}
	certificate, err := w.ca.issue(names...)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	text := hex.EncodeToString(digest[:])
	listedKey.Store(&text)
	w.Trip.Store(int64(trip))
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	met := new(Met)
	for i := range Hosters + Pool {
		if err := w.listen(listedAddr(i), w.options.SMTPPort, func(c net.Conn) {
			over := met.during(c)
			far := newFar(c, trip)
			polite(far, config)
			go func() {
				defer over()
				io.Copy(io.Discard, c) // the other side may close before our last words have arrived
			}()
			far.end()
		}); err != nil {
			return nil, err
		}
	}
	return met, nil
}

// listedAddr is that of a hoster or, behind these, of the pool.
func listedAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(84 + i/250), byte(i % 250), 1})
}

// listedRecords are the records of a domain of the list, and of its mail server.
func listedRecords(name string, qtype uint16) []dns.RR {
	below, ok := strings.CutSuffix(name, "."+listed+".")
	zone := listed
	if !ok {
		if below, ok = strings.CutSuffix(name, "."+plain+"."); !ok {
			return nil
		}
		zone = plain
	}
	host, isTLSA := strings.CutPrefix(below, "_25._tcp.")
	host, isHost := strings.CutSuffix(host, ".mx")
	host, own := strings.CutSuffix(host, ".own")
	n, err := strconv.Atoi(host)
	switch {
	case err != nil || listedKey.Load() == nil:
	case !isHost && qtype == dns.TypeMX && n%5 == 4:
		return records(name, fmt.Sprintf("MX 10 %d.own.mx.%s.", n, zone))
	case !isHost && qtype == dns.TypeMX:
		return records(name, fmt.Sprintf("MX 10 %d.mx.%s.", hoster(n), zone))
	case isHost && !isTLSA && qtype == dns.TypeA && own:
		return records(name, "A "+listedAddr(Hosters+n%Pool).String())
	case isHost && !isTLSA && qtype == dns.TypeA:
		return records(name, "A "+listedAddr(n%Hosters).String())
	case isHost && isTLSA && qtype == dns.TypeTLSA && zone == listed:
		return records(name, "TLSA 3 1 1 "+*listedKey.Load())
	}
	return nil
}

// listedTypes are the types that a name of the list has.
func listedTypes(name string) (types []uint16) {
	for _, t := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeTLSA} { // ascending: a bitmap is
		if listedRecords(name, t) != nil {
			types = append(types, t)
		}
	}
	return types
}

// far is a connection whose other side is a way off: what is written arrives a round trip later, the
// first of it two, as connecting takes one.
type far struct {
	net.Conn
	trip  time.Duration
	out   chan parcel
	ended sync.WaitGroup
	first bool
}

type parcel struct {
	octets []byte
	due    time.Time
}

func newFar(c net.Conn, trip time.Duration) *far {
	f := &far{Conn: c, trip: trip, out: make(chan parcel, 64), first: true}
	f.ended.Go(func() {
		for p := range f.out {
			time.Sleep(time.Until(p.due))
			c.Write(p.octets)
		}
	})
	return f
}

// Write sends octets on their way.
func (f *far) Write(b []byte) (int, error) {
	due := time.Now().Add(f.trip)
	if f.first {
		due, f.first = due.Add(f.trip), false
	}
	f.out <- parcel{append([]byte(nil), b...), due}
	return len(b), nil
}

// end waits until all has arrived.
func (f *far) end() {
	close(f.out)
	f.ended.Wait()
	f.Conn.Close()
}
