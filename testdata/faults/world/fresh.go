package world

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"

	"github.com/miekg/dns"

	"mxseal/testdata/hostile"
)

// Fresh is the domain of which every child has ten mail servers with four addresses each, which
// show a fresh chain of 120 KB at every handshake and say as much as they may, once World.Fresh
// has opened them.
const Fresh = "fresh." + "certificate.test"

// freshNet is where half of their addresses are.
const freshNet = "fd78::/32"

// Fresh opens the mail servers of the domains 0 to n-1 below Fresh.
func (w *World) Fresh(n int) error {
	if out, err := exec.Command("ip", "-6", "route", "replace", "local", freshNet, "dev", "lo").CombinedOutput(); err != nil {
		return fmt.Errorf("no addresses of IPv6 on loopback: %w: %s", err, out)
	}
	press, err := hostile.NewPress()
	if err != nil {
		return err
	}
	config := press.Config()
	for i := range n {
		for host := range hostile.Hosts {
			for a := range hostile.Addresses {
				if err := w.listen(freshAddr(i, host, a), w.options.SMTPPort, func(c net.Conn) { hostile.Mail(c, config, hostile.Letters) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// freshAddr is an address of a mail server, IPv4 and IPv6 by turns.
func freshAddr(domain, host, n int) netip.Addr {
	if n%2 == 0 {
		return netip.AddrFrom4([4]byte{127, 82, byte(domain), byte(1 + 4*host + n)})
	}
	return netip.AddrFrom16([16]byte{0xfd, 0x78, 9: byte(domain + 1), 11: byte(host + 1), 15: byte(n)})
}

// freshRecords gives the records of N.fresh and hK.N.fresh, whose labels these are.
func freshRecords(labels []string, qtype uint16, give func(...string)) {
	n, err := strconv.Atoi(labels[max(0, len(labels)-2)])
	if err != nil {
		return
	}
	var lines []string
	switch {
	case len(labels) == 2 && qtype == dns.TypeMX:
		for host := range hostile.Hosts {
			lines = append(lines, fmt.Sprintf("MX %d h%d.%d.%s.", host, host, n, Fresh))
		}
	case len(labels) == 3 && (qtype == dns.TypeA || qtype == dns.TypeAAAA):
		host, err := strconv.Atoi(labels[0][1:])
		if err != nil || host >= hostile.Hosts {
			return
		}
		for a := range hostile.Addresses {
			if at := freshAddr(n, host, a); at.Is4() == (qtype == dns.TypeA) {
				lines = append(lines, dns.TypeToString[qtype]+" "+at.String())
			}
		}
	}
	give(lines...)
}
