package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// certificate is what the simulator is known by, as [httptest.Server] has it, and
// trusting the environment in which a program trusts it.
var (
	certificate tls.Certificate
	trusting    []string
)

// trust has this process trust the certificate, and writes it into a folder for others.
func trust(dir string) error {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	certificate = s.TLS.Certificates[0]
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	own := http.DefaultTransport.(*http.Transport)
	own.TLSClientConfig, own.Protocols = &tls.Config{RootCAs: known}, new(http.Protocols)
	own.Protocols.SetHTTP1(true) // what is secured refuses HTTP/2
	file := filepath.Join(dir, "google.pem")
	trusting = []string{"SSL_CERT_FILE=" + file, "NODE_EXTRA_CA_CERTS=" + file}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600)
}

// secured puts TLS in front of a server, and offers HTTP/2 as Google does. Who takes that
// finds nobody: a gateway has a connection for each attempt. The server gets what is
// inside as it comes, and how it ends a connection is how the client sees it end.
func secured(t *testing.T, address string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c.(*net.TCPConn), config, address)
		}
	}()
	return "https://" + l.Addr().String()
}

// pass hands what is inside one connection on to the server and back, until either side
// ends it.
func pass(c *net.TCPConn, config *tls.Config, address string) {
	defer func() { _ = c.Close() }()
	client := tls.Server(c, config)
	if client.Handshake() != nil || client.ConnectionState().NegotiatedProtocol == "h2" {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, err = io.Copy(client, server)
	if err == nil || errors.Is(err, net.ErrClosed) {
		_ = client.Close()
		return
	}
	_ = c.SetLinger(0) // it broke: no word of an end
}
