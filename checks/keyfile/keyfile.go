// Package keyfile reads the files in which people keep certificates and keys.
//
// What it takes is public: certificates, requests for one and public keys, in PEM or DER. A private
// key is refused with a sentence, and neither kept nor repeated. Every error is a sentence that says
// what the file is and what to do, without a word of its contents.
package keyfile

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/records"
	"mxseal/checks/report"
)

// MaxSize bounds a file, in octets: no list of certificates that a server may send comes near it.
const MaxSize = 1 << 20

// File is what a file holds.
type File struct {
	Certificates [][]byte // DER, in their order; the server's own first
	Key          []byte   // SubjectPublicKeyInfo: of the first certificate, of a request, or by itself
}

// Sum is the digest of the key as a TLSA record has it.
func (f File) Sum() records.Sum { return records.SumOf(f.Key) }

// maxCertificates bounds the certificates of one file.
const maxCertificates = 64

// Read reads a file. name stands in the error.
func Read(name string, data []byte) (File, error) {
	f, err := read(data)
	if err != nil {
		return File{}, fmt.Errorf("%s %w", name, err)
	}
	return f, nil
}

func read(data []byte) (File, error) {
	switch {
	case len(data) > MaxSize:
		return File{}, fmt.Errorf("is larger than %d MiB, so it is no list of certificates", MaxSize>>20)
	case len(bytes.TrimSpace(data)) == 0:
		return File{}, errors.New("is empty")
	}
	var f File
	private, blocks := false, 0
	for rest := data; ; blocks++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		private = private || strings.HasSuffix(block.Type, "PRIVATE KEY")
		if err := f.add(block.Type, block.Bytes); err != nil {
			return File{}, err
		}
	}
	switch {
	case blocks == 0 && bytes.Contains(data, []byte("-----BEGIN ")):
		return File{}, errors.New("is damaged: what begins as PEM does not end so")
	case blocks == 0:
		if err := f.der(data); err != nil {
			return File{}, err
		}
	case f.Key == nil && private:
		return File{}, errPrivate
	case f.Key == nil:
		return File{}, errors.New("holds neither a certificate nor a public key")
	}
	return f, f.ordered()
}

var (
	errPrivate = errors.New("holds a private key, which has no business here and was not looked at. Name the certificate (fullchain.pem), or make a file with the public half: openssl pkey -in KEY -pubout -out public.pem")
	errPKCS12  = errors.New("is a PKCS#12 file, which holds a private key too. Take the certificates out of it: openssl pkcs12 -in FILE -nokeys -out certificates.pem")
)

// add takes what one block of PEM holds. A private key beside a certificate, as some servers want
// their files, is passed over.
func (f *File) add(kind string, der []byte) error {
	switch kind {
	case "CERTIFICATE", "X509 CERTIFICATE":
		c, err := pkix.Read(der)
		if err != nil {
			return fmt.Errorf("holds a certificate that cannot be read (the %s)", nth(len(f.Certificates)+1))
		}
		if len(f.Certificates) == maxCertificates {
			return fmt.Errorf("holds more than %d certificates", maxCertificates)
		}
		if len(f.Certificates) == 0 {
			f.Key = c.SPKI
		}
		f.Certificates = append(f.Certificates, der)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		request, err := x509.ParseCertificateRequest(der)
		if err != nil {
			return errors.New("holds a request for a certificate that cannot be read")
		}
		f.Key = request.RawSubjectPublicKeyInfo
	case "PUBLIC KEY":
		if pkix.ReadKey(der).Kind == "" {
			return errors.New("holds a public key that cannot be read")
		}
		f.Key = der
	}
	return nil
}

// der takes a file that is no PEM.
func (f *File) der(data []byte) error {
	var sequence, first asn1.RawValue
	if _, err := asn1.Unmarshal(data, &sequence); err != nil || sequence.Tag != asn1.TagSequence {
		return errors.New("is neither PEM nor DER")
	}
	if _, err := asn1.Unmarshal(sequence.Bytes, &first); err != nil {
		return errors.New("is neither PEM nor DER")
	}
	if first.Class == asn1.ClassUniversal && first.Tag == asn1.TagInteger { // a version stands first in both
		if bytes.Equal(first.Bytes, []byte{3}) {
			return errPKCS12
		}
		return errPrivate
	}
	for _, kind := range []string{"CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY"} {
		if f.add(kind, data) == nil {
			return nil
		}
	}
	return errors.New("is neither a certificate nor a public key")
}

// ordered refuses a list whose first certificate issued another one of it: a mail server takes the
// first one for its own.
func (f *File) ordered() error {
	var all []*pkix.Certificate
	for _, der := range f.Certificates {
		c, err := pkix.Read(der)
		if err != nil {
			return err // each was read before
		}
		all = append(all, c)
	}
	for i, c := range all {
		if i > 0 && c.Issuer.Text == all[0].Subject.Text && c.Subject.Text != all[0].Subject.Text {
			return fmt.Errorf("has its certificates in the wrong order: the first one issued the %s. A mail server takes the first one for its own and does not find its key: put the server's own first", nth(i+1))
		}
	}
	return nil
}

func nth(n int) string {
	switch n {
	case 1:
		return "first"
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}

// Authority is one that a certificate of the file belongs to.
type Authority struct {
	Name string      // its subject, fit to be shown
	Sum  records.Sum // of its key
}

// Authorities are those of the certificates in the file that may issue others.
func (f File) Authorities() []Authority {
	var list []Authority
	for _, der := range f.Certificates {
		if c, err := pkix.Read(der); err == nil && c.CA {
			list = append(list, Authority{report.Clean(c.Subject.Text, 200), records.SumOf(c.SPKI)})
		}
	}
	return list
}
