package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// unwritable adds what to do to the error of a place that can't be written, which a
// setting of plantain.yaml names.
func unwritable(setting string, err error) error {
	var fix string
	switch {
	case errors.Is(err, syscall.EROFS):
		fix = "its disk is mounted read-only: mount it for writing"
	case errors.Is(err, syscall.ENOSPC), err != nil && strings.Contains(err.Error(), "disk is full"): // SQLite's words
		fix = "its disk is full: make room"
	case errors.Is(err, fs.ErrPermission):
		fix = "the user that runs plantain may not write there: give it the right to"
	default:
		return err
	}
	return fmt.Errorf("%w; %s, or name another place by %s in plantain.yaml", err, fix, setting)
}
