// Package gateway is the HTTP face: it finds out who calls, which route it is,
// hands the request to the relay and writes the answer. It decides nothing about
// Google.
package gateway
