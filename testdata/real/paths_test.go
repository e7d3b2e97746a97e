package real

import (
	"os"
	"os/exec"
	"testing"
)

// The tables of paths and of records below an authority are held against Debian's own openssl
// (verify, s_server and s_client). They stand beside the code, which alone may use what they test.
func TestChainsAgainstOpenSSL(t *testing.T) {
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "TestKindsOfKeys|TestChains|TestThePathBelowAnAnchor",
		"mxseal/checks/internal/pkix", "mxseal/checks/dane")
	test.Env = append(os.Environ(), "MXSEAL_ORACLE=1")
	if out, err := test.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
