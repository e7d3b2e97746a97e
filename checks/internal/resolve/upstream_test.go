package resolve

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

var resolverAddr = netip.MustParseAddrPort("192.0.2.53:53")

// reply answers as a recursive resolver with CD set: whole alias chains, nothing validated.
func (w *world) reply(query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	if m := w.remembered[q]; m != nil {
		m = m.Copy()
		m.Id = query.Id
		return m
	}
	m := new(dns.Msg)
	m.SetReply(query)
	m.RecursionAvailable = true
	m.SetEdns0(1232, true)
	name := dns.CanonicalName(q.Name)
	for range 12 {
		z := w.zoneFor(name)
		if q.Qtype == dns.TypeDS && name != "." {
			z = w.zoneFor(parent(name))
		}
		if name = z.answer(m, name, q.Qtype); name == "" {
			break
		}
	}
	if w.mangle != nil {
		return w.mangle(q, m)
	}
	if w.remembered != nil {
		w.remembered[q] = m
	}
	return m
}

// dial connects to the world's resolver. A "udp" connection keeps messages apart.
func (w *world) dial(_ context.Context, network, address string) (net.Conn, error) {
	direct := w.authorities[address]
	w.mu.Lock()
	closed := direct != nil && direct.closed
	w.mu.Unlock()
	if closed {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		buf := make([]byte, 65535)
		n := 0
		if network == "tcp" {
			if _, err := io.ReadFull(server, buf[:2]); err != nil {
				return
			}
			n = int(binary.BigEndian.Uint16(buf))
			if _, err := io.ReadFull(server, buf[:n]); err != nil {
				return
			}
		} else {
			var err error
			if n, err = server.Read(buf); err != nil {
				return
			}
		}
		query := new(dns.Msg)
		if err := query.Unpack(buf[:n]); err != nil {
			w.t.Errorf("the query cannot be read: %v", err)
			return
		}
		w.mu.Lock()
		asked := network + " " + dns.TypeToString[query.Question[0].Qtype] + " " + query.Question[0].Name
		var m *dns.Msg
		switch {
		case direct != nil:
			m = direct.reply(w, network, query)
		case address == resolverAddr.String():
			w.asked = append(w.asked, asked)
			if m = w.reply(query); m != nil && w.validates && !query.CheckingDisabled {
				m = w.validated(query, m)
			}
		}
		w.mu.Unlock()
		time.Sleep(w.slow)
		if m == nil {
			io.Copy(io.Discard, server) // until the client gives up
			return
		}
		if network == "udp" && m.Len() > 1232 && w.mangle == nil {
			m.Truncated, m.Answer, m.Ns = true, nil, nil
		}
		wire, err := m.Pack()
		if err != nil {
			w.t.Errorf("the reply cannot be packed: %v", err)
			return
		}
		if network == "tcp" {
			wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
		}
		server.Write(wire)
	}()
	return client, nil
}

func (w *world) config() Config {
	var anchors []dns.RR
	for _, k := range w.zones["."].keys {
		anchors = append(anchors, k.ToDS(dns.SHA256))
	}
	peers := []netip.AddrPort{resolverAddr}
	return Config{Dialer: egress.New(egress.Config{Upstreams: peers, Dial: w.dial, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}), Upstreams: peers,
		Anchors: anchors, Now: func() time.Time { return w.now }}
}

func (w *world) lookup(name, qtype string) *Answer {
	return New(w.config()).Lookup(context.Background(), name, dns.StringToType[qtype])
}

// want compares the state and reason of an answer.
func (a *Answer) want(t *testing.T, state report.State, reason report.Cause) {
	t.Helper()
	if a.Trust.State != state || a.Trust.Reason != reason {
		t.Errorf("%s of %s: %s %q (%s), want %s %q", dns.TypeToString[a.Type], a.Name, a.Trust.State, a.Trust.Reason, a.Trust.Code, state, reason)
	}
}
