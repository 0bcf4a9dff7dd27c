package pool

import (
	"fmt"
	"strings"

	"github.com/plantainhq/plantain"
)

// Outgrown is a window that is smaller than a request alone: it takes Need of a
// limit of which there are only Size, more than none.
type Outgrown struct {
	Project    plantain.ProjectName
	Limit      plantain.Limit
	Need, Size int64
}

// TooLarge tells what the request takes and what there is of it, project by
// project; empty where it is not too large.
func (n *NoRoom) TooLarge() string {
	parts := make([]string, len(n.Outgrown))
	for i, o := range n.Outgrown {
		unit, span := words(o.Limit)
		parts[i] = fmt.Sprintf("%s takes %s", o.Project, amount(o.Limit, o.Size)+span)
		if i == 0 || n.Outgrown[i-1].Limit != o.Limit || n.Outgrown[i-1].Need != o.Need {
			parts[i] = fmt.Sprintf("it counts as about %s%s, and %s", amount(o.Limit, o.Need), unit, parts[i])
		}
	}
	return strings.Join(parts, ", ")
}

// words are what a limit counts, and in what time.
func words(l plantain.Limit) (unit, span string) {
	switch l {
	case plantain.LimitTPM:
		return " input tokens", " a minute"
	case plantain.LimitTPD:
		return " input tokens", " a day"
	case plantain.LimitIPM:
		return " images", " a minute"
	case plantain.LimitIPD, plantain.ClientImages:
		return " images", " a day"
	case plantain.LimitRPM, plantain.ClientRequests:
		return " requests", " a minute"
	case plantain.LimitRPD:
		return " requests", " a day"
	case plantain.LimitSpend:
		return "", " in ten minutes"
	case plantain.BudgetDay:
		return "", " a day"
	case plantain.BudgetMonth:
		return "", " a month"
	case plantain.BudgetTotal:
		return "", " in total"
	case plantain.LimitZero, plantain.LimitSharedCapacity:
		return "", ""
	default:
		return "", ""
	}
}

func amount(l plantain.Limit, n int64) string {
	if l.Money() {
		return plantain.Nanodollars(n).String()
	}
	return fmt.Sprint(n)
}
