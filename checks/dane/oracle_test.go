package dane

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// oracle asks OpenSSL what it makes of a record and of what a server sends; asked is false where
// MXSEAL_ORACLE is not set. testdata/real sets it, where Debian 12's openssl is.
func oracle(t *testing.T, r report.TLSARecord, sent []*cert) (accepts, asked bool, said string) {
	t.Helper()
	if os.Getenv("MXSEAL_ORACLE") == "" {
		return false, false, ""
	}
	dir := t.TempDir()
	write := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, err := x509.MarshalPKCS8PrivateKey(sent[0].key)
	if err != nil {
		t.Fatal(err)
	}
	var rest []*pem.Block
	for _, c := range sent[1:] {
		rest = append(rest, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(ctx, "openssl", "s_server", "-quiet", "-accept", fmt.Sprint(port), "-naccept", "20",
		"-cert", write("leaf.pem", &pem.Block{Type: "CERTIFICATE", Bytes: sent[0].Raw}), "-key", write("key.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"-cert_chain", write("rest.pem", rest...), "-tls1_3")
	if len(rest) == 0 {
		server.Args = append(server.Args[:len(server.Args)-3], "-tls1_3", "-no-CAfile", "-no-CApath")
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Kill()
		server.Wait()
	}()
	for {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatal("openssl s_server does not listen")
		}
		time.Sleep(10 * time.Millisecond)
	}
	client := exec.CommandContext(ctx, "openssl", "s_client", "-connect", fmt.Sprintf("127.0.0.1:%d", port),
		"-attime", fmt.Sprint(now.Unix()), "-dane_tlsa_domain", "mx.example.org",
		"-dane_tlsa_rrdata", fmt.Sprintf("%d %d %d %s", r.Usage, r.Selector, r.Matching, r.Data))
	client.Stdin = strings.NewReader("Q\n")
	out, _ := client.CombinedOutput() // its status is that of the connection, not of the verification
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(strings.TrimSpace(line), "Verify return code:") {
			said = strings.TrimSpace(line)
		}
		if strings.HasPrefix(line, "Verification: OK") {
			accepts = true
		}
	}
	if !accepts && said == "" {
		said = string(out)
	}
	return accepts, true, said
}
