package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

// peer is one program as one would run it.
type peer struct {
	name    string
	command []string
	file    string // where it writes its results; empty for standard output
	count   func(results []byte) (suites int, err error)
}

// peers lists them, the program first. Without a delay there is nobody to be polite to.
func peers(program, address, file string, ms int) []peer {
	mxseal := func(depth string) []string {
		command := []string{program, "probe", address, "--format", "json", "--depth", depth,
			"--allow-net", "198.18.0.0/15", "--resolver", "127.0.0.1:9", "--helo", "bench.test"}
		if ms == 0 {
			command = append(command, "--pace", "0s")
		}
		return command
	}
	return []peer{
		{name: "mxseal standard", command: mxseal("standard"), count: ofReport},
		{name: "mxseal full", command: mxseal("full"), count: ofReport},
		{name: "sslscan", command: []string{"sslscan", "--starttls-smtp", "--xml=-", address}, count: matches(`<cipher `)},
		{name: "nmap", command: nmap(address), count: matches(`<elem key="name">TLS_`)},
		{name: "testssl.sh", command: []string{"testssl", "--starttls", "smtp", "-n", "none", "--warnings", "batch", "--quiet",
			"--color", "0", "--jsonfile", file, address}, file: file, count: ofTestssl},
	}
}

func nmap(address string) []string {
	host, port, _ := strings.Cut(address, ":")
	return []string{"nmap", "-n", "-Pn", "-p", port, "--script", "ssl-enum-ciphers", "-oX", "-", host}
}

func matches(pattern string) func([]byte) (int, error) {
	re := regexp.MustCompile(pattern)
	return func(out []byte) (int, error) { return len(re.FindAll(out, -1)), nil }
}

func ofReport(out []byte) (n int, err error) {
	var r struct {
		Hosts []struct {
			Addresses []struct{ TLS struct{ Ciphers []struct{} } }
		}
	}
	err = json.Unmarshal(out, &r)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			n += len(a.TLS.Ciphers)
		}
	}
	return n, err
}

// ofTestssl counts the suites of its list: by version, or once each for a server that goes by
// the client's order.
func ofTestssl(results []byte) (n int, err error) {
	var lines []struct{ ID, Finding string }
	err = json.Unmarshal(results, &lines)
	for _, l := range lines {
		if strings.HasPrefix(l.ID, "cipherorder_") {
			n += len(strings.Fields(l.Finding))
		}
		if strings.HasPrefix(l.ID, "cipher_x") {
			n++
		}
	}
	return n, err
}
