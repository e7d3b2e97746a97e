package world

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Pits is the domain of which every child has one mail server, a tarpit of Tarpits. Slow has
// one mail server that means well and is slow. Every child of Crowding names ten, all of which
// are the victim's: by its own name and by nine others.
const (
	Pits     = "pits.mail.certificate.test"
	Slow     = "victim.mail.certificate.test"
	Crowding = "crowding.mail.certificate.test"
)

// slowly is how long the victim's server takes to greet.
const slowly = 500 * time.Millisecond

var victimAddr = netip.AddrFrom4([4]byte{127, 78, 4, 1})

// OpenVictim opens the mail server of the domain Slow.
func (w *World) OpenVictim() error {
	certificate, err := w.ca.issue("mx." + Slow)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	return w.listen(victimAddr, w.options.SMTPPort, func(c net.Conn) {
		time.Sleep(slowly)
		polite(c, config)
	})
}

// shareNames gives the records of Pits, Slow and Crowding, and of what is below them.
func shareNames(labels []string, qtype uint16, give func(...string)) {
	name := strings.Join(labels, ".") + "." + unsigned
	below := func(domain string) (string, bool) { return strings.CutSuffix(name, "."+domain+".") }
	if child, ok := below(Pits); ok {
		if n, err := strconv.Atoi(child); err == nil && qtype == dns.TypeMX {
			give(fmt.Sprintf("MX 10 t%d.%s.", n%10, Tarpits))
		}
		return
	}
	if child, ok := below(Crowding); ok {
		switch first, _, sub := strings.Cut(child, "."); {
		case qtype == dns.TypeMX && !sub:
			lines := []string{"MX 10 mx." + Slow + "."}
			for i := range 9 {
				lines = append(lines, fmt.Sprintf("MX 10 h%d.%s", i, name))
			}
			give(lines...)
		case qtype == dns.TypeA && sub && first[0] == 'h':
			give("A " + victimAddr.String())
		}
		return
	}
	switch {
	case name == Slow+"." && qtype == dns.TypeMX:
		give("MX 10 mx." + Slow + ".")
	case name == "mx."+Slow+"." && qtype == dns.TypeA:
		give("A " + victimAddr.String())
	}
}
