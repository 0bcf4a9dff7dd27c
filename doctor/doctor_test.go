package doctor_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/doctor"
	"github.com/plantainhq/plantain/gemini"
)

// examine runs the free checks on one project.
func examine(t *testing.T, d *doctor.Doctor, base string) map[string]doctor.Finding {
	t.Helper()
	if d.Projects == nil {
		d.Projects = []doctor.Project{{Name: "a", Kind: plantain.Gemini, Base: base, Key: plantain.NewSecret("the-key"), Tier: 1}}
	}
	d.Catalogue, d.Model = gemini.DefaultCatalogue(), "nb2"
	found := map[string]doctor.Finding{}
	for _, f := range doctor.Run(t.Context(), d.Examine(t.Context()), nil) {
		found[f.Check] = f
		if f.State == doctor.Fault && f.Fix == "" {
			t.Errorf("a fault without a fix: %+v", f)
		}
		if strings.Contains(fmt.Sprint(f), "the-key") {
			t.Errorf("the key is shown: %+v", f)
		}
	}
	return found
}

// A check that takes long is told of where it stands, and holds no other up.
func TestFindingsAreToldInTheOrderOfTheChecks(t *testing.T) {
	t.Parallel()
	last := make(chan struct{})
	checks := []doctor.Check{
		{Name: "slow", Look: func(context.Context) doctor.Finding { <-last; return doctor.Finding{} }},
		{Name: "quick", Look: func(context.Context) doctor.Finding { return doctor.Finding{} }},
		{Name: "last", Look: func(context.Context) doctor.Finding { close(last); return doctor.Finding{} }},
	}
	var told []string
	doctor.Run(t.Context(), checks, func(f doctor.Finding) { told = append(told, f.Check) })
	if got := strings.Join(told, ", "); got != "slow, quick, last" {
		t.Error(got)
	}
}

func serve(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

// nothing is an address where nobody listens.
func nothing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func through(t *testing.T, proxy string) *http.Transport {
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Transport{Proxy: http.ProxyURL(u)}
}

var (
	errUnreachable = os.NewSyscallError("connect", syscall.ENETUNREACH)
	silent         = log.New(io.Discard, "", 0)
)

func failing(err error) *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
}

func TestWhatIsInBetweenIsToldApart(t *testing.T) {
	t.Parallel()
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><head><title>Sign in to Hotel Wi-Fi</title></head></html>")
	})
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://login.example/", http.StatusFound)
	})
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html><head><title>502 Bad Gateway</title></head></html>")
	})
	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = silent
	secured.StartTLS()
	t.Cleanup(secured.Close)
	guarded := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	forbidding := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	trusting := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: secured.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	later := trusting.Clone()
	later.TLSClientConfig.Time = func() time.Time { return time.Date(2150, 1, 1, 0, 0, 0, 0, time.UTC) }
	_, port, _ := net.SplitHostPort(secured.Listener.Addr().String())

	for name, c := range map[string]struct {
		base  string
		by    *http.Transport
		says  string
		fix   string
		side  doctor.Side
		proof string // in the evidence
	}{
		"a name that does not resolve": {"https://no.such.name.example", failing(&net.DNSError{Err: "no such host", Name: "no.such.name.example", IsNotFound: true}),
			"does not resolve", "how base_url is spelled", doctor.You, "no such host"},
		"a DNS server that is silent": {"https://google.example", failing(&net.DNSError{Err: "i/o timeout", Name: "google.example", IsTimeout: true}),
			"No DNS server answers", "resolv.conf", doctor.Network, ""},
		"nobody listens":            {"http://" + nothing(t), nil, "refuses the connection", "port of base_url", doctor.Network, "refused"},
		"no way out":                {"https://google.example", failing(&net.OpError{Op: "dial", Err: errUnreachable}), "no route", "network connection", doctor.Network, ""},
		"packets that are dropped":  {"https://google.example", failing(context.DeadlineExceeded), "No connection", "firewall", doctor.Network, ""},
		"a connection that is cut":  {cut.URL, nil, "was cut", "firewall", doctor.Network, "EOF"},
		"a certificate of somebody": {secured.URL, nil, "is not trusted", "SSL_CERT_FILE", doctor.Network, "issued by"},
		"a certificate of another":  {"https://localhost:" + port, trusting, "is not that of localhost", "base_url", doctor.Network, ""},
		"a clock past certificates": {secured.URL, later, "is not valid at", "clock", doctor.You, ""},
		"TLS where there is none":   {strings.Replace(page.URL, "http:", "https:", 1), nil, "does not speak TLS", "http://", doctor.You, ""},
		"a proxy that is not there": {"https://google.example", through(t, "http://user:word@"+nothing(t)), "The proxy 127.0.0.1:", "HTTPS_PROXY", doctor.Network, "proxyconnect"},
		"a proxy that forbids":      {"https://google.example", through(t, forbidding.URL), "does not let the call through", "NO_PROXY", doctor.Network, ""},
		"a proxy that wants a word": {"http://google.example", through(t, guarded.URL), "wants a user and a password", "HTTPS_PROXY", doctor.Network, "407"},
		"a hotel":                   {page.URL, nil, "Something other than the API", "sign in", doctor.Network, "Sign in to Hotel Wi-Fi"},
		"a hotel that leads astray": {elsewhere.URL, nil, "Something other than the API", "sign in", doctor.Network, "HTTP 302 to http://login.example/"},
		"a server in front":         {broken.URL, nil, "fails (502)", "Wait a minute", doctor.Network, "502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			by := c.by
			if by == nil {
				by = &http.Transport{}
			}
			t.Cleanup(by.CloseIdleConnections)
			found := examine(t, &doctor.Doctor{Transport: by}, c.base)
			f := found["connection"]
			if f.State != doctor.Fault || f.Side != c.side || !strings.Contains(f.Says, c.says) || !strings.Contains(f.Fix, c.fix) || !strings.Contains(f.Evidence, c.proof) {
				t.Errorf("found %+v", f)
			}
			if strings.Contains(fmt.Sprint(f), "word@") {
				t.Errorf("the password of the proxy is shown: %+v", f)
			}
			for _, check := range []string{"key", "rights", "region", "models"} {
				if found[check].State != doctor.Skipped {
					t.Errorf("nobody could be asked, and yet: %+v", found[check])
				}
			}
		})
	}
}

func TestARestrictionOfAKeyIsNamed(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"API_KEY_HTTP_REFERRER_BLOCKED": "web pages", "API_KEY_IP_ADDRESS_BLOCKED": "IP addresses", "API_KEY_SERVICE_BLOCKED": "other APIs",
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=UTF-8")
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintf(w, `{"error":{"code":403,"message":"Requests with key the-key from referer <empty> are blocked.","status":"PERMISSION_DENIED",
					"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"domain":"googleapis.com",
					"metadata":{"consumer":"projects/123","service":"generativelanguage.googleapis.com"}}]}}`, reason)
			})
			f := examine(t, &doctor.Doctor{}, s.URL)["rights"]
			if f.State != doctor.Fault || f.Side != doctor.You || !strings.Contains(f.Says, want) || !strings.Contains(f.Fix, "https://console.cloud.google.com/apis/credentials") {
				t.Errorf("found %+v", f)
			}
		})
	}
}

func TestAKeyThatLooksWrongIsToldWithoutANetwork(t *testing.T) {
	t.Parallel()
	whole := "AIza" + strings.Repeat("x", 35)
	for key, odd := range map[string]string{
		whole: "", "AQ." + strings.Repeat("x", 50): "", whole[:30]: "30 characters", "sk-proj-12345": "OpenAI", "pk-abcdefgh": "virtual key of Plantain",
		"${GEMINI_KEY}": "not expanded", `"` + whole + `"`: "quotes", "ya29.token": "OAuth", "sim-1-a": "simulator", "hello": "does not begin as Google's do",
	} {
		lost := &net.DNSError{Err: "no such host", Name: "generativelanguage.googleapis.com", IsNotFound: true}
		d := &doctor.Doctor{Transport: failing(lost), Projects: []doctor.Project{{Name: "a", Base: "https://generativelanguage.googleapis.com", Key: plantain.NewSecret(key)}}}
		found := examine(t, d, "")
		if f := found["connection"]; f.State != doctor.Fault || f.Side != doctor.Network {
			t.Errorf("nobody misspelled Google's own name: %+v", f)
		}
		f := found["key"]
		if want := map[bool]doctor.State{true: doctor.Fault, false: doctor.Skipped}[odd != ""]; f.State != want || !strings.Contains(f.Says, odd) || strings.Contains(f.Says, key) {
			t.Errorf("%s: %+v", key, f)
		}
	}
}

// An aggregator need not have Google's list of models.
func TestAnAggregatorWithoutAListIsNoFault(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404 page not found", http.StatusNotFound) })
	d := &doctor.Doctor{Projects: []doctor.Project{{Name: "a", Kind: plantain.Compatible, Base: s.URL, Key: plantain.NewSecret("k")}}}
	for check, f := range examine(t, d, "") {
		if f.State == doctor.Fault {
			t.Errorf("%s: %+v", check, f)
		}
	}
	if able := d.Able(); len(able) != 1 {
		t.Error("a prompt could be sent through it all the same")
	}
}

func TestTheStatusFeedIsReadForWhatAnImageDependsOn(t *testing.T) {
	t.Parallel()
	const open = `{"id":"x","begin":"2026-11-24T08:00:00+00:00","external_desc":"Errors","uri":"incidents/x","affected_products":[{"title":%q}]%s}`
	for name, c := range map[string]struct {
		feed  string
		state doctor.State
		says  string
	}{
		"of Gemini":              {"[" + fmt.Sprintf(open, "Vertex Gemini API", "") + "]", doctor.Fault, "Vertex Gemini API"},
		"behind one of another":  {"[" + fmt.Sprintf(open, "Cloud SQL", "") + "," + fmt.Sprintf(open, "Gemini Developer API", "") + "]", doctor.Fault, "Gemini Developer API"},
		"of another":             {"[" + fmt.Sprintf(open, "Cloud SQL", "") + "]", doctor.OK, "1 open incidents are of other products"},
		"that ended":             {"[" + fmt.Sprintf(open, "Vertex Gemini API", `,"end":"2026-11-24T09:00:00+00:00"`) + "]", doctor.OK, ""},
		"with no end spelled so": {"[" + fmt.Sprintf(open, "Vertex Gemini API", `,"end":null`) + "]", doctor.Fault, "Vertex Gemini API"},
		"none":                   {"[]", doctor.OK, ""},
		"no list at all":         {`{"incidents":[]}`, doctor.Warning, "no list of incidents"},
		"a page":                 {"<html>", doctor.Warning, "no list of incidents"},
		"cut":                    {"[" + fmt.Sprintf(open, "Cloud SQL", ""), doctor.Warning, "no list of incidents"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Goog-Api-Key") != "" && strings.HasPrefix(r.URL.Path, "/incidents") {
					t.Error("the key was shown to the status page")
				}
				fmt.Fprint(w, c.feed)
			})
			if f := examine(t, &doctor.Doctor{Feed: s.URL + "/incidents.json"}, s.URL)["status feed"]; f.State != c.state || !strings.Contains(f.Says+f.Evidence, c.says) {
				t.Errorf("found %+v", f)
			}
		})
	}
}

func TestModelsThatEndAreToldInTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now   string
		asked plantain.Model
		state doctor.State
		says  string
	}{
		"long before":                       {"2026-05-01", "original", doctor.OK, ""},
		"two months before":                 {"2026-08-10", "original", doctor.Warning, "its end is announced for 2026-10-02"},
		"after":                             {"2026-11-24", "original", doctor.Warning, "its announced end was 2026-10-02"},
		"that others speak of an end to":    {"2026-11-24", "gemini-3.1-flash-image", doctor.OK, ""},
		"that has an end nobody speaks of":  {"2026-11-24", "pro", doctor.OK, ""},
		"under an id that has ended":        {"2026-11-24", "gemini-2.5-flash-image-preview", doctor.Warning, "gemini-2.5-flash-image-preview is an old id"},
		"under an id that others would end": {"2026-11-24", "models/gemini-3-pro-image-preview", doctor.Warning, "is an old id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.DateOnly, c.now)
			if err != nil {
				t.Fatal(err)
			}
			d := doctor.Doctor{Catalogue: gemini.DefaultCatalogue(), Model: c.asked, Now: func() time.Time { return now }}
			for _, f := range doctor.Run(t.Context(), d.Examine(t.Context()), nil) {
				if f.Check == "lifecycle" && (f.State != c.state || !strings.Contains(f.Says+f.Evidence, c.says)) {
					t.Errorf("found %+v", f)
				}
			}
		})
	}
}
