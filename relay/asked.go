package relay

import (
	"fmt"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// asAsked compares an answer with what was asked: "as-asked", or what differs,
// such as "size=1K asked=4K, ratio=1:1 asked=16:9". Google ignores sizes and
// ratios without a word. It is empty where there is nothing to compare: no
// picture, or one whose pixels could not be read.
func asAsked(a *ask, b *gemini.Body) string {
	p := lastPicture(b.Parts)
	if p == nil || !a.route.pays() {
		return mapped(a)
	}
	var differs []string
	if served := gemini.BareModel(plantain.Model(b.ModelVersion)); served != "" && served != a.entry.ID {
		differs = append(differs, differ("model", string(served), string(a.route.model)))
	} else if m := mapped(a); m != "" {
		differs = append(differs, m)
	}
	if p.Width > 0 {
		differs = append(differs, pixelsAsAsked(a, p.Width, p.Height)...)
	} else if len(differs) == 0 {
		return ""
	}
	if len(differs) == 0 {
		return "as-asked"
	}
	return strings.Join(differs, ", ")
}

func pixelsAsAsked(a *ask, width, height int) (differs []string) {
	size, ratio, known := a.entry.Made(width, height)
	if !known {
		if a.asked.Size == "" && a.asked.Ratio == "" {
			return nil
		}
		wanted := strings.TrimSpace(a.asked.Size + " " + a.asked.Ratio)
		return []string{differ("pixels", fmt.Sprintf("%dx%d", width, height), wanted)}
	}
	if a.asked.Size != "" && size != a.asked.Size {
		differs = append(differs, differ("size", size, a.asked.Size))
	}
	if a.asked.Ratio != "" && ratio != a.asked.Ratio {
		differs = append(differs, differ("ratio", ratio, a.asked.Ratio))
	}
	return differs
}

// mapped tells of a model that serves in the place of the one asked for, or for an
// old id. An alias is another name of the same model and no difference.
func mapped(a *ask) string {
	if m := a.instead(); m != "" {
		return differ("model", string(m), string(a.route.model))
	}
	for _, old := range a.entry.Old {
		if old.ID == gemini.BareModel(a.route.model) {
			return differ("model", string(a.entry.ID), string(a.route.model))
		}
	}
	return ""
}

func differ(what, got, asked string) string { return fmt.Sprintf("%s=%s asked=%s", what, got, asked) }
