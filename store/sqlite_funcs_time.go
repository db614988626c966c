package store

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// interval is a PostgreSQL interval: months and days have no fixed length.
type interval struct {
	months, days, micros int64
}

const dayMicros = 24 * 60 * 60 * 1e6

// String formats an interval as PostgreSQL does.
func (v interval) String() string {
	var parts []string
	unit := func(n int64, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n != 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+" "+many)
		}
	}
	unit(v.months/12, "year", "years")
	unit(v.months%12, "mon", "mons")
	unit(v.days, "day", "days")
	if v.micros != 0 || len(parts) == 0 {
		n, sign := v.micros, ""
		if n < 0 {
			n, sign = -n, "-"
		}
		s := fmt.Sprintf("%s%02d:%02d:%02d", sign, n/3600e6, n/60e6%60, n/1e6%60)
		if frac := n % 1e6; frac != 0 {
			s += strings.TrimRight(fmt.Sprintf(".%06d", frac), "0")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// order returns a number for comparing intervals, with months of 30 days.
func (v interval) order() int64 { return (v.months*30+v.days)*dayMicros + v.micros }

func (v interval) scale(f float64) interval {
	months := float64(v.months) * f
	whole := math.Trunc(months)
	days := float64(v.days)*f + (months-whole)*30
	wholeDays := math.Trunc(days)
	return interval{int64(whole), int64(wholeDays), int64(math.Round(float64(v.micros)*f + (days-wholeDays)*dayMicros))}
}

func (v interval) addTo(t time.Time) time.Time {
	if v.months != 0 {
		year, month, day := t.Date()
		first := time.Date(year, month+time.Month(v.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		t = first.AddDate(0, 0, min(day, last)-1)
	}
	return t.AddDate(0, 0, int(v.days)).Add(time.Duration(v.micros) * time.Microsecond)
}

var intervalUnits = map[string]interval{
	"us": {micros: 1}, "microsecond": {micros: 1}, "ms": {micros: 1e3}, "msec": {micros: 1e3}, "millisecond": {micros: 1e3},
	"s": {micros: 1e6}, "sec": {micros: 1e6}, "second": {micros: 1e6}, "m": {micros: 60e6}, "min": {micros: 60e6}, "minute": {micros: 60e6},
	"h": {micros: 3600e6}, "hr": {micros: 3600e6}, "hour": {micros: 3600e6}, "d": {days: 1}, "day": {days: 1}, "w": {days: 7}, "week": {days: 7},
	"mon": {months: 1}, "month": {months: 1}, "y": {months: 12}, "yr": {months: 12}, "year": {months: 12},
	"decade": {months: 120}, "century": {months: 1200}, "centurie": {months: 1200},
}

// parseInterval parses '1 day', '2 hours 30 minutes', '1 mon -2 days 04:05:06', '3
// days ago' and plain numbers of seconds.
func parseInterval(s string) (interval, error) {
	var out interval
	bad := badInput("interval", s)
	fields := strings.Fields(strings.ToLower(strings.ReplaceAll(s, ",", " ")))
	ago := len(fields) > 1 && fields[len(fields)-1] == "ago"
	if ago {
		fields = fields[:len(fields)-1]
	}
	if len(fields) == 0 {
		return out, bad
	}
	for i := 0; i < len(fields); i++ {
		f := fields[i]
		if strings.Contains(f, ":") {
			micros, ok := parseClock(f)
			if !ok {
				return out, bad
			}
			out.micros += micros
			continue
		}
		end := strings.LastIndexAny(f, "0123456789.") + 1
		n, err := strconv.ParseFloat(f[:end], 64)
		if err != nil {
			return out, bad
		}
		name := f[end:]
		if name == "" && i+1 < len(fields) && !strings.ContainsAny(fields[i+1], "0123456789") {
			i++
			name = fields[i]
		}
		if name == "" {
			name = "second"
		}
		unit, ok := intervalUnits[name]
		if !ok {
			unit, ok = intervalUnits[strings.TrimSuffix(name, "s")]
		}
		if !ok {
			return out, bad
		}
		part := unit.scale(n)
		out = interval{out.months + part.months, out.days + part.days, out.micros + part.micros}
	}
	if ago {
		out = interval{-out.months, -out.days, -out.micros}
	}
	return out, nil
}

func parseClock(s string) (int64, bool) {
	sign := 1.0
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	total, factor := 0.0, 3600e6
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, false
	}
	for _, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil || n < 0 {
			return 0, false
		}
		total += n * factor
		factor /= 60
	}
	return int64(math.Round(sign * total)), true
}

// moment returns the time or the interval that a value is.
func moment(v driver.Value) (t time.Time, span interval, isTime bool, err error) {
	if s, ok := v.(string); ok {
		if t, err = castTime(s); err == nil {
			return t, interval{}, true, nil
		}
		span, err = parseInterval(s)
		return time.Time{}, span, false, err
	}
	return time.Time{}, interval{}, false, fmt.Errorf("expected a time or an interval, got %s", castText(v))
}

func registerTimes(r registry) {
	sum := func(sign int64) func(a []driver.Value) (driver.Value, error) {
		return func(a []driver.Value) (driver.Value, error) {
			t1, v1, time1, err := moment(a[0])
			if err != nil {
				return nil, err
			}
			t2, v2, time2, err := moment(a[1])
			switch {
			case err != nil:
				return nil, err
			case time1 && time2 && sign < 0:
				return between(t1, t2).String(), nil
			case time1 && time2:
				return nil, fmt.Errorf("cannot add two times")
			case time1:
				return formatTime(interval{sign * v2.months, sign * v2.days, sign * v2.micros}.addTo(t1))
			case time2 && sign < 0:
				return nil, fmt.Errorf("cannot subtract a time from an interval")
			case time2:
				return formatTime(v1.addTo(t2))
			}
			return interval{v1.months + sign*v2.months, v1.days + sign*v2.days, v1.micros + sign*v2.micros}.String(), nil
		}
	}
	r.strict("pg_time_add", 2, sum(1))
	r.strict("pg_time_subtract", 2, sum(-1))
	r.strict("pg_time_between", 2, func(a []driver.Value) (driver.Value, error) {
		t1, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		t2, err := castTime(a[1])
		if err != nil {
			return sum(-1)(a)
		}
		return between(t1, t2).String(), nil
	})
	r.strict("pg_age", atLeast(1), func(a []driver.Value) (driver.Value, error) {
		end := time.Now().UTC().Truncate(24 * time.Hour)
		var err error
		if len(a) == 2 {
			if end, err = castTime(a[0]); err != nil {
				return nil, err
			}
		}
		begin, err := castTime(a[len(a)-1])
		if err != nil {
			return nil, err
		}
		return age(begin, end).String(), nil
	})
	r.strict("pg_interval_order", 1, func(a []driver.Value) (driver.Value, error) {
		v, err := parseInterval(text(a[0]))
		return v.order(), err
	})
	r.strict("pg_interval_scale", 2, func(a []driver.Value) (driver.Value, error) {
		v, err := parseInterval(text(a[0]))
		if err != nil {
			return nil, err
		}
		f, err := castFloat(a[1], "double precision")
		return v.scale(f).String(), err
	})
	r.strict("pg_make_interval", 7, func(a []driver.Value) (driver.Value, error) {
		var n [7]float64
		for i, v := range a {
			f, err := castFloat(v, "double precision")
			if err != nil {
				return nil, err
			}
			n[i] = f
		}
		return interval{
			int64(n[0])*12 + int64(n[1]), int64(n[2])*7 + int64(n[3]), int64(n[4]*3600e6 + n[5]*60e6 + math.Round(n[6]*1e6)),
		}.String(), nil
	})
	r.strict("pg_make_date", 3, func(a []driver.Value) (driver.Value, error) {
		s := fmt.Sprintf("%04v-%02v-%02v", a[0], a[1], a[2])
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, fmt.Errorf("date field value out of range: %s", s)
		}
		return s, nil
	})
	r.strict("pg_days_between", 2, func(a []driver.Value) (driver.Value, error) {
		t1, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		t2, err := castTime(a[1])
		return int64(math.Round(t1.Sub(t2).Hours() / 24)), err
	})
	r.strict("pg_date_add", 2, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		if err != nil {
			return nil, err
		}
		days, err := castInt(a[1], "integer", math.MinInt32, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		return t.AddDate(0, 0, int(days.(int64))).Format(time.DateOnly), nil
	})
	r.strict("pg_extract", 2, func(a []driver.Value) (driver.Value, error) {
		t, v, isTime, err := moment(a[1])
		if err != nil {
			return nil, err
		}
		field := strings.ToLower(text(a[0]))
		if isTime {
			return extractTime(field, t)
		}
		return extractInterval(field, v)
	})
	r.strict("pg_date_trunc", atLeast(2), func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[1])
		if err != nil {
			return nil, err
		}
		if len(a) > 2 && !strings.EqualFold(text(a[2]), "utc") {
			loc, err := time.LoadLocation(text(a[2]))
			if err != nil {
				return nil, fmt.Errorf("time zone %q not recognized", text(a[2]))
			}
			t = t.In(loc)
		}
		t, err = truncate(strings.ToLower(text(a[0])), t)
		if err != nil {
			return nil, err
		}
		return formatTime(t)
	})
	r.strict("pg_at_zone", 2, func(a []driver.Value) (driver.Value, error) { return atZone(a[0], text(a[1])) })
	r.strict("pg_timezone", 2, func(a []driver.Value) (driver.Value, error) { return atZone(a[1], text(a[0])) })
	r.strict("pg_to_char", 2, func(a []driver.Value) (driver.Value, error) {
		s, ok := a[0].(string)
		if !ok {
			return nil, fmt.Errorf("to_char of a number is not available on the embedded database; format it in the module")
		}
		t, err := castTime(s)
		if err != nil {
			return nil, err
		}
		return toChar(t, text(a[1]))
	})
	r.strict("pg_to_date", 2, func(a []driver.Value) (driver.Value, error) {
		t, err := castTime(a[0])
		if err != nil {
			return nil, fmt.Errorf("to_date reads the form YYYY-MM-DD only on the embedded database: %w", err)
		}
		return t.Format(time.DateOnly), nil
	})
}

// between is PostgreSQL's difference of two times: whole days and the rest of a day.
func between(t1, t2 time.Time) interval {
	micros := t1.Sub(t2).Microseconds()
	return interval{days: micros / dayMicros, micros: micros % dayMicros}
}

// age is PostgreSQL's age: it counts whole months first.
func age(from, to time.Time) interval {
	if to.Before(from) {
		v := age(to, from)
		return interval{-v.months, -v.days, -v.micros}
	}
	months := int64(to.Year()-from.Year())*12 + int64(to.Month()-from.Month())
	start := interval{months: months}.addTo(from)
	if start.After(to) {
		months--
		start = interval{months: months}.addTo(from)
	}
	rest := between(to, start)
	rest.months = months
	return rest
}

// atZone returns the wall clock time in a zone; all times are stored in UTC.
func atZone(v driver.Value, zone string) (driver.Value, error) {
	t, err := castTime(v)
	if err != nil {
		return nil, err
	}
	loc, err := time.LoadLocation(zone)
	if strings.EqualFold(zone, "utc") {
		loc, err = time.UTC, nil
	}
	if err != nil {
		return nil, fmt.Errorf("time zone %q not recognized", zone)
	}
	l := t.In(loc)
	return formatTime(time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC))
}

func truncate(field string, t time.Time) (time.Time, error) {
	year, month, day := t.Date()
	date := func(y int, m time.Month, d int) (time.Time, error) {
		return time.Date(y, m, d, 0, 0, 0, 0, t.Location()), nil
	}
	switch field {
	case "microseconds":
		return t, nil
	case "milliseconds":
		return t.Truncate(time.Millisecond), nil
	case "second":
		return t.Truncate(time.Second), nil
	case "minute":
		return t.Truncate(time.Minute), nil
	case "hour":
		return time.Date(year, month, day, t.Hour(), 0, 0, 0, t.Location()), nil
	case "day":
		return date(year, month, day)
	case "week":
		return date(year, month, day-(int(t.Weekday())+6)%7)
	case "month":
		return date(year, month, 1)
	case "quarter":
		return date(year, (month-1)/3*3+1, 1)
	case "year":
		return date(year, 1, 1)
	case "decade":
		return date(year/10*10, 1, 1)
	case "century":
		return date((year-1)/100*100+1, 1, 1)
	}
	return t, fmt.Errorf("timestamp units %q not recognized", field)
}

func extractTime(field string, t time.Time) (driver.Value, error) {
	isoYear, isoWeek := t.ISOWeek()
	seconds := float64(t.Second()) + float64(t.Nanosecond()/1000)/1e6
	switch field {
	case "epoch":
		return float64(t.UnixMicro()) / 1e6, nil
	case "year":
		return float64(t.Year()), nil
	case "month":
		return float64(t.Month()), nil
	case "day":
		return float64(t.Day()), nil
	case "hour":
		return float64(t.Hour()), nil
	case "minute":
		return float64(t.Minute()), nil
	case "second":
		return seconds, nil
	case "milliseconds":
		return seconds * 1e3, nil
	case "microseconds":
		return seconds * 1e6, nil
	case "dow":
		return float64(t.Weekday()), nil
	case "isodow":
		return float64((int(t.Weekday())+6)%7 + 1), nil
	case "doy":
		return float64(t.YearDay()), nil
	case "week":
		return float64(isoWeek), nil
	case "isoyear":
		return float64(isoYear), nil
	case "quarter":
		return float64((t.Month()-1)/3 + 1), nil
	case "decade":
		return float64(t.Year() / 10), nil
	case "century":
		return float64((t.Year()-1)/100 + 1), nil
	case "timezone", "timezone_hour", "timezone_minute":
		return 0.0, nil
	}
	return nil, fmt.Errorf("timestamp units %q not recognized", field)
}

func extractInterval(field string, v interval) (driver.Value, error) {
	switch field {
	case "epoch":
		return float64(v.months/12)*365.25*86400 + float64(v.months%12)*30*86400 + float64(v.days)*86400 + float64(v.micros)/1e6, nil
	case "year":
		return float64(v.months / 12), nil
	case "month":
		return float64(v.months % 12), nil
	case "day":
		return float64(v.days), nil
	case "hour":
		return math.Trunc(float64(v.micros) / 3600e6), nil
	case "minute":
		return float64(v.micros / 60e6 % 60), nil
	case "second":
		return float64(v.micros%60e6) / 1e6, nil
	}
	return nil, fmt.Errorf("interval units %q not recognized", field)
}

// toChar formats a time with the fields that games use; other fields are an error.
func toChar(t time.Time, format string) (driver.Value, error) {
	var b strings.Builder
	fields := []struct{ name, layout string }{
		{"YYYY", "2006"}, {"YY", "06"}, {"MONTH", ""}, {"Month", "January"}, {"MON", ""}, {"Mon", "Jan"}, {"MM", "01"}, {"DDD", "002"}, {"DD", "02"},
		{"HH24", "15"}, {"HH12", "03"}, {"HH", "03"}, {"MI", "04"}, {"SS", "05"}, {"MS", "ms"}, {"US", "us"}, {"AM", "PM"}, {"PM", "PM"},
		{"am", "pm"}, {"pm", "pm"}, {"Day", "Monday"}, {"Dy", "Mon"}, {"TZ", "MST"}, {"IW", "iw"}, {"Q", "q"}, {"FM", ""}, {"OF", "-07"},
	}
next:
	for i := 0; i < len(format); {
		rest := format[i:]
		if rest[0] == '"' {
			if end := strings.IndexByte(rest[1:], '"'); end >= 0 {
				b.WriteString(rest[1 : end+1])
				i += end + 2
				continue
			}
		}
		for _, f := range fields {
			if !strings.HasPrefix(rest, f.name) {
				continue
			}
			switch f.layout {
			case "ms":
				fmt.Fprintf(&b, "%03d", t.Nanosecond()/1e6)
			case "us":
				fmt.Fprintf(&b, "%06d", t.Nanosecond()/1e3)
			case "iw":
				_, week := t.ISOWeek()
				fmt.Fprintf(&b, "%02d", week)
			case "q":
				b.WriteString(strconv.Itoa(int(t.Month()-1)/3 + 1))
			case "January", "Monday":
				fmt.Fprintf(&b, "%-9s", t.Format(f.layout))
			case "":
				if f.name != "FM" {
					return nil, fmt.Errorf("to_char: the field %s is not available on the embedded database", f.name)
				}
			default:
				b.WriteString(t.Format(f.layout))
			}
			i += len(f.name)
			continue next
		}
		if c := rest[0]; c >= 'A' && c <= 'Z' && c != 'T' {
			return nil, fmt.Errorf("to_char: the field %q is not available on the embedded database", rest)
		}
		b.WriteByte(rest[0])
		i++
	}
	return b.String(), nil
}
