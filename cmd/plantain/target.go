package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A target is where a picture goes: a file that does not exist yet, or standard
// output.
type target struct {
	path   string
	stdout io.Writer // nil: a file
}

// aim finds the target of -O, or one of a name, and tries whether it can be written,
// so that it costs nothing where it can't.
func aim(w *world, out, name string) (*target, error) {
	switch out {
	case "-":
		return aimAtStdout(w)
	case "":
		out = name
	default:
		if err := free(out); err != nil {
			return nil, err
		}
	}
	try, err := os.CreateTemp(filepath.Dir(out), ".plantain-*")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s cannot be written: %w", errUsage, out, err)
	}
	return &target{path: out}, errors.Join(try.Close(), os.Remove(try.Name()))
}

// free refuses a name that is taken or in no folder.
func free(out string) error {
	folder := filepath.Dir(out)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("%w\n%s cannot be written: there is no folder %s", errUsage, out, folder)
	}
	info, err := os.Stat(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && info.IsDir():
		return fmt.Errorf("%w\n%s is a folder; name a file in it with -O", errUsage, out)
	default:
		return fmt.Errorf("%w\n%s exists already; choose another name with -O", errUsage, out)
	}
}

func aimAtStdout(w *world) (*target, error) {
	if w.output == "json" {
		return nil, fmt.Errorf("%w\n-O - writes the picture to standard output, where -o json would print; choose one of them", errUsage)
	}
	if f, ok := w.stdout.(*os.File); ok && isTerminal(f) {
		return nil, fmt.Errorf("%w\n-O - would write the picture to the terminal; pipe it somewhere, or name a file", errUsage)
	}
	return &target{stdout: w.stdout}, nil
}

// write puts the picture there and gives its path, empty for standard output. A
// picture that was paid for and finds no room there goes to the system's temporary
// folder, and the error says so.
func (t *target) write(w *world, m *made) (path string, err error) {
	if t.stdout != nil {
		if _, err := t.stdout.Write(m.picture); err != nil {
			return "", fmt.Errorf("write the picture of request %s: %w", m.Request, err)
		}
		return "", nil
	}
	name, another := named(t.path, m.mime)
	if another {
		fmt.Fprintf(w.stderr, "plantain: the picture is %s, so its name does not end in %s\n", m.mime, filepath.Ext(t.path))
	}
	if path, err = writeNew(name, m.picture); err == nil {
		return path, nil
	}
	spare, failed := writeNew(filepath.Join(os.TempDir(), filepath.Base(name)), m.picture)
	if failed != nil {
		return "", fmt.Errorf("the picture of request %s is lost: %w", m.Request, errors.Join(err, failed))
	}
	return "", fmt.Errorf("%w; it is in %s instead", err, spare)
}

// pictureNames are the endings of file names by type, the usual one first.
var pictureNames = map[string][]string{
	"image/jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"},
	"image/png":  {".png"},
	"image/webp": {".webp"},
	"image/gif":  {".gif"},
	"image/avif": {".avif"},
	"image/heic": {".heic", ".heif"},
	"image/tiff": {".tif", ".tiff"},
	"image/bmp":  {".bmp"},
}

// extension is the usual ending for a type of picture.
func extension(mime string) string {
	if names := pictureNames[mime]; len(names) > 0 {
		return names[0]
	}
	return ".jpg"
}

// named gives a path the ending of what it holds: behind a name that has none of a
// picture, and in the place of that of another type.
func named(path, mime string) (name string, another bool) {
	ext := filepath.Ext(path)
	for kind, names := range pictureNames {
		if !slices.Contains(names, strings.ToLower(ext)) {
			continue
		}
		if kind == mime {
			return path, false
		}
		return strings.TrimSuffix(path, ext) + extension(mime), true
	}
	return path + extension(mime), false
}

// writeNew writes a file that does not exist yet, with a number where the name is
// taken.
func writeNew(path string, data []byte) (string, error) {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for n := 1; ; n++ {
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", stem, n, ext)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("write the picture: %w", err)
		}
		_, err = f.Write(data)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", errors.Join(fmt.Errorf("write the picture: %w", err), os.Remove(path))
		}
		return path, nil
	}
}

// slug names a file after the first words of a prompt.
func slug(prompt string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(prompt) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "image"
}
