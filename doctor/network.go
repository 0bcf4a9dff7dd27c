package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/plantainhq/plantain/gemini"
)

// broken says why no answer of the API came, from the outside in: the proxy, the
// name, the connection, the certificate.
func (x *exchange) broken() Finding {
	f := x.trouble(x.facts.Err)
	f.State = Fault
	if f.Side == "" {
		f.Side = Network
	}
	if x.facts.Err != nil && f.Evidence == "" {
		f.Evidence = x.plain(x.facts.Err.Error())
	}
	return f
}

func (x *exchange) trouble(err error) Finding {
	host := x.host()
	var (
		dns     *net.DNSError
		op      *net.OpError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		wrong   x509.HostnameError
		plain   tls.RecordHeaderError
	)
	switch {
	case err == nil:
		return x.inBetween()
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return Finding{Says: fmt.Sprintf("The proxy %s can't be reached.", shown(x.proxy)),
			Fix: "Correct HTTPS_PROXY and HTTP_PROXY, or unset them where there is no proxy."}
	case x.proxy != nil && !errors.As(err, &op) && !isTimeout(err) && !errors.As(err, &unknown):
		return Finding{Says: fmt.Sprintf("The proxy %s does not let the call through to %s.", shown(x.proxy), host),
			Fix: fmt.Sprintf("Have %s allowed in the proxy, give HTTPS_PROXY the user and password it wants, or put the host into NO_PROXY.", host)}
	case errors.As(err, &dns) && dns.IsNotFound:
		whose := You
		if host == googleHost {
			whose = Network // nobody spelled it
		}
		return Finding{Says: fmt.Sprintf("The name %s does not resolve.", dns.Name), Side: whose,
			Fix: "Check how base_url is spelled; if it is right, the DNS server of this machine does not know it: try another one."}
	case errors.As(err, &dns):
		return Finding{Says: fmt.Sprintf("No DNS server answers what %s is.", dns.Name),
			Fix: "Check the network connection and the DNS servers of this machine (/etc/resolv.conf)."}
	case errors.As(err, &unknown):
		return Finding{Says: "The certificate of " + host + " is not trusted.", Evidence: issuer(unknown.Cert),
			Fix: "If that is your company's proxy, which opens TLS, point SSL_CERT_FILE at its certificate; if you don't know the issuer, somebody listens in. In a container, install ca-certificates."}
	case errors.As(err, &wrong):
		return Finding{Says: "The certificate that came is not that of " + host + ".",
			Fix: "Check base_url, and whether DNS or a proxy leads somewhere else."}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Finding{Says: fmt.Sprintf("The certificate of %s is not valid at %s, the time of this machine.", host, x.sent.UTC().Format(time.RFC3339)), Side: You,
			Fix: "Set this machine's clock; if it is right, the certificate has really expired."}
	case errors.As(err, &invalid):
		return Finding{Says: "The certificate of " + host + " is not valid.", Fix: "See what stands between here and " + host + "."}
	case errors.As(err, &plain), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return Finding{Says: host + " does not speak TLS at that port.", Side: You, Fix: "Write http:// in base_url, or the port at which TLS is spoken."}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Finding{Says: fmt.Sprintf("%s refuses the connection: nothing listens there.", x.url.Host),
			Fix: "Check host and port of base_url, and whether what should listen there runs; a firewall may refuse too."}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Finding{Says: "There is no route to " + host + ".", Fix: "Check the network connection of this machine, its gateway, and IPv6 if it is switched on."}
	case isTimeout(err) && x.steps.first == 0 && x.steps.connect == 0:
		return Finding{Says: fmt.Sprintf("No connection to %s came about in %s.", x.url.Host, short(x.facts.Took)),
			Fix: "A firewall may drop the packets: allow outgoing connections to port 443, or name the proxy in HTTPS_PROXY."}
	case isTimeout(err):
		return Finding{Says: fmt.Sprintf("%s takes the connection and gives no answer in %s.", x.url.Host, short(x.facts.Took)),
			Fix: "Try again in a minute; if it stays so, look at the status page and at what is in between."}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return Finding{Says: fmt.Sprintf("The connection to %s was cut before the answer was whole.", x.url.Host),
			Fix: "Try again; if it stays so, a firewall or a proxy cuts it."}
	default:
		return Finding{Says: "No answer came from " + host + ".", Fix: "Check network, proxy and base_url."}
	}
}

// inBetween is an answer that is not of the API.
func (x *exchange) inBetween() Finding {
	f := Finding{Says: fmt.Sprintf("Something other than the API answers at %s.", x.url.Host), Evidence: x.seen(),
		Fix: "Check base_url; on a hotel's or a guest's network sign in first; behind a proxy, have the host allowed."}
	switch s := x.facts.Status; {
	case s == http.StatusProxyAuthRequired:
		f.Says, f.Fix = "A proxy wants a user and a password.", "Give them in HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT."
	case s >= 300 && s < 400:
		f.Evidence = fmt.Sprintf("HTTP %d to %s", s, x.plain(x.facts.Header.Get("Location")))
	case s >= 500 && x.facts.Body.Form != gemini.FormEmpty:
		f.Says, f.Fix = fmt.Sprintf("A server in front of the API fails (%d).", s), "Wait a minute and try again; if it stays so, look at the status page, and at your own proxy if there is one."
	}
	if title := pageTitle.FindSubmatch(x.body); title != nil {
		f.Evidence = fmt.Sprintf("HTTP %d, a page titled %q", x.facts.Status, x.plain(string(title[1])))
	}
	return f
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.{1,200}?)</title>`)

func (x *exchange) host() string {
	if x.url == nil {
		return "the base URL"
	}
	return x.url.Hostname()
}

// shown is a proxy without its user and password.
func shown(u *url.URL) string {
	if u == nil {
		return "in between"
	}
	return u.Host
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return "issued by " + c.Issuer.String()
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
