package ask

import (
	"slices"
	"testing"

	"mxseal/checks/internal/hello"
	"mxseal/checks/tls/probe"
)

// A list of groups in EncryptedExtensions tells them all at once.
func TestGroupsByTheServersOwnWord(t *testing.T) {
	p := newLook(probe.New(t.Context(), 0, nil), Server{})
	p.learn("", p.only13([]uint16{0x1301}, []uint16{hello.P384}, hello.P384), probe.Answer{Flight: &hello.Flight{Version: hello.TLS13, Suite: 0x1301, Group: hello.P384,
		Groups: []uint16{0x11EC, hello.X25519, hello.P384, 0x0100, 0x3A3A}}})
	if want := []string{"P-384", "X25519MLKEM768", "X25519", "ffdhe2048"}; !slices.Equal(p.tls.Groups, want) || !p.listed {
		t.Errorf("groups %v, want %v; listed %v", p.tls.Groups, want, p.listed)
	}
}

func TestTicketsAreReadWhole(t *testing.T) {
	p := newLook(probe.New(t.Context(), 0, nil), Server{})
	f := &hello.Flight{Version: hello.TLS13}
	p.finished(&hello.Hello{}, probe.Answer{Flight: f, Tickets: []*hello.Ticket{{Lifetime: 300}, {Lifetime: 7200, EarlyData: 16384}}})
	p.finished(&hello.Hello{}, probe.Answer{Flight: f, Tickets: []*hello.Ticket{{Lifetime: 60}}})
	if e := p.tls.Features.EarlyData; e == nil || !*e || p.tls.MaxEarlyData != 16384 || p.tls.TicketLifetime != 7200 || p.past[true].ticket.Lifetime != 300 {
		t.Errorf("%+v, %d bytes, %d s", p.tls.Features, p.tls.MaxEarlyData, p.tls.TicketLifetime)
	}
}
