package real

var danes []*delivery
