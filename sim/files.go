package sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// file is an entry of the Files API (gemini-api.md §1). Files belong to the project that made them.
type file struct {
	Name       string    `json:"name"`
	Display    string    `json:"displayName,omitempty"`
	MIME       string    `json:"mimeType"`
	Size       string    `json:"sizeBytes"`
	Created    time.Time `json:"createTime"`
	Updated    time.Time `json:"updateTime"`
	Expiration time.Time `json:"expirationTime"`
	Hash       string    `json:"sha256Hash"` // base64 of the hex digest
	URI        string    `json:"uri"`
	State      string    `json:"state"`
	Source     string    `json:"source"`

	owner string
	data  []byte
}

type fileStore struct {
	mu      sync.Mutex
	files   []*file
	uploads map[string]*upload
}

// upload is one resumable upload.
type upload struct {
	owner, display, mime string
	data                 []byte
}

const fileLife = 48 * time.Hour

func (fs *fileStore) reset() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.files, fs.uploads = nil, map[string]*upload{}
}

// find returns a live file of a project.
func (fs *fileStore) find(owner, id string, now time.Time) *file {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.files {
		if f.Name == "files/"+id && f.owner == owner && now.Before(f.Expiration) {
			return f
		}
	}
	return nil
}

// add keeps data under a new id.
func (s *Server) addFile(u upload, source, base string) *file {
	now := s.now().UTC()
	id := fileID(s)
	sum := sha256.Sum256(u.data)
	f := &file{Name: "files/" + id, Display: u.display, MIME: u.mime, Size: strconv.Itoa(len(u.data)), Created: now, Updated: now,
		Expiration: now.Add(fileLife), Hash: base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))),
		URI: base + "/v1beta/files/" + id, State: "ACTIVE", Source: source, owner: u.owner, data: u.data}
	s.files.mu.Lock()
	defer s.files.mu.Unlock()
	s.files.files = append(s.files.files, f)
	return f
}

func fileID(s *Server) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	r := s.dice.fork()
	b := make([]byte, 12)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// base is how the client reached the server: what links in answers must begin with.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func fileDenied(id string) *refusal {
	return denied("You do not have permission to access the File " + id + " or it may not exist.")
}

// fileOf is the content and type of a fileData part.
func (g *generation) fileOf(uri string) ([]byte, string, *refusal) {
	_, id, ok := strings.Cut(uri, "files/")
	if !ok {
		return nil, "", invalid("Cannot fetch content from the provided URL.")
	}
	id, _, _ = strings.Cut(id, ":")
	f := g.s.files.find(g.project.id(), id, g.s.now())
	if f == nil {
		return nil, "", fileDenied(id)
	}
	return f.data, f.MIME, nil
}

// keep makes a file of a picture that was asked for by URI, and returns where it is.
func (g *generation) keep(p *picture) string {
	return g.s.addFile(upload{owner: g.project.id(), mime: p.mime, data: p.data}, "GENERATED", base(g.r)).URI
}

// serveFiles answers /{v}/files…, /upload/… and /download/….
func (s *Server) serveFiles(w http.ResponseWriter, r *http.Request, rest string, uploading bool) {
	began := s.now()
	if id := r.URL.Query().Get("upload_id"); uploading && id != "" {
		s.receive(w, r, id)
		return
	}
	p, refused := admit(r)
	entry := s.account.open(Request{Time: began, Project: p.name, Tier: p.tier, Method: r.Method + " files", Path: r.URL.Path})
	if refused == nil {
		g := &generation{s: s, w: w, r: r, project: p, entry: entry, began: began}
		if f := g.take(atKey); f != nil {
			refused = g.fail(f)
		}
	}
	status := http.StatusOK
	if refused == nil {
		refused = s.fileCall(w, r, p, rest, uploading)
	}
	if refused != nil {
		status = refused.code
		s.refuse(w, refused, began, false)
	}
	s.account.note(entry, func(e *Request) { e.Status = status })
}

func (s *Server) fileCall(w http.ResponseWriter, r *http.Request, p project, rest string, uploading bool) *refusal {
	id, verb, _ := strings.Cut(strings.TrimPrefix(rest, "files"), ":")
	id = strings.TrimPrefix(id, "/")
	switch {
	case uploading && r.Method == http.MethodPost && r.Header.Get("X-Goog-Upload-Command") == "start":
		return s.startUpload(w, r, p)
	case uploading:
		return invalid("Only resumable uploads are served here: X-Goog-Upload-Protocol: resumable, X-Goog-Upload-Command: start.")
	case id == "" && r.Method == http.MethodGet:
		s.reply(w, map[string]any{"files": s.filesOf(p)}, s.now())
		return nil
	}
	f := s.files.find(p.id(), id, s.now())
	switch {
	case f == nil:
		return fileDenied(id)
	case r.Method == http.MethodDelete:
		s.files.mu.Lock()
		defer s.files.mu.Unlock()
		s.files.files = slices.DeleteFunc(s.files.files, func(o *file) bool { return o == f })
		s.reply(w, struct{}{}, s.now())
	case verb == "download":
		s.header(w, http.StatusOK, f.MIME, s.now())
		w.Write(f.data)
	default:
		s.reply(w, f, s.now())
	}
	return nil
}

func (s *Server) filesOf(p project) []*file {
	s.files.mu.Lock()
	defer s.files.mu.Unlock()
	list := []*file{}
	for _, f := range s.files.files {
		if f.owner == p.id() && s.now().Before(f.Expiration) {
			list = append(list, f)
		}
	}
	return list
}

func (s *Server) startUpload(w http.ResponseWriter, r *http.Request, p project) *refusal {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return invalidArgument()
	}
	v, err := parse(body)
	if len(body) > 0 && err != nil {
		return invalid(err.Error())
	}
	name := v.field("file").field("displayName").text()
	if name == "" {
		name = r.Header.Get("X-Goog-Upload-File-Name")
	}
	id := newResponseID(s.now(), s.dice.fork())
	s.files.mu.Lock()
	s.files.uploads[id] = &upload{owner: p.id(), display: name, mime: r.Header.Get("X-Goog-Upload-Header-Content-Type")}
	s.files.mu.Unlock()
	url := base(r) + "/upload/v1beta/files?upload_id=" + id + "&upload_protocol=resumable"
	h := w.Header()
	h.Set("X-Goog-Upload-Url", url)
	h.Set("X-Goog-Upload-Control-Url", url)
	h.Set("X-Goog-Upload-Status", "active")
	h.Set("X-Goog-Upload-Chunk-Granularity", "8388608")
	s.header(w, http.StatusOK, "text/plain; charset=utf-8", s.now())
	return nil
}

// receive takes bytes of an upload; the one that says finalize makes the file.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, id string) {
	s.files.mu.Lock()
	u := s.files.uploads[id]
	s.files.mu.Unlock()
	if u == nil {
		s.refuse(w, &refusal{code: http.StatusNotFound, status: "NOT_FOUND", message: "Upload not found."}, s.now(), false)
		return
	}
	data, err := io.ReadAll(r.Body)
	s.files.mu.Lock()
	have := len(u.data)
	if at := r.Header.Get("X-Goog-Upload-Offset"); err == nil && at == fmt.Sprint(have) {
		u.data = append(u.data, data...)
	} else {
		err = fmt.Errorf("offset %s, have %d bytes", at, have)
	}
	s.files.mu.Unlock()
	if err != nil {
		s.refuse(w, invalid("Invalid upload offset: "+err.Error()), s.now(), false)
		return
	}
	if !strings.Contains(r.Header.Get("X-Goog-Upload-Command"), "finalize") {
		w.Header().Set("X-Goog-Upload-Status", "active")
		s.header(w, http.StatusOK, "text/plain; charset=utf-8", s.now())
		return
	}
	s.files.mu.Lock()
	delete(s.files.uploads, id)
	s.files.mu.Unlock()
	w.Header().Set("X-Goog-Upload-Status", "final")
	s.reply(w, map[string]any{"file": s.addFile(*u, "UPLOADED", base(r))}, s.now())
}
