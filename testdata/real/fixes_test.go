package real

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/fix"
	"mxseal/checks/report"
)

// patient is a mail server with a fault. What the program shows for it is done word by word, the
// commands by a shell and the lines in the file that they name; then the fault has to be gone, and no
// other come. Mail comes in as before or better, and goes out in the very same words.
type patient struct {
	ward   string
	name   string
	faulty []string // lines of its configuration; behind "$ " commands
	gone   []string // rules that apply before and not after
	stays  string   // a rule that applies after, as a sign that the server was judged at all
	comes  string   // how mail for it comes afterwards, if not over TLS; nothing where none can here
	kept   []string // what the owner has set in the options that change, as the shell prints it afterwards: command, words
	// also are rules whose faults Debian's libraries cannot have. Their steps are done all the same, and
	// do no harm.
	also      []string
	only      bool   // nothing else is done
	authority bool   // an authority for certificates is there
	refused   string // what the daemon says of the lines, since they are for another version: it stays as it was
}

const everySuite = "tls_medium_cipherlist = ALL:@SECLEVEL=0"

var patients = []patient{
	{ward: "postfix", name: "no TLS", faulty: []string{"smtpd_tls_security_level = none"}, gone: []string{"SMT-12"}, stays: "SMT-15"},
	{ward: "postfix", name: "STARTTLS hidden", faulty: []string{"smtpd_discard_ehlo_keywords = chunking, STARTTLS silent-discard", "smtpd_tls_security_level = encrypt"}, gone: []string{"SMT-12"}, stays: "SMT-15",
		kept: []string{"postconf -h smtpd_discard_ehlo_keywords smtpd_tls_security_level", "chunking,silent-discard encrypt"}},
	{ward: "postfix", name: "TLS 1.0 only", faulty: []string{"smtpd_tls_protocols = TLSv1", everySuite}, gone: []string{"SMT-19"}, stays: "TLS-01"},
	{ward: "postfix", name: "TLS 1.0 as well", faulty: []string{"smtpd_tls_protocols = >=TLSv1", everySuite}, gone: []string{"TLS-03", "TLS-29", "TLS-51"}, stays: "TLS-01"},
	{ward: "postfix", name: "a worse suite first", faulty: []string{"smtpd_tls_protocols = >=TLSv1.2, <=TLSv1.2", "tls_medium_cipherlist = ECDHE-RSA-AES128-SHA:ECDHE+AESGCM:@SECLEVEL=0", "tls_preempt_cipherlist = yes"}, gone: []string{"TLS-39"}, stays: "SMT-15"},
	{ward: "postfix", name: "Diffie-Hellman of 1024 bits", faulty: []string{"smtpd_tls_dh1024_param_file = /etc/dh1024.pem", everySuite}, gone: []string{"TLS-33"}, stays: "TLS-01"},
	{ward: "postfix", name: "as Debian installs it", gone: []string{"TLS-29"}, stays: "TLS-01"},
	{ward: "postfix", name: "a certificate demanded", faulty: []string{"smtpd_tls_security_level = encrypt", "smtpd_tls_req_ccert = yes"}, gone: []string{"ENF-08"}, stays: "SMT-15"},
	{ward: "postfix", name: "compression", also: []string{"TLS-55"}, stays: "SMT-15", faulty: []string{"tls_ssl_options = NO_TICKET"}, kept: []string{"postconf -h tls_ssl_options", "NO_TICKET, NO_COMPRESSION, NO_RENEGOTIATION"}},
	{ward: "postfix", name: "everything at once", faulty: []string{"smtpd_tls_protocols = >=TLSv1", everySuite, "smtpd_tls_dh1024_param_file = /etc/dh1024.pem", "smtpd_tls_exclude_ciphers = CAMELLIA, SEED",
		"$ postconf -P smtp/inet/tls_medium_cipherlist=ALL:!ARIA:@SECLEVEL=0", "smtpd_tls_eecdh_grade = strong", "tls_ssl_options = NO_TICKET"},
		also: []string{"TLS-55"}, gone: []string{"TLS-03", "TLS-29", "TLS-33", "TLS-51"}, stays: "TLS-01",
		kept: []string{"postconf -h smtpd_tls_exclude_ciphers tls_ssl_options && postconf -Ph smtp/inet/tls_medium_cipherlist", "CAMELLIA SEED aNULL kRSA kDHE NO_TICKET NO_COMPRESSION ALL:!ARIA:@SECLEVEL=0:@SECLEVEL=1"}},

	{ward: "exim", name: "no TLS, and one file for key and certificate that is not there", faulty: []string{"MAIN_TLS_ENABLE = yes", "MAIN_TLS_ADVERTISE_HOSTS =", "MAIN_TLS_CERTKEY = /etc/exim4/gone.pem"}, gone: []string{"SMT-12"}, stays: "SMT-15"},
	{ward: "exim", name: "every version and suite", faulty: []string{"tls_require_ciphers = NORMAL:+VERS-ALL:+SIGN-RSA-SHA1:-CAMELLIA-128-GCM:%COMPAT"}, gone: []string{"TLS-03", "TLS-29", "TLS-51"}, stays: "TLS-01",
		kept: []string{"exim4 -bP tls_require_ciphers", "NORMAL +VERS-ALL -CAMELLIA-128-GCM %COMPAT -VERS-TLS1.0 -SIGN-RSA-SHA1 -RSA"}},
	{ward: "exim", name: "a certificate demanded", faulty: []string{eximCertificate, "MAIN_TLS_ENABLE = yes", "MAIN_TLS_VERIFY_HOSTS = *"}, gone: []string{"ENF-08"}, stays: "SMT-15"},
	{ward: "exim", name: "as Debian installs it", also: []string{"TLS-22", "TLS-32", "TLS-33", "TLS-38", "TLS-39"}, gone: []string{"TLS-29"}, stays: "TLS-01"},

	// OpenSMTPD 6.8 ends every handshake on OpenSSL 3; its mail then comes in clear.
	{ward: "opensmtpd", name: "no TLS", gone: []string{"SMT-12"}, stays: "SMT-18", comes: "clear"},
	{ward: "opensmtpd", name: "a certificate demanded", faulty: []string{"pki own cert \"/etc/letsencrypt/live/" + host + "/fullchain.pem\"\npki own key \"/etc/letsencrypt/live/" + host + "/privkey.pem\"",
		"$ sed -i 's/^listen on 0.0.0.0/& tls-require verify pki own/' /etc/smtpd.conf"}, also: []string{"ENF-08"}, only: true, stays: "SMT-18", comes: "nothing",
		kept: []string{"grep '^listen on' /etc/smtpd.conf", "listen on 0.0.0.0 tls-require pki own"}},

	{ward: "opensmtpd", name: "suites", also: []string{"TLS-26", "TLS-33"}, only: true, stays: "SMT-12", comes: "clear", refused: "syntax error"},

	{ward: "sendmail", name: "no TLS", gone: []string{"SMT-12"}, stays: "SMT-15"},
	{ward: "sendmail", name: "every version and suite", faulty: []string{sendmailTLS, "define(`confCIPHER_LIST', `ALL:!SEED:@SECLEVEL=0')dnl", "define(`confSERVER_SSL_OPTIONS', `+SSL_OP_NO_TICKET')dnl"}, gone: []string{"TLS-29"}, stays: "TLS-01",
		kept: []string{"grep -E '^O (CipherList|ServerSSLOptions)' /etc/mail/sendmail.cf", "ALL !SEED @SECLEVEL=0 !kRSA +SSL_OP_NO_TICKET"}},
	{ward: "sendmail", name: "a worse suite first", faulty: []string{sendmailTLS, "define(`confCIPHER_LIST', `ECDHE-RSA-AES128-SHA:ECDHE+AESGCM:@SECLEVEL=0')dnl"}, also: []string{"TLS-03", "TLS-22", "TLS-33", "TLS-39", "ENF-08"}, stays: "TLS-01"},
}

const eximCertificate = "$ for each in crt:fullchain key:privkey; do install -m 640 -o root -g Debian-exim /etc/letsencrypt/live/" + host + "/${each#*:}.pem /etc/exim4/exim.${each%:*}; done"

// A new certificate, a new key, and both beside TLSA records are got from an authority, and used.
func init() {
	for ward, faulty := range map[string][]string{"postfix": nil, "exim": {eximCertificate, "MAIN_TLS_ENABLE = yes"}, "opensmtpd": nil, "sendmail": {sendmailTLS}} {
		p := patient{ward: ward, name: "certificates", faulty: faulty, only: true, stays: "CRT-02", authority: true,
			also: []string{"CRT-06", "CRT-17", "CRT-06 beside TLSA records", "CRT-17 beside TLSA records"},
			kept: []string{"sh -e /etc/letsencrypt/renewal-hooks/deploy/mail && echo renewed", "renewed"}}
		if ward == "opensmtpd" {
			p.stays, p.comes = "SMT-18", "clear"
		}
		patients = append(patients, p)
	}
}

// sendmailTLS is what an owner of Sendmail has who has followed Debian's own file.
const sendmailTLS = "include(`/etc/mail/tls/starttls.m4')dnl"

// The patients of a town come one after the other, since each begins with the configuration as it was
// installed; at most six, and the towns side by side.
func mailServers(t *testing.T) {
	for _, w := range wards {
		ours := slices.DeleteFunc(slices.Clone(patients), func(p patient) bool { return p.ward != w.name })
		for some := range slices.Chunk(ours, 6) {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				n := w.open(t)
				n.must(os.WriteFile(n.machine.path("/etc/dh1024.pem"), dh1024(t), 0o644))
				for _, p := range some {
					t.Run(p.name, func(t *testing.T) { n.in(t).treat(w, p) })
				}
			})
		}
	}
}

// in is the town for a test within that which opened it.
func (n *town) in(t *testing.T) *town {
	n.t, n.machine.t = t, t
	if n.sender != nil {
		n.sender.t = t
	}
	return n
}

func (n *town) treat(w ward, p patient) {
	t := n.t
	w.restart(n, p.faulty)
	if p.authority {
		n.authority()
	}
	cameBefore, offerBefore := n.sends()
	before := n.look("probe", host)
	for _, rule := range p.gone {
		if !before.has(rule) {
			t.Fatalf("%s does not apply before: %v", rule, before.rules())
		}
	}
	todo := before.Findings
	if p.only {
		todo = nil
	}
	for _, rule := range p.also {
		rule, published := strings.CutSuffix(rule, " beside TLSA records")
		todo = append(todo, advised{Rule: rule, Steps: shownFor(labels[w.name], rule, published)})
	}
	done := w.follow(n, p, todo)
	if len(done) == 0 {
		t.Fatalf("nothing is shown: %v", before.rules())
	}
	if p.refused == "" {
		fixes.tried(labels[w.name], done)
		fixes.tried("certbot", done)
	}
	after := n.look("probe", host)
	for _, rule := range p.gone {
		if after.has(rule) {
			t.Errorf("%s still applies", rule)
		}
	}
	// Of TLS 1.2, where there was none, and of a server that broke off.
	unseen := before.has("SMT-12") || before.has("SMT-17") || before.has("SMT-19") || before.has("ENF-08")
	for _, f := range after.Findings {
		if len(f.Steps) > 0 && !before.has(f.Rule) && !unseen {
			t.Errorf("%s is new", f.Rule)
		}
	}
	if !after.has(p.stays) {
		t.Errorf("%s does not apply", p.stays)
	}
	if t.Failed() {
		t.Logf("before %v, after %v", before.rules(), after.rules())
	}
	if want := cmp.Or(p.comes, "tls"); want != "nothing" {
		if came := n.gets(strings.ReplaceAll(t.Name(), " ", "-")); came != want {
			t.Errorf("mail for it comes as %s, want %s\n%s", came, want, n.machine.log())
		}
	}
	came, offer := n.sends()
	if said := slices.ContainsFunc(done, func(s step) bool { return strings.Contains(s.Text, "counts for outgoing mail too") }); !said && fmt.Sprint(offer) != fmt.Sprint(offerBefore) {
		t.Errorf("its mail goes out with %+v; before with %+v, and nothing is said of that", offer, offerBefore)
	}
	if came != "tls" || cameBefore != "tls" || offer.Suites == "" {
		t.Errorf("its mail goes out as %s, in %+v, and went out as %s", came, offer, cameBefore)
	}
	if len(p.kept) > 0 {
		printed := tokens(n.machine.must(p.kept[0]))
		for _, word := range tokens(p.kept[1]) {
			if !slices.Contains(printed, word) {
				t.Errorf("%q is lost: %s", word, printed)
			}
		}
	}
}

// shownFor are the steps for a rule at a server of which nothing else is known than its program, and
// whether there are TLSA records.
func shownFor(program, rule string, published bool) (steps []step) {
	h := &report.Host{Name: host, Addresses: []*report.Address{{IP: homeIP, SMTP: &report.SMTP{Software: program}}}}
	if published {
		h.TLSA.Records = []report.TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: strings.Repeat("ab", 32)}}
	}
	r := &report.Report{Meta: report.Meta{Domain: "example.net", CheckedAt: time.Now()}, Evidence: report.Evidence{Hosts: []*report.Host{h}}}
	f := report.Finding{Rule: rule, Host: host, Address: homeIP, Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, FixText: "…"}
	for _, s := range fix.Steps(r, checks.Catalogue(), f) {
		steps = append(steps, step{string(s.Who), string(s.Kind), string(s.Do), s.Where, s.Text, s.Code})
	}
	return steps
}

// labels are the programs as the starttls check recognises them.
var labels = map[string]string{"postfix": "Postfix", "exim": "Exim", "opensmtpd": "OpenSMTPD", "sendmail": "Sendmail"}

// rsaFromCA is a leaf with an RSA key, which old suites need, below the public authority.
func rsaFromCA(names ...string) chain {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	c := leafFor(names)
	c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	return chain{key: key, sent: [][]byte{create(c, authority.is, key.Public(), authority.key)}, named: map[string][]byte{"root": authority.root}}
}

func privateKey(key crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return block("PRIVATE KEY", der)
}

func writeAll(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// dh1024 is the second group of RFC 2409 as a parameter file.
func dh1024(t *testing.T) []byte {
	t.Helper()
	p, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)
	der, err := asn1.Marshal(struct{ P, G *big.Int }{p, big.NewInt(2)})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der})
}
