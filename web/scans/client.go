package scans

import "net/netip"

// Client is who asks, as far as limits and the audit log need to know. The zero Client is the
// program itself, which no limit of clients binds.
type Client struct {
	By   string     // form, api; empty for the program itself
	Addr netip.Addr // invalid where it is unknown: such clients are one
}

// ourselves is the network of the program itself, which no client has.
var ourselves = netip.MustParsePrefix("0.0.0.0/0")

// Network is the client as one of the Shares: itself, or the network around it. It is the
// zero prefix for unknown clients.
func (c Client) Network(share int) netip.Prefix {
	if c.By == "" {
		return ourselves
	}
	a, bits := c.Addr.Unmap().WithZone(""), Shares[share].V6
	if a.Is4() {
		bits = Shares[share].V4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (c Client) keys() (list [len(Shares)]key) {
	for i := range list {
		list[i] = key{i, c.Network(i)}
	}
	return list
}

// Shares are the networks that count as one, and how many clients' worth each has: the length
// of their prefix in IPv4 and in IPv6. An IPv6 client is its /64 (RFC 4291 §2.5.4). Who has a
// /48 has 65,536 of them and gets twice as much as one: enough for an office, too little to
// take the whole instance. In a /24 of IPv4 there may be many who do not know each other.
var Shares = [...]struct{ V4, V6, Worth int }{{32, 64, 1}, {32, 48, 2}, {24, 48, 4}}

const (
	smallest = 0               // the share of a client
	largest  = len(Shares) - 1 // that of the network around it
)

// key is one network as one of the shares.
type key struct {
	share int
	net   netip.Prefix
}
