package plantain

import "time"

// A PictureID names a picture of the gallery.
type PictureID string

// A Picture is one that was paid for and is kept. Its bytes are no part of it.
type Picture struct {
	ID      PictureID
	Request RequestID
	Attempt AttemptID
	Client  ClientName
	Project ProjectName
	Model   Model  // that served
	Size    string // as asked: "1K"; empty: none was named
	Ratio   string // likewise: "16:9"
	Width   int    // in pixels; zero: its head does not tell
	Height  int    // likewise
	MIME    string // "image/png"
	Bytes   int64
	Digest  string // SHA-256 of the bytes, in hex
	Prompt  string // SHA-256 of the text that asked for it, in hex
	Text    string // that text, of the user's last turn, cut at 16 KiB; empty: there was none, or it is not kept
	Cost    Cost   // of the attempt that brought it, with all its pictures
	Made    time.Time

	// Identity is what a conversation knows it by, in hex: SHA-256 over its length and
	// both its ends. Empty: it was hung before that was kept.
	Identity string
	Given    []string  // identities of the pictures that came with the text; [Unidentified] for a link
	Thread   RequestID // the request that began its conversation, which may be its own
	Parent   RequestID // the request that its own goes on with; empty: it began the thread
	Draft    string    // it is a draft for this size; empty: it is none
	Final    bool      // it was asked for as its parent at the final size
	Healed   string    // how its request was, as Plantain-Healed says; empty: it was sent as it came
}

// Unidentified stands in the place of the identity of a picture that a request names
// without its bytes.
const Unidentified = "-"

// File is the name of its file.
func (p Picture) File() string {
	switch p.MIME {
	case "image/png":
		return string(p.ID) + ".png"
	case "image/jpeg":
		return string(p.ID) + ".jpg"
	case "image/webp":
		return string(p.ID) + ".webp"
	default:
		return string(p.ID) + ".image"
	}
}
