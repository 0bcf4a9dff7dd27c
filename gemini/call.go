package gemini

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
)

// MaxInline is how large a request may be with its pictures in it, in bytes: it was
// raised from 20 to 100 MB in January 2026 (gemini-api.md §2).
const MaxInline = 100 << 20

// A Call is a request for a picture that is made here, in the words of generateContent.
type Call struct {
	Turns       []CallTurn
	Size, Ratio string // empty: left to the model
}

// A CallTurn is one entry of contents.
type CallTurn struct {
	Role  string // "user" or "model"
	Parts []CallPart
}

// A CallPart is a text or, where there is a MIME, a picture.
type CallPart struct {
	Text string
	MIME string
	Open func() (io.ReadCloser, error) // of the picture
}

// Body gives the JSON of the call, which is made while it is read. A picture that can't
// be read is an error of the reader. Close it, also before its end.
func (c *Call) Body() io.ReadCloser {
	read, write := io.Pipe()
	go func() {
		to := bufio.NewWriterSize(write, 64<<10)
		err := c.write(to)
		if err == nil {
			err = to.Flush()
		}
		_ = write.CloseWithError(err) // it gives none
	}()
	return read
}

func (c *Call) write(to *bufio.Writer) error {
	begin := `{"contents":[`
	for _, turn := range c.Turns {
		_, _ = to.WriteString(begin + `{"role":"` + turn.Role + `","parts":[`) // an error stays until Flush
		begin = ","
		for n, p := range turn.Parts {
			if n > 0 {
				_ = to.WriteByte(',')
			}
			if err := p.write(to); err != nil {
				return err
			}
		}
		_, _ = to.WriteString("]}")
	}
	config, err := json.Marshal(c.config())
	_, _ = to.WriteString(`],"generationConfig":` + string(config) + "}")
	return err
}

func (p CallPart) write(to *bufio.Writer) error {
	if p.MIME == "" {
		text, err := json.Marshal(map[string]string{"text": p.Text})
		_, _ = to.Write(text)
		return err
	}
	picture, err := p.Open()
	if err != nil {
		return err
	}
	defer func() { _ = picture.Close() }()
	mime, err := json.Marshal(p.MIME)
	if err != nil {
		return err
	}
	_, _ = to.WriteString(`{"inlineData":{"mimeType":` + string(mime) + `,"data":"`)
	encode := base64.NewEncoder(base64.StdEncoding, to)
	if _, err := io.Copy(encode, picture); err != nil {
		return err
	}
	_ = encode.Close() // which writes the padding
	_, _ = to.WriteString(`"}}`)
	return nil
}

type callConfig struct {
	Modalities []string   `json:"responseModalities"`
	Image      *callImage `json:"imageConfig,omitempty"`
}

type callImage struct {
	Size  string `json:"imageSize,omitempty"`
	Ratio string `json:"aspectRatio,omitempty"`
}

func (c *Call) config() callConfig {
	config := callConfig{Modalities: []string{"TEXT", "IMAGE"}}
	if c.Size != "" || c.Ratio != "" {
		config.Image = &callImage{c.Size, c.Ratio}
	}
	return config
}
