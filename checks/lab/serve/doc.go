// Package serve is what a good mail domain is made of, on any connection: answers of a name server and
// the signatures of a zone, the conversation of a mail server, a host with a policy file.
//
// Who uses it adds the rest: the lab (checks/lab) its faults, the test of senders (web/senders) its
// traps. It listens nowhere and keeps no state.
package serve
