package rehearse

// The rules of the checks that mean something of their own before a certificate is deployed.
var (
	// unusable are those by which part of the senders break off TLS with such a certificate: a key
	// usage without signing, what Go does not read, a list that is too long, a kind of key that few know.
	unusable = []string{"CRT-26", "CRT-27", "CRT-29", "CRT-31"}
	// caa are those by which records forbid the issuer: the next renewal will be refused.
	caa = []string{"NBR-06"}
	// beside are true of the present server and no matter of the next certificate: that there is no
	// DANE, and that it would be well to have a spare record.
	beside = []string{"DAN-02", "DAN-03", "DAN-04", "DAN-25", "CRT-07", "CRT-08"}
)

// private is the rule of a certificate that no public authority issued.
const private = "CRT-14"
