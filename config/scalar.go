package config

import (
	"math/big"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hbollon/go-edlib"

	"github.com/plantainhq/plantain"
)

var variable = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the environment in for ${NAME}; $${ stands for a plain ${. The
// complaint is empty where all went well; unset says that all it is about is a
// variable without a value.
func expand(text string, env func(string) string) (expanded, complaint string, unset bool) {
	expanded = variable.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name := strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")
		switch {
		case !strings.HasSuffix(found, "}") || !variableName.MatchString(name):
			complaint, unset = strconv.Quote(found)+" is not the name of an environment variable such as ${STUDIO_A_KEY}; for a plain ${ write $${", false
		case env(name) == "" && complaint == "":
			complaint, unset = "the environment variable "+name+" is not set", true
		}
		return env(name)
	})
	return expanded, complaint, unset
}

func parseDuration(text string) (time.Duration, bool) {
	d, err := plantain.ParseSpan(text)
	return d, err == nil
}

var bytesText = regexp.MustCompile(`^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([KMGT]?i?B)$`)

var bytesUnit = map[string]int64{
	"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// parseBytes reads "20GB" and "128MiB"; a number alone is no size.
func parseBytes(text string) (int64, bool) {
	m := bytesText.FindStringSubmatch(text)
	if m == nil || bytesUnit[m[2]] == 0 {
		return 0, text == "0"
	}
	amount, ok := new(big.Rat).SetString(m[1])
	if !ok {
		return 0, false
	}
	amount.Mul(amount, big.NewRat(bytesUnit[m[2]], 1))
	whole := new(big.Int).Quo(amount.Num(), amount.Denom())
	return whole.Int64(), whole.IsInt64()
}

// parseShare reads 0.2 and 20%.
func parseShare(text string) (float64, bool) {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	return v, err == nil && v >= 0 && v <= 1
}

var factorText = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3})?$`)

// parsePermille reads a factor with at most three decimals, in thousandths.
func parsePermille(text string) (int, bool) {
	if !factorText.MatchString(text) {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	v, err := strconv.Atoi(whole + (fraction + "000")[:3])
	return v, err == nil
}

func parseLimit(text string) (int64, bool) {
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil && v >= 0
}

func parseBool(text string) (value, ok bool) {
	return text == "true", text == "true" || text == "false"
}

// parseListen checks the form of host:port, not that it can be listened on.
func parseListen(text string) (string, bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", false
	}
	n, err := strconv.Atoi(port)
	return text, err == nil && n >= 0 && n <= 65535 && !strings.ContainsAny(host, " /@")
}

// baseURL checks the URL before "/v1beta". It is not shown in a complaint, for
// people put keys into URLs.
func baseURL(text string) (base, complaint string) {
	u, err := url.Parse(text)
	if err != nil || !reachable(u) {
		return "", "a base URL is http:// or https:// and the name or address of a host, such as https://aggregator.example"
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "a base URL has no user, query or fragment; a key belongs into api_key"
	}
	base = strings.TrimRight(text, "/")
	for _, version := range []string{"/v1", "/v1beta", "/v1beta1"} {
		if strings.HasSuffix(strings.TrimRight(u.Path, "/"), version) {
			return "", "a base URL ends before " + version + ", which Plantain adds itself"
		}
	}
	return base, ""
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// reachable reports an http or https URL of what can be a host: "https://…" has none.
func reachable(u *url.URL) bool {
	host := u.Hostname()
	return (u.Scheme == "http" || u.Scheme == "https") && (hostName.MatchString(host) && !strings.Contains(host, "..") || net.ParseIP(host) != nil)
}

// printable reports whether a key is made of visible ASCII alone.
func printable(key string) bool {
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// nearest gives the known word that was probably meant; empty: none is near.
func nearest(word string, known []string) string {
	best, distance := "", 1+max(len(word), 3)/3
	for _, k := range known {
		if d := edlib.OSADamerauLevenshteinDistance(plain(word), plain(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// plain makes apiKey, api-key and api_key one word.
func plain(word string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(word))
}
