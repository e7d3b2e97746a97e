package egress

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"code.dny.dev/ssrf"
)

// registered are all entries of IANA's special-purpose registries, iana-ipv4-special-registry
// and iana-ipv6-special-registry, as of 2025-10, and multicast. Some lie within others.
var registered = []struct{ block, name, rfc string }{
	{"0.0.0.0/8", "this network", "RFC 791"},
	{"0.0.0.0/32", "this host on this network", "RFC 1122"},
	{"10.0.0.0/8", "private use", "RFC 1918"},
	{"100.64.0.0/10", "shared address space", "RFC 6598"},
	{"127.0.0.0/8", "loopback", "RFC 1122"},
	{"169.254.0.0/16", "link local, with the metadata service of clouds", "RFC 3927"},
	{"172.16.0.0/12", "private use", "RFC 1918"},
	{"192.0.0.0/24", "IETF protocol assignments", "RFC 6890"},
	{"192.0.0.0/29", "IPv4 service continuity", "RFC 7335"},
	{"192.0.0.8/32", "dummy address", "RFC 7600"},
	{"192.0.0.9/32", "PCP anycast, globally reachable", "RFC 7723"},
	{"192.0.0.10/32", "TURN anycast, globally reachable", "RFC 8155"},
	{"192.0.0.170/32", "NAT64 discovery", "RFC 8880"},
	{"192.0.0.171/32", "NAT64 discovery", "RFC 8880"},
	{"192.0.2.0/24", "documentation", "RFC 5737"},
	{"192.31.196.0/24", "AS112, globally reachable", "RFC 7535"},
	{"192.52.193.0/24", "AMT, globally reachable", "RFC 7450"},
	{"192.88.99.0/24", "6to4 relay anycast, deprecated", "RFC 7526"},
	{"192.168.0.0/16", "private use", "RFC 1918"},
	{"192.175.48.0/24", "AS112, globally reachable", "RFC 7534"},
	{"198.18.0.0/15", "benchmarking", "RFC 2544"},
	{"198.51.100.0/24", "documentation", "RFC 5737"},
	{"203.0.113.0/24", "documentation", "RFC 5737"},
	{"224.0.0.0/4", "multicast", "RFC 5771"},
	{"240.0.0.0/4", "reserved", "RFC 1112"},
	{"255.255.255.255/32", "limited broadcast", "RFC 919"},

	{"::1/128", "loopback", "RFC 4291"},
	{"::/128", "unspecified", "RFC 4291"},
	{"::ffff:0:0/96", "IPv4-mapped", "RFC 4291"},
	{"64:ff9b::/96", "NAT64, globally reachable", "RFC 6052"},
	{"64:ff9b:1::/48", "NAT64 for local use", "RFC 8215"},
	{"100::/64", "discard only", "RFC 6666"},
	{"100:0:0:1::/64", "dummy prefix", "RFC 9780"},
	{"2001::/23", "IETF protocol assignments", "RFC 2928"},
	{"2001::/32", "Teredo", "RFC 4380"},
	{"2001:1::1/128", "PCP anycast, globally reachable", "RFC 7723"},
	{"2001:1::2/128", "TURN anycast, globally reachable", "RFC 8155"},
	{"2001:1::3/128", "DNS-SD registration anycast, globally reachable", "RFC 9665"},
	{"2001:2::/48", "benchmarking", "RFC 5180"},
	{"2001:3::/32", "AMT, globally reachable", "RFC 7450"},
	{"2001:4:112::/48", "AS112, globally reachable", "RFC 7535"},
	{"2001:10::/28", "ORCHID, deprecated", "RFC 4843"},
	{"2001:20::/28", "ORCHIDv2, globally reachable", "RFC 7343"},
	{"2001:30::/28", "drone identifiers, globally reachable", "RFC 9374"},
	{"2001:db8::/32", "documentation", "RFC 3849"},
	{"2002::/16", "6to4", "RFC 3056"},
	{"2620:4f:8000::/48", "AS112, globally reachable", "RFC 7534"},
	{"3fff::/20", "documentation", "RFC 9637"},
	{"5f00::/16", "SRv6 identifiers", "RFC 9602"},
	{"fc00::/7", "unique local", "RFC 4193"},
	{"fe80::/10", "link local", "RFC 4291"},
	{"ff00::/8", "multicast", "RFC 4291"},
}

// last returns the last address of a block.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Both ends of every registered block are refused, and the addresses beside it are refused
// only if they have a reason of their own.
func TestTheRegistriesOfSpecialPurposeAddresses(t *testing.T) {
	reason := func(a netip.Addr) string {
		for _, r := range registered {
			if netip.MustParsePrefix(r.block).Contains(a) {
				return r.name
			}
		}
		if a.Is6() && a.As16()[0]>>5 != 1 {
			return "not global unicast (RFC 4291)"
		}
		return ""
	}
	open := 0
	for _, r := range registered {
		p := netip.MustParsePrefix(r.block)
		if p != p.Masked() {
			t.Fatalf("%s is no block", r.block)
		}
		for _, a := range []netip.Addr{p.Addr(), last(p)} {
			if Special(a) == "" {
				t.Errorf("%v of %s (%s, %s) passes the wall", a, r.block, r.name, r.rfc)
			}
		}
		for _, a := range []netip.Addr{p.Addr().Prev(), last(p).Next()} {
			if !a.IsValid() {
				continue // the block begins or ends with the address space
			}
			switch why, want := Special(a), reason(a); {
			case want != "" && why == "":
				t.Errorf("%v beside %s passes the wall: it is %s", a, r.block, want)
			case want == "" && why != "":
				t.Errorf("%v beside %s is refused as %q and is an ordinary address", a, r.block, why)
			case want == "":
				open++
			}
		}
	}
	if open < 30 {
		t.Errorf("only %d neighbours are ordinary addresses: the table proves little", open)
	}
}

// What an independent list of the same registries refuses is refused here, and nothing that
// the wall refuses is allowed there. The two differ in no block.
func TestAnIndependentListAgrees(t *testing.T) {
	guard := ssrf.New(ssrf.WithPorts(25))
	refusedThere := func(a netip.Addr) bool {
		network := "tcp6"
		if a.Is4() {
			network = "tcp4"
		}
		return guard.Safe(network, netip.AddrPortFrom(a, 25).String(), nil) != nil
	}
	agree := func(a netip.Addr) {
		t.Helper()
		if here, there := Special(a) != "", refusedThere(a); here != there {
			t.Errorf("%v: refused here %v (%s), by the other list %v", a, here, Special(a), there)
		}
	}
	lists := append(append([]netip.Prefix{}, ssrf.IPv4DeniedPrefixes...), ssrf.IPv6DeniedPrefixes...)
	lists = append(lists, ssrf.IPv6NAT64Prefix, ssrf.IPv6GlobalUnicast)
	for _, b := range append(special4, special6...) {
		lists = append(lists, b.prefix)
	}
	for _, r := range registered {
		lists = append(lists, netip.MustParsePrefix(r.block))
	}
	asked := 0
	for _, p := range lists {
		for _, a := range []netip.Addr{p.Addr().Prev(), p.Addr(), last(p), last(p).Next()} {
			if a.IsValid() {
				agree(a)
				asked++
			}
		}
	}
	for i := range uint64(1 << 12) { // one address in each /12 of IPv4 and of IPv6
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], i<<52|0x0007_5555_5555_5555)
		agree(netip.AddrFrom4([4]byte(b[:4])))
		agree(netip.AddrFrom16(b))
		asked += 2
	}
	if asked < 8000 || len(ssrf.IPv4DeniedPrefixes) < 18 {
		t.Errorf("%d addresses compared with %d blocks: the other list is not what it was", asked, len(ssrf.IPv4DeniedPrefixes))
	}
}

// One address has many spellings. Those that reach the wall are refused whatever they stand
// for, and those that are no addresses to netip never become a peer.
func TestSpellingsOfTheSameMachine(t *testing.T) {
	d := New(Config{})
	for a, why := range map[string]string{
		"127.0.0.1":                  "as it is",
		"::ffff:127.0.0.1":           "mapped",
		"::ffff:7f00:1":              "mapped, in hexadecimal",
		"::ffff:0:127.0.0.1":         "translated (RFC 2765)",
		"::127.0.0.1":                "compatible, deprecated (RFC 4291 §2.5.5.1)",
		"64:ff9b::127.0.0.1":         "NAT64",
		"64:ff9b::8.8.8.8":           "NAT64 of a public address: what it leads to is not ours to know",
		"64:ff9b:1:7f00:0:100::":     "NAT64 for local use, /48 form",
		"2002:7f00:1::1":             "6to4 of loopback",
		"2001:0:4136:e378:8000::1":   "Teredo",
		"fe80::1%lo":                 "with a zone",
		"2a00:1450::1%eth0":          "a public one with a zone",
		"0.0.0.0":                    "means this host to the kernel",
		"::":                         "means this host to the kernel",
		"::1":                        "loopback",
		"0:0:0:0:0:0:0:1":            "loopback, written out",
		"fec0::1":                    "site local, deprecated (RFC 3879)",
		"255.255.255.255":            "broadcast",
		"169.254.169.254":            "metadata of clouds",
		"fd00:ec2::254":              "metadata of clouds over IPv6",
		"100.100.100.200":            "metadata of a cloud in shared address space",
		"2001:db8:0:0:0:0:127.0.0.1": "documentation",
	} {
		if err := d.Vet(netip.MustParseAddr(a)); Kind(err) != "forbidden" {
			t.Errorf("%s (%s): %v", a, why, err)
		}
	}
	for _, s := range []string{"2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.01", "0300.0250.0.1", "127.0.0.1.", "[127.0.0.1]", "①②⑦.0.0.1"} {
		if a, err := netip.ParseAddr(s); err == nil {
			t.Errorf("%s is read as the address %v", s, a)
		}
	}
	if err := d.Vet(netip.Addr{}); Kind(err) != "forbidden" {
		t.Errorf("no address at all: %v", err)
	}
}

// --allow-net opens one network, and no other road into it.
func TestAnAllowedNetworkOpensThatNetworkOnly(t *testing.T) {
	var p pipe
	d := New(Config{Dial: p.dial, Allow: []netip.Prefix{netip.MustParsePrefix("127.77.0.0/16"), netip.MustParsePrefix("fd77::/64")}})
	for _, c := range []struct {
		why, addr string
		passes    bool
	}{
		{"the first address of the network", "127.77.0.0", true},
		{"the last address of the network", "127.77.255.255", true},
		{"the address before it", "127.76.255.255", false},
		{"the address behind it", "127.78.0.0", false},
		{"a network that is private too", "10.77.0.1", false},
		{"NAT64 of it", "64:ff9b::127.77.0.1", false},
		{"6to4 of it", "2002:7f4d:1::1", false},
		{"compatible form of it", "::127.77.0.1", false},
		{"an IPv6 network that was allowed", "fd77::25", true},
		{"the one beside it", "fd77:0:0:1::25", false},
		{"with a zone it may be another machine", "fd77::25%eth0", false},
		{"a public address needs no permission", "198.41.0.4", true},
	} {
		a := netip.MustParseAddr(c.addr)
		if err := d.Vet(a); (err == nil) != c.passes {
			t.Errorf("%s, %s: %v", c.addr, c.why, err)
		}
		before := p.dials.Load()
		conn, err := d.Peer(netip.AddrPortFrom(a, 25)).Dial(t.Context())
		if (err == nil) != c.passes || (p.dials.Load() > before) != c.passes {
			t.Errorf("%s, %s: dialled %v, %v", c.addr, c.why, p.dials.Load() > before, err)
		}
		if conn != nil {
			conn.Close()
		}
	}

	mapped := netip.MustParseAddr("::ffff:127.77.0.1")
	if d.Vet(mapped) == nil {
		t.Error("the mapped form passes as it stands")
	}
	peer := d.Peer(netip.AddrPortFrom(mapped, 25)) // is the IPv4 address, and dialled as that
	if conn, err := peer.Dial(t.Context()); err != nil {
		t.Errorf("canonical form of the mapped one: %v", err)
	} else if conn.Close(); peer.Addr.String() != "127.77.0.1:25" {
		t.Errorf("the mapped form is dialled as %v", peer.Addr)
	}
	if _, err := d.Peer(netip.MustParseAddrPort("[::ffff:127.0.0.1]:25")).Dial(t.Context()); Kind(err) != "forbidden" {
		t.Errorf("mapped loopback outside the allowed network: %v", err)
	}

	all := New(Config{Dial: p.dial, Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}})
	if _, err := all.Peer(netip.MustParseAddrPort("[::ffff:127.0.0.1]:25")).Dial(t.Context()); Kind(err) != "forbidden" {
		t.Errorf("all of IPv6 is allowed, and with it IPv4 loopback: %v", err)
	}
}

// Every reason is one that a person can look up.
func TestReasonsNameTheirSource(t *testing.T) {
	for _, b := range append(special4, special6...) {
		if why := Special(b.prefix.Addr()); why != b.why || !strings.Contains(why, "(RFC ") {
			t.Errorf("%v: %q", b.prefix, why)
		}
	}
}
