package real

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// eximOptions are the items of openssl_options in Exim's specification (doc/doc-docbook/spec.xfpt, read on
// 2026-11-28): the default value and the list of possible ones. Debian has no Exim with OpenSSL.
var eximOptions = strings.Fields(`all allow_unsafe_legacy_renegotiation cipher_server_preference dont_insert_empty_fragments ephemeral_rsa legacy_server_connect
	microsoft_big_sslv3_buffer microsoft_sess_id_bug msie_sslv2_rsa_padding netscape_challenge_bug netscape_reuse_cipher_change_bug no_compression no_renegotiation
	no_session_resumption_on_renegotiation no_sslv2 no_sslv3 no_ticket no_tlsv1 no_tlsv1_1 no_tlsv1_2 safari_ecdhe_ecdsa_bug single_dh_use single_ecdh_use
	ssleay_080_client_dh_bug sslref2_reuse_cert_type_bug tls_block_padding_bug tls_d5_bug tls_rollback_bug`)

// What is printed in words of OpenSSL for programs that do not stand in Debian, or not with that
// library, is held to OpenSSL itself: it knows the string, and what shall go is gone.
func TestWordsOfOpenSSL(t *testing.T) {
	str := regexp.MustCompile(`(?:tls_require_ciphers = |ciphers "|ciphers=|confCIPHER_LIST', ifdef\([^)]*\)` + "`" + `:?)(!?[A-Z@][^"']*)`)
	lists, items := 0, 0
	for _, s := range everyStep("Exim", "OpenSMTPD", "Sendmail", "Haraka") {
		for line := range strings.SplitSeq(s.Code, "\n") {
			if value, is := strings.CutPrefix(line, "openssl_options = "); is {
				for _, item := range strings.Fields(value) {
					items++
					if !slices.Contains(eximOptions, strings.TrimPrefix(item, "+")) {
						t.Errorf("Exim knows no %s", item)
					}
				}
			}
			m := str.FindStringSubmatch(line)
			if m == nil || strings.Contains(line, "NORMAL") {
				continue
			}
			lists++
			list := m[1]
			if strings.HasPrefix(list, "!") {
				list = "HIGH:" + list
			}
			out, err := exec.Command("openssl", "ciphers", "-v", list).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
				continue
			}
			for word, gone := range map[string]string{"!aNULL": `Au=None`, "!eNULL": `Enc=None`, "!kRSA": `Kx=RSA `, "!kDHE": `Kx=DH `, "!3DES": `3DES`, "!RC4": `RC4`, "!MD5": `Mac=MD5`} {
				if strings.Contains(list, word) && strings.Contains(string(out), gone) {
					t.Errorf("%s leaves %s in\n%s", line, gone, out)
				}
			}
			if !strings.Contains(string(out), "ECDHE-ECDSA-AES128-GCM-SHA256") || !strings.Contains(string(out), "ECDHE-RSA-AES256-GCM-SHA384") {
				t.Errorf("%s leaves too little:\n%s", line, out)
			}
		}
	}
	if lists == 0 || items == 0 {
		t.Errorf("%d cipher strings and %d items of openssl_options: is that all?", lists, items)
	}
}
