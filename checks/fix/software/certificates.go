package software

import "strings"

// CertificateFile, ChainFile (its issuers alone) and keyFile are where certbot keeps them.
func CertificateFile(name string) string { return "/etc/letsencrypt/live/" + name + "/fullchain.pem" }
func ChainFile(name string) string       { return "/etc/letsencrypt/live/" + name + "/chain.pem" }
func keyFile(name string) string         { return "/etc/letsencrypt/live/" + name + "/privkey.pem" }

// Files are where the program finds the certificate of a name and its key: where certbot keeps
// them, or copies for a program that may not read those.
func (p Program) Files(name string) (certificate, key string) {
	if p.folder != "" {
		return p.folder + "/" + name + ".crt", p.folder + "/" + name + ".key"
	}
	return CertificateFile(name), keyFile(name)
}

// Copy is the command that gives the program copies of what certbot keeps under a name; empty
// where it reads that itself.
func (p Program) Copy(name string) string {
	if p.folder == "" {
		return ""
	}
	certificate, key := p.Files(name)
	return "install -m 640 " + p.copies + " " + CertificateFile(name) + " " + certificate + " && install -m 640 " + p.copies + " " + keyFile(name) + " " + key
}

// Hook is what has to be run after each renewal of what certbot keeps under a name.
func (p Program) Hook(name string) string {
	reload := strings.TrimSpace(strings.Split(p.Reload, "  #")[0])
	if p.folder == "" {
		return reload
	}
	return p.Copy(name) + " && " + reload[strings.LastIndex(reload, "systemctl"):]
}
