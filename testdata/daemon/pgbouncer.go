package daemon

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// PgBouncer is where install.sh has it.
const PgBouncer = "usr/sbin/pgbouncer"

// StartPgBouncer runs a pooler in front of a PostgreSQL, at an address of the loopback, host:port, and
// returns the URL of the database through it. It hands out its connections by transaction.
func (r *Run) StartPgBouncer(address string, p *Postgres) (url string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	serverHost, serverPort, _ := net.SplitHostPort(p.address) // as it was taken apart before
	file := filepath.Join(r.Dir, "pgbouncer-"+host+"-"+port+".ini")
	configuration := fmt.Sprintf(`[databases]
* = host=%s port=%s user=postgres
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 50
server_login_retry = 1
`, serverHost, serverPort, host, port)
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		return "", err
	}
	_, err = r.Start("pgbouncer-"+host+"-"+port, r.Accepts(address), asPostgres(filepath.Join(r.Cache, PgBouncer), file)...)
	return strings.Replace(p.URL, p.address, address, 1), err
}
