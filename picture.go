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
	Model   Model // that served
	Size    string
	Width   int    // in pixels; zero: its head does not tell
	Height  int    // likewise
	MIME    string // "image/png"
	Bytes   int64
	Digest  string // SHA-256 of the bytes, in hex
	Prompt  string // SHA-256 of the text that asked for it, in hex; the text is not kept
	Cost    Cost   // of the attempt that brought it, with all its pictures
	Made    time.Time
}

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
