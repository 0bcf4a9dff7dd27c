package gemini

import (
	"net/http"
	"time"

	"github.com/plantainhq/plantain"
)

// Facts is what an exchange showed: how far it got, what the headers said, and
// what the scanner found in the body. It is all that a verdict, a ledger entry
// and a thread need; the pictures themselves are not in it.
type Facts struct {
	Stage  plantain.Stage // how far the exchange got
	Status int            // HTTP status; zero: no answer came
	Header http.Header    // of the answer; nil: none
	Took   time.Duration  // from the first byte out to the last byte in
	Body   Body           // what was found in the answer's body
	Asked  Asked          // what the request had asked for
	Err    error          // the local cause where Stage is not Done
}

// Form is the shape of a body.
type Form string

// The forms of a body. Zero: nothing was there.
const (
	FormEmpty  Form = ""       // no byte, or white space alone
	FormJSON   Form = "json"   // one JSON value
	FormEvents Form = "events" // server-sent events, each a JSON value
	FormText   Form = "text"   // anything else: plain text, HTML, the text of a client
)

// Body is what the scanner found in the body of an answer. The counts speak of
// the whole body, whatever its form; strings are cut at [MaxText] bytes. Where a
// body was cut, what had come of a text counts, what had come of a picture does
// not. A FormJSON body may be several values, one after another.
type Body struct {
	Form     Form
	Bytes    int64  // length of the body
	Events   int    // JSON values of server-sent events, of a streamed JSON array, or one per line
	Complete bool   // the last JSON value was closed and nothing but white space followed
	Broken   bool   // the JSON or its framing has a syntax error
	Fault    string // where and why it is broken, for a log; empty: it is not
	Cut      bool   // parts, texts or errors were left out to stay within bounds

	Candidates    int    // elements of candidates (or of OpenAI choices), over all events
	FinishReason  string // of the first candidate; of the last event that has one; OpenAI's is "stop"
	FinishMessage string
	BlockReason   string // promptFeedback.blockReason
	BlockMessage  string // promptFeedback.blockReasonMessage
	Blocked       bool   // a safety rating had blocked:true
	State         string // status of the whole, as Interactions have it: "completed"
	Bare          bool   // nothing at all was in it, or its list of answers was empty

	ModelVersion string
	ResponseID   string
	Continuation string // continuationToken: a request that carries it goes on with this answer
	Usage        Usage

	Parts  []Part // in order of their coming, over all events
	Errors []ErrorFacts
	Text   string // the start of a FormText body
	Opaque int64  // length of the longest string at a place that is not known; it may be a picture
	Links  int    // pictures given as a link or a data URL inside a text, as aggregators do
	Key    string // "key" of a batch result line; empty elsewhere
}

// MaxText is how many bytes of any string the scanner keeps; of a picture it
// keeps what Part says.
const MaxText = 16 << 10

// Usage is usageMetadata (gemini-api.md §4). Zero: not in the body.
type Usage struct {
	Seen       bool // usageMetadata was there, with a count in it
	Prompt     int64
	Candidates int64
	Thoughts   int64
	Total      int64
	Cached     int64
	ToolPrompt int64
	// ImageOut and TextOut are the entries of candidatesTokensDetails by modality.
	// Candidates exceeds their sum on the Gemini API; the rest is text.
	ImageOut int64
	TextOut  int64
	// ImageIn is the IMAGE entry of promptTokensDetails.
	ImageIn     int64
	ServiceTier string
}

// Kind is what a part of a model's turn holds.
type Kind string

// The kinds of a part.
const (
	KindText  Kind = "text"
	KindImage Kind = "image" // inlineData, fileData or an aggregator's b64_json, with a picture
	KindOther Kind = "other" // functionCall and the like
)

// A Part is one part of a candidate's content. A picture of an Imagen or OpenAI
// shaped answer counts as one, too.
type Part struct {
	Kind    Kind
	Thought bool
	Text    string // of a text part, cut at MaxText
	TextAt  Span   // where all of it stands in the body, without quotes
	Inside  []Part // pictures that stand in the text, as far as [Asked.LookInside] looked
	MIME    string // of a picture, as the body says
	URI     string // of fileData
	// Width and Height are read from the picture's own header. Zero: not readable.
	Width, Height int
	// Decoded is the length of the picture in bytes; Digest is SHA-256 over that
	// length (8 bytes, big endian) and its first and last 8 KiB: the identity of
	// a picture, since a full hash of 25 MB would cost more than the relay itself.
	Decoded int64
	Digest  [32]byte
	// Data and Signature are where the base64 of the picture and of the signature
	// stand in the body, without quotes. Signature.Len zero: none; where it has a
	// Start all the same, an empty one or a null stands there. A data URL's Data
	// begins behind its comma.
	Data, Signature Span
	// Object is the whole part in the body, braces included, so that a signature
	// can be put behind the first of them. Len zero: it was cut.
	Object Span
}

// A Span is a run of bytes of a body, by offset from its start. Escaped says
// that the run holds JSON escapes, so that it must be unquoted before use.
type Span struct {
	Start, Len int64
	Escaped    bool
}

// ErrorFacts is one layer of an error body, the outermost first: gateways wrap
// Google's error JSON in strings of their own (failures/README.md), and a layer
// follows the one in whose text it was found. A message beside error, or in place
// of it, is a layer of its own, and so is the text of an SDK. Equal layers, as
// of a gateway that quotes every attempt, count once.
type ErrorFacts struct {
	Code       int64  // error.code; gRPC codes below 17 in a batch item
	CodeText   string // error.code where it is a word, else error.type
	Status     string // "RESOURCE_EXHAUSTED"
	Message    string
	Reason     string // ErrorInfo.reason, with or without an @type; else that of error.errors
	Domain     string
	Metadata   map[string]string // ErrorInfo.metadata, nil where empty
	Violations []Violation
	RetryDelay time.Duration // RetryInfo, else quotaResetDelay of ErrorInfo
	HasDelay   bool
	Fields     []FieldViolation
	Debug      string // DebugInfo.detail; may repeat a key, so never show it
}

// A Violation is one entry of QuotaFailure.
type Violation struct {
	Metric, ID, Model, Location string
	Value                       string // "" where Google omitted it, as it does for 0
	FutureValue                 string
}

// A FieldViolation is one entry of BadRequest.
type FieldViolation struct{ Field, Description string }

// Asked is what a request asked for, found in its body as it passed.
type Asked struct {
	Bytes int64
	Valid bool   // the body is one complete JSON object
	Fault string // why it is not, with the byte where that showed; empty: it is
	Cut   bool   // turns, parts or texts were left out to stay within bounds
	// Size and Ratio as the client spelled them; empty: not named. The enum
	// spelling of responseFormat.image is translated ("ONE_K" to "1K").
	Size, Ratio string
	Candidates  int64  // candidateCount; zero: not named
	Modalities  string // responseModalities, upper case, joined by ","
	ServiceTier string
	// Continuation is the continuationToken of the answer that this goes on with.
	Continuation string
	Prompt       string // text of the last user turn, parts joined by "\n", cut at MaxText
	TextBytes    int64  // length of all texts, for an estimate of tokens
	Images       int    // pictures sent along, in all turns
	Turns        []Turn
}

// A Turn is one entry of contents.
type Turn struct {
	Role   string
	RoleAt Span // where the role stands in the body, without quotes. Len zero: nowhere
	Parts  []Part
}
