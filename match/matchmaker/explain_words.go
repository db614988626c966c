package matchmaker

import (
	"fmt"
	"strings"
)

// summary returns the explanation in one sentence.
func (x *Explanation) summary() string {
	text := x.verdict()
	if x.OverBudget {
		text += "; in the last pass its query cost more than its share and was cut short"
	}
	return text
}

func (x *Explanation) verdict() string {
	t := x.Ticket
	tickets, players := fitting(x.Finds)
	searchers, _ := fitting(x.FoundBy)
	over := "its " + plural(x.Searches, "search is over", "searches are over")
	if x.Searches == 1 {
		over = "its one search is over"
	}
	switch {
	case x.Others == 0:
		return "no other ticket is waiting"
	case !x.Active && searchers == 0:
		return over + ", and no ticket that still searches finds it" + unfit(x.FoundBy)
	case !x.Active:
		return over + "; " + plural(searchers, "ticket that still searches finds it", "tickets that still search find it")
	case tickets == 0:
		return "its search finds no other ticket" + unfit(x.Finds)
	case t.size()+players < t.MinCount:
		return fmt.Sprintf("needs at least %s; with the %d of the tickets that fit there are %d%s",
			plural(t.MinCount, "player", "players"), players, t.size()+players, unfit(x.Finds))
	case t.size()+players < t.MaxCount:
		return fmt.Sprintf("fewer than its maximum of %s fit; a match of %d forms on its last search, if the others accept that size",
			plural(t.MaxCount, "player", "players"), t.size()+players)
	default:
		return "enough players fit; a match forms in one of the next passes, if they accept its size and each other"
	}
}

// maxSummaryClasses is how many classes a summary names.
const maxSummaryClasses = 4

// unfit describes the largest classes that do not fit.
func unfit(classes []Class) string {
	var text strings.Builder
	named, left := 0, 0
	for i := range classes {
		c := &classes[i]
		switch {
		case c.Reason == ReasonFits:
		case named == maxSummaryClasses:
			left += c.Tickets
		default:
			text.WriteString([]string{": ", "; "}[min(named, 1)] + c.describe())
			named++
		}
	}
	if left > 0 {
		text.WriteString("; " + plural(left, "more ticket fails", "more tickets fail"))
	}
	return text.String()
}

// describe says in words why a class does not fit.
func (c *Class) describe() string {
	text := plural(c.Tickets, "ticket fails by ", "tickets fail by ") + string(c.Reason)
	one := c.Tickets == 1
	choose := func(singular, several string) string {
		if one {
			return singular
		}
		return several
	}
	var details []string
	if c.Counts != "" {
		details = append(details, choose("it wants ", "they want ")+c.Counts+" players")
	}
	clauses := strings.Join(c.Clauses, " ")
	switch {
	case clauses == "":
	case c.Reason == ReasonMutual:
		details = append(details, choose("its query asks for ", "their queries ask for ")+clauses)
	case c.Reason == ReasonCount:
		details = append(details, choose("it also fails ", "they also fail ")+clauses)
	default:
		details = append(details, clauses)
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

func plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
