package faults

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/testdata/faults/world"
	"mxseal/web/store/sqlite"
)

const (
	moreForReaders = 50 // MiB that readers who do not read may cost
	shownReport    = 1 << 20
)

// Twenty readers ask for a large report and do not read; then twenty for twenty different
// ones, and two hundred and fifty for one.
// Their cost is that of the pages, packed, and not of the readers: all others read on.
func TestReadersWhoDoNotRead(t *testing.T) {
	data := t.TempDir()
	reports, err := sqlite.Open(filepath.Join(data, "mxseal.db"))
	must(t, err)
	const domains = 20
	size := 0
	for i := range domains {
		r := large(t, fmt.Sprintf("large%d.test", i))
		text, err := json.Marshal(r)
		must(t, err)
		size = len(text)
		must(t, reports.Save(context.Background(), r))
	}
	must(t, reports.Close())
	p := serve(t, data)
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	addresses := func(i int) []string {
		return []string{fmt.Sprintf("/check/large%d.test", i), fmt.Sprintf("/report/large%d", i), fmt.Sprintf("/report/large%d?format=json", i),
			fmt.Sprintf("/api/v1/reports/large%d", i), fmt.Sprintf("/api/v1/domains/large%d.test", i)}
	}
	pages := make([]int, 0, 5)
	for _, address := range addresses(0) { // what one honest reader costs is there already
		status, body := get(c, p.URL+address)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %.200s", address, status, body)
		}
		pages = append(pages, len(body))
	}
	t.Logf("a report of %d KiB; its pages have %d octets", size>>10, pages)
	for _, crowd := range []struct {
		readers int
		who     string
		asks    func(reader int) string
	}{
		{20, "of one report", func(n int) string { return addresses(0)[n%5] }},
		{20, "of twenty reports", func(n int) string { return addresses(n)[n%5] }},
		{250, "of one report", func(n int) string { return addresses(0)[n%5] }},
	} {
		_, err := p.Heap() // collected
		must(t, err)
		before := p.Resident()
		leave := deaf(t, p, crowd.readers, crowd.asks)
		most, served := before, 0
		for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			most = max(most, p.Resident())
			for _, address := range []string{"/check/large0.test", "/", "/badge/large0.test.svg"} {
				if status, body := get(c, p.URL+address); status != http.StatusOK {
					t.Fatalf("%s meanwhile: %d %.200s", address, status, body)
				}
				served++
			}
		}
		leave()
		t.Logf("%d readers %s who do not read: %d MiB resident, %d MiB more; others: %d pages", crowd.readers, crowd.who, most, most-before, served)
		if most-before >= moreForReaders {
			t.Errorf("%d readers %s cost %d MiB, want less than %d", crowd.readers, crowd.who, most-before, moreForReaders)
		}
		if served < 50 {
			t.Errorf("only %d pages were served meanwhile", served)
		}
	}
}

// deaf opens so many connections, asks for a page on each and reads nothing. Every other one
// does not know gzip.
func deaf(t *testing.T, p *world.Program, n int, asks func(reader int) string) (leave func()) {
	t.Helper()
	var all sync.WaitGroup
	connections := make([]net.Conn, n)
	for i := range connections {
		all.Go(func() {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 11, 0, byte(i+1))}, Control: func(_, _ string, c syscall.RawConn) error {
				return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
			}}
			c, err := d.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			connections[i] = c
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: mxseal.example\r\n%s\r\n", asks(i), []string{"", "Accept-Encoding: gzip\r\n"}[i%2])
		})
	}
	all.Wait()
	return func() {
		for _, c := range connections {
			if c != nil {
				c.Close()
			}
		}
	}
}

// large is as large a report as there may be, of certificates that nothing packs.
func large(t *testing.T, domain string) *report.Report {
	t.Helper()
	name, _, _ := strings.Cut(domain, ".")
	r := &report.Report{Meta: report.Meta{Schema: report.Schema, ID: name, Domain: domain, UnicodeDomain: domain, CheckedAt: time.Now().UTC().Add(-time.Hour), Depth: report.Standard}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}}, Conclusions: report.Conclusions{Rules: report.RulesSet, Grade: &report.Grade{Letter: "C", Sentence: "A sentence."}}}
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, err := io.ReadFull(rand.Reader, b)
		must(t, err)
		return b
	}
	const hosts, addresses, chain = 10, 4, 8
	each := shownReport / (hosts * addresses * chain) * 3 / 4 * 4 / 5
	for h := range hosts {
		host := &report.Host{Name: fmt.Sprintf("mx%d.%s", h, domain), Preference: uint16(h)}
		for a := range addresses {
			address := &report.Address{IP: fmt.Sprintf("192.0.2.%d", h*addresses+a), Reachable: true, Connections: 10,
				SMTP: &report.SMTP{Banner: "220 " + host.Name + " ESMTP", EHLO: []string{"STARTTLS", "PIPELINING", "8BITMIME"}, STARTTLS: "ok"},
				TLS:  &report.TLS{Version: "TLS1.3", Cipher: "TLS_AES_128_GCM_SHA256"}}
			leaf := &report.Certificate{Subject: "CN=" + host.Name, Names: []string{host.Name}, Key: "ECDSA P-256", PKIX: "ok", Trusted: true, NameMatch: true, NotAfter: r.CheckedAt.AddDate(0, 3, 0)}
			for range chain {
				leaf.Chain = append(leaf.Chain, &report.Certificate{Subject: "CN=" + hex.EncodeToString(noise(60)), Issuer: "CN=" + hex.EncodeToString(noise(60)), Names: []string{}, SHA256: hex.EncodeToString(noise(32)), DER: noise(each)})
			}
			address.Certificates = []*report.Certificate{leaf}
			host.Addresses = append(host.Addresses, address)
		}
		r.Hosts = append(r.Hosts, host)
	}
	return r
}
