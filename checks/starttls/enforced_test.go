package starttls

import (
	"testing"

	"mxseal/checks/internal/smtp"
)

func TestEnforced(t *testing.T) {
	for _, test := range []struct {
		want  string // yes, no, unclear
		code  int
		lines []string
	}{
		{"no", 250, []string{"2.1.0 Ok"}},
		{"no", 250, []string{"2.1.0 Sender ok; TLS required for relaying"}},

		{"yes", 530, []string{"5.7.0 Must issue a STARTTLS command first"}},                          // RFC 3207, Postfix, Google, Kerio, MDaemon
		{"yes", 530, []string{"Must issue a STARTTLS command first (#5.7.0)"}},                       // qmail
		{"yes", 530, []string{"#5.7.0 Must issue a STARTTLS command first"}},                         // Cisco
		{"yes", 530, []string{"5.5.1 Invalid command: Must issue a STARTTLS command first"}},         // OpenSMTPD
		{"yes", 530, []string{"5.7.0 Authentication required; must issue a STARTTLS command first"}}, //
		{"yes", 530, []string{"no"}}, // the code says it
		{"yes", 451, []string{"5.7.3 STARTTLS is required to send mail [AM6EUR05FT013.eop-eur05.prod.example]"}}, // Exchange
		{"yes", 450, []string{"4.7.1 Session encryption is required"}},                                           // Postfix, reject_plaintext_session
		{"yes", 550, []string{"5.7.1 tls required"}},
		{"yes", 550, []string{"5.7.1 encryption required"}},
		{"yes", 550, []string{"Encryption required"}},
		{"yes", 550, []string{"A TLS-encrypted connection is required"}},
		{"yes", 550, []string{"TLSv1.2 or better required"}},
		{"yes", 554, []string{"5.7.1 Secure connection required"}},
		{"yes", 554, []string{"5.7.1 Secure (TLS) connection required"}},
		{"yes", 503, []string{"5.5.1 Issue STARTTLS first"}},
		{"yes", 503, []string{"#5.5.1 STARTTLS required"}},
		{"yes", 454, []string{"4.7.1 TLS is mandatory on this server"}},
		{"yes", 421, []string{"4.7.0 TLS required for this domain"}},
		{"yes", 523, []string{"5.7.10 Encryption Needed"}},
		{"yes", 550, []string{"5.7.10 come back another way"}},
		{"yes", 550, []string{"5.7.29 This email has been blocked because this message wasn't sent over a TLS", "5.7.29 connection. Bulk senders are told to encrypt"}}, // Google
		{"yes", 550, []string{"5.7.1 Encryption", "5.7.1 required"}},
		{"yes", 403, []string{"4.7.0 encryption too weak 0 less than 112"}}, // Sendmail
		{"yes", 554, []string{"Refused. You must use TLS."}},
		{"yes", 554, []string{"Please use STARTTLS"}},
		{"yes", 554, []string{"Start TLS before sending mail, it is required: use START TLS"}},
		{"yes", 554, []string{"This server only accepts mail over TLS"}},
		{"yes", 554, []string{"Policy requires SSL/TLS"}},
		{"yes", 554, []string{"mail is not accepted without TLS"}},
		{"yes", 554, []string{"no mail without encryption"}},
		{"yes", 554, []string{"Unencrypted connections are not allowed"}},
		{"yes", 554, []string{"Plaintext sessions refused"}},
		{"yes", 554, []string{"We do not accept cleartext connections"}},
		{"yes", 554, []string{"the session is not encrypted"}},
		{"yes", 554, []string{"No TLS, no mail"}},
		{"yes", 554, []string{"5.7.1 <>: Sender address rejected: TLS must be used"}},

		{"unclear", 554, []string{"5.7.1 TLS connection from your host refused: policy"}},
		{"unclear", 450, []string{"greylisted, encryption irrelevant"}},
		{"unclear", 550, []string{"5.7.1 not welcome"}},
		{"unclear", 451, []string{"4.7.1 try TLS later"}},
		{"unclear", 550, []string{"no TLS"}},
		{"unclear", 550, []string{"5.7.1 No TLS here"}},
		{"unclear", 454, []string{"4.7.0 TLS not available due to temporary reason"}},
		{"unclear", 454, []string{"4.7.0 TLS currently unavailable"}},
		{"unclear", 450, []string{"4.2.0 Greylisted; TLS is not required"}},
		{"unclear", 450, []string{"4.2.0 Greylisted, we do not require TLS"}},
		{"unclear", 550, []string{"5.7.1 Please do not use STARTTLS"}},
		{"unclear", 550, []string{"5.7.1 You need not use TLS, you are listed"}},
		{"unclear", 550, []string{"5.7.1 TLS is optional here, but a name for your address is required"}},
		{"unclear", 403, []string{"4.7.0 TLS handshake failed."}},
		{"unclear", 550, []string{"5.7.1 starttls.example.net is required to have a reverse name"}},
		{"unclear", 550, []string{"5.7.1 see https://example.net/tls-required"}},
		{"unclear", 550, []string{"5.7.1 a TLSRPT record is required"}},
		{"unclear", 530, []string{"5.7.0 Authentication required"}},
		{"unclear", 530, []string{"5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM"}}, // Exchange
		{"unclear", 550, []string{"plaintext passwords are not allowed"}},
		{"unclear", 421, []string{"4.3.2 too many connections"}},
		{"unclear", 550, []string{""}},
		{"unclear", 354, []string{"TLS required"}},
	} {
		got := "unclear"
		if e := enforced(smtp.Reply{Code: test.code, Lines: test.lines}); e != nil && *e {
			got = "yes"
		} else if e != nil {
			got = "no"
		}
		if got != test.want {
			t.Errorf("%d %q: %s, want %s", test.code, test.lines, got, test.want)
		}
	}
}
