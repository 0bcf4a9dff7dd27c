// Package config turns plantain.yaml and the environment into one checked struct
// of plain values. It decides what a valid setting is and says on which line one
// is not; what the settings do, it does not know.
package config

import (
	"math"
	"os"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Config is everything that can be set, checked and with its defaults filled in.
type Config struct {
	Listen string // host:port; whether a host other than loopback is wise, the gateway decides
	// Store is "sqlite:FILE" or "postgres://…"; secret, as a URL may hold a password.
	Store  plantain.Secret
	Images string // "file:FOLDER" or "s3://BUCKET?region=…"

	Projects []Project // at least one
	OfEnv    bool      // that is the one of the environment, as the file names none
	// FallbackModels may serve, in this order, when the model asked for has no room in
	// time or no capacity; by their served ids.
	// Empty: none.
	FallbackModels []plantain.Model
	// Named are the models that the file names, in its order and as it names them: by an
	// alias or an old id, too. Those of the catalogue are not among them.
	Named []plantain.Model

	Timeout   time.Duration // the longest that a single attempt may take
	Retry     Retry
	Queue     Queue
	Billing   Billing
	Clients   Clients
	Retention Retention
	Spool     Spool

	SpendAlerts SpendAlerts

	StatusFeed string            // where Google tells of incidents; empty: not asked
	Catalogue  *gemini.Catalogue `json:"-"` // the models, with the overrides of the file
}

// Project is one Google Cloud project, with what it is reached by: an API key or
// Vertex.
type Project struct {
	Name     plantain.ProjectName
	Upstream plantain.Upstream
	APIKey   plantain.Secret
	BaseURL  string // without version and trailing slash; empty: Google's own for the upstream
	// Tier is 1 to 3, or gemini.FreeTier. Zero: none was named for an upstream
	// other than the Gemini API.
	Tier int
	// Limits go before those of the tier, by served model. What is not in the map
	// is not set; a zero is a limit of zero.
	Limits map[plantain.Model]map[plantain.Limit]int64
	Vertex Vertex
	// PricePermille is what the upstream takes, in thousandths of Google's price.
	PricePermille int
	// ProbeLimits allows single requests beyond a limit that a refusal disclosed, to
	// find out whether it is higher by now.
	ProbeLimits bool
	Weight      int // how far its room is used before it is another's turn; at least 1
}

// Vertex is where and how Vertex AI is reached. The zero value: not at all.
type Vertex struct {
	Project, Location string
	Credentials       string // a file; empty: the credentials of the environment
}

// Retry is the part of the retry table that can be set.
type Retry struct {
	Attempts  int           // of one request, at least 1
	Base, Cap time.Duration // the first and the longest back-off
	MaxWait   time.Duration // of one request over all waits; zero: its deadline and the queue bound it
	NoImage   int           // how often to try again after an answer without an image, which may have cost money
	Unknown   int           // how often to try again when it is not known whether it was charged
	// Budget is the share of requests, 0 to 1, that may be retries.
	Budget float64
}

// Queue is where requests wait for room.
type Queue struct {
	MaxWait   time.Duration
	MaxLength int
}

// Billing is what to believe where Google says nothing.
type Billing struct {
	Filtered plantain.FilteredBilling
}

// Clients is what each client of the gateway may do.
type Clients struct {
	Concurrency int // requests at once; zero: as many as it likes
}

// Retention is how long things are kept, and how many bytes of them. A zero, of an age
// as of a size, keeps nothing from now on; [Unlimited] is no bound.
type Retention struct {
	Images         time.Duration
	ImagesMax      int64
	Prompts        bool          // the text that asked for an image is kept beside it
	Signatures     time.Duration // of what a model's turn carried, since it was last needed
	SignaturesMax  int64
	Idempotency    time.Duration // of the answer to a request
	IdempotencyMax int64
	Filtered       time.Duration // of requests that were filtered
}

// Unlimited is the age and the size of what is kept without a bound.
const Unlimited = math.MaxInt64

// SpendAlerts say where to tell that spend passes a threshold. The zero value: nowhere.
type SpendAlerts struct {
	Webhook    plantain.Secret        // a URL, which often is a secret itself; empty: nobody is told
	Day, Month []plantain.Nanodollars // the amounts that are told of, above zero
}

// Spool is where bodies are held.
type Spool struct {
	Memory int64 // bytes, all bodies together; beyond it they go to the images folder
}

// Default is the config of an empty file: no project yet, all else set.
func Default() Config {
	const day = 24 * time.Hour
	return Config{
		Listen:     "127.0.0.1:8787",
		Store:      plantain.NewSecret("sqlite:plantain.db"),
		Images:     "file:./images",
		Timeout:    300 * time.Second,
		Retry:      Retry{Attempts: 6, Base: time.Second, Cap: 32 * time.Second, Budget: 0.2},
		Queue:      Queue{MaxWait: 120 * time.Second, MaxLength: 1000},
		Billing:    Billing{Filtered: plantain.FilteredCharged},
		Retention:  Retention{Images: 30 * day, ImagesMax: 20e9, Prompts: true, Signatures: 7 * day, SignaturesMax: 10e9, Idempotency: day, IdempotencyMax: 5e9, Filtered: day},
		Spool:      Spool{Memory: 128 << 20},
		StatusFeed: "https://status.cloud.google.com/incidents.json",
		Catalogue:  gemini.DefaultCatalogue(),
	}
}

// Load reads a file. What is wrong in it is an [*Error] with a line for each
// problem. A file that names no projects gets the one of the environment; where
// there is none either, or not the key of a project, the config comes with a Keyless error.
func Load(path string, env func(string) string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, env)
}

// FromEnv is the config where there is no file: the defaults, and one project
// called "default" with the key in GOOGLE_API_KEY or GEMINI_API_KEY. The former
// wins, as it does in Google's SDKs. PLANTAIN_UPSTREAM is its base URL. Without a key
// the config comes with a Keyless error.
func FromEnv(env func(string) string) (*Config, error) {
	c := Default()
	if e := c.fromEnv(env); e != nil {
		return e.with(&c)
	}
	return &c, nil
}

// fromEnv adds the project of the environment; nil: it could.
func (c *Config) fromEnv(env func(string) string) *Error {
	p, e := projectOfEnv(env)
	if e == nil {
		c.Projects, c.OfEnv = []Project{p}, true
	}
	return e
}

func projectOfEnv(env func(string) string) (Project, *Error) {
	p := Project{Name: "default", Upstream: plantain.Gemini, Tier: 1, PricePermille: 1000, Weight: 1}
	for _, name := range []string{"GOOGLE_API_KEY", "GEMINI_API_KEY"} {
		key := strings.TrimSpace(env(name))
		if key == "" {
			continue
		}
		if !printable(key) {
			return Project{}, &Error{Problems: []Problem{{Message: name + " holds white space or other characters that no API key has"}}}
		}
		p.APIKey = plantain.NewSecret(key)
		break
	}
	if p.APIKey.Empty() {
		return Project{}, &Error{Keyless: true, Problems: []Problem{{Message: "no API key: set GEMINI_API_KEY to a key from " +
			"https://aistudio.google.com/apikey, or list your projects in plantain.yaml; `plantain demo` needs no key"}}}
	}
	if upstream := strings.TrimSpace(env("PLANTAIN_UPSTREAM")); upstream != "" {
		base, complaint := baseURL(upstream)
		if complaint != "" {
			return Project{}, &Error{Problems: []Problem{{Message: "PLANTAIN_UPSTREAM: " + complaint}}}
		}
		p.BaseURL = base
	}
	return p, nil
}
