package real

var handshakes []*delivery
