package query

import (
	"errors"
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// maxEdits is the maximum number of edits of a fuzzy search.
const maxEdits = 2

// parser reads clauses with one token of lookahead.
type parser struct {
	lexer
	token token
}

func (p *parser) advance() (err error) {
	p.token, err = p.next()
	return err
}

func (p *parser) parse(q *Query) error {
	if strings.TrimSpace(p.source) == "*" {
		q.should = []clause{{kind: matchAll, boost: 1, source: "*"}}
		return nil
	}
	if err := p.advance(); err != nil {
		return err
	}
	for p.token.kind != tokenEnd {
		list, start := &q.should, p.token.start
		switch p.token.kind {
		case tokenPlus:
			list = &q.must
		case tokenMinus:
			list = &q.mustNot
		}
		if list != &q.should {
			sign := p.source[p.token.start:p.token.end]
			if err := p.advance(); err != nil {
				return err
			}
			if p.token.kind == tokenEnd {
				return p.fail(p.token.start, "nothing follows %q", sign)
			}
		}
		c, err := p.clause()
		if err != nil {
			return err
		}
		c.source = strings.TrimSpace(p.source[start:p.token.start])
		c.field, c.key = intern(c.field), keyOf(c.field)
		if c.kind == matchText {
			c.bit = termBit(c.key, c.text)
		}
		*list = append(*list, c)
	}
	return nil
}

// clause reads [field ":"] value ["~" edits] ["^" boost].
func (p *parser) clause() (clause, error) {
	c := clause{field: DefaultField, boost: 1}
	named := false
	value := p.token
	if err := p.advance(); err != nil {
		return c, err
	}
	if value.kind == tokenWord && p.token.kind == tokenColon {
		c.field, named = value.text, true
		if err := p.advance(); err != nil {
			return c, err
		}
		value = p.token
		if value.kind == tokenEnd {
			return c, p.fail(value.start, "field %q has no value", c.field)
		}
		if err := p.advance(); err != nil {
			return c, err
		}
	}
	if value.kind == tokenWord && value.text == "/" {
		return c, p.fail(value.start, "the regular expression has no closing slash")
	}
	if err := p.value(&c, value, named); err != nil {
		return c, err
	}
	if p.token.kind == tokenFuzzy {
		if err := p.fuzzy(&c); err != nil {
			return c, err
		}
	}
	if p.token.kind == tokenBoost {
		return c, p.boost(&c)
	}
	return c, nil
}

// value fills c from its value; the cursor is after the value's first token.
func (p *parser) value(c *clause, value token, named bool) error {
	switch value.kind {
	case tokenWord:
		if len(value.pattern) > MaxPattern {
			return p.fail(value.start, "a pattern with wildcards has at most %d characters; this one has %d", MaxPattern, len(value.pattern))
		}
		c.word(value)
		return nil
	case tokenPhrase:
		c.kind, c.text = matchText, value.text
		return nil
	case tokenRegexp:
		return p.expression(c, value)
	case tokenRange:
		if named {
			c.op = value.op
			return p.rangeEnd(c, value)
		}
	case tokenMinus:
		if named && p.token.kind == tokenWord && p.token.isNumber {
			c.kind, c.number, c.text = matchNumber, -p.token.number, "-"+p.token.text
			return p.advance()
		}
	}
	sign := p.source[value.start:value.end]
	if named {
		return p.fail(value.start, "a value cannot begin with %q; quote or escape it", sign)
	}
	return p.fail(value.start, "a clause cannot begin with %q; escape it if it belongs to a value", sign)
}

// word makes c match a word: any value, a wildcard pattern, a number or text.
func (c *clause) word(value token) {
	c.text = value.text
	stars := len(value.pattern) > 0
	for _, r := range value.pattern {
		stars = stars && r == anyRun
	}
	switch {
	case stars:
		c.kind = matchExists
	case value.pattern != nil:
		c.kind, c.pattern, c.weight = matchWildcard, value.pattern, wildcardWeight(value.pattern)
	case value.isNumber:
		c.kind, c.number = matchNumber, value.number
	default:
		c.kind = matchText
	}
}

// rangeEnd reads the number or the quoted date after a range operator.
func (p *parser) rangeEnd(c *clause, sign token) error {
	end, negative := p.token, false
	if end.kind == tokenMinus {
		if err := p.advance(); err != nil {
			return err
		}
		negative, end = true, p.token
	}
	switch {
	case end.kind == tokenWord && end.isNumber:
		c.kind, c.number = matchNumberRange, end.number
		if negative {
			c.number = -end.number
		}
	case end.kind == tokenPhrase && !negative:
		date, ok := ParseDate(end.text)
		if !ok {
			return p.fail(end.start, "%q is not a date", end.text)
		}
		c.kind, c.date = matchDateRange, date
	default:
		return p.fail(sign.start, "a range needs a number or a quoted date")
	}
	return p.advance()
}

func (p *parser) expression(c *clause, value token) error {
	// The expression is parsed alone first: inside a group an unbalanced
	// parenthesis could pass.
	if len(value.text) > maxExpression {
		return p.fail(value.start, "a regular expression has at most %d bytes; this one has %d", maxExpression, len(value.text))
	}
	parsed, err := syntax.Parse(value.text, syntax.Perl)
	if err == nil {
		if c.weight = programSize(parsed); c.weight > MaxPattern {
			return p.fail(value.start, "the regular expression is too large: with its repetitions written out it may have %d parts", MaxPattern)
		}
		c.kind = matchRegexp
		c.expression, err = regexp.Compile("^(?:" + value.text + ")$")
	}
	if err == nil {
		return nil
	}
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return p.fail(value.start, "invalid regular expression: %s: %s", bad.Code, bad.Expr)
	}
	return p.fail(value.start, "invalid regular expression: %s", err)
}

func (p *parser) fuzzy(c *clause) error {
	sign := p.token
	if c.kind != matchText && c.kind != matchNumber {
		return p.fail(sign.start, "only a plain value can be fuzzy")
	}
	c.edits = 1
	if sign.text != "" {
		edits, err := strconv.ParseUint(sign.text, 10, 8)
		if err != nil || edits > maxEdits {
			return p.fail(sign.start, "%q is not a number of edits from 0 to %d", sign.text, maxEdits)
		}
		c.edits = int(edits)
	}
	c.kind, c.pattern, c.weight = matchFuzzy, []rune(c.text), fuzzyWeight
	return p.advance()
}

func (p *parser) boost(c *clause) error {
	sign := p.token
	if sign.text != "" {
		boost, err := strconv.ParseFloat(sign.text, 64)
		if err != nil || boost < 0 || math.IsNaN(boost) || math.IsInf(boost, 0) {
			return p.fail(sign.start, "%q is not a boost, which is a number of at least 0", sign.text)
		}
		c.boost = boost
		if c.kind == matchText || c.kind == matchFuzzy {
			c.boost *= boost // as in bluge, where the term and the match around it are boosted
		}
	}
	return p.advance()
}
