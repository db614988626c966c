package satori

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// filter selects entries of a list: those with one of the names or one of the labels,
// all if there are neither.
type filter struct{ names, labels []string }

func (f filter) empty() bool { return len(f.names)+len(f.labels) == 0 }

func (f filter) keeps(name string, labels []string) bool {
	return f.empty() || slices.Contains(f.names, name) ||
		slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(f.labels, l) })
}

// picked returns copies of the entries that a filter keeps, so that callers may change
// what they get. The lists in the entries are shared.
func picked[T any, P interface {
	*T
	runtime.SatoriLabeled
}](list []P, f filter, name func(P) string) []P {
	out := make([]P, 0, len(list))
	for _, x := range list {
		if x != nil && f.keeps(name(x), x.GetLabels()) {
			c := *x
			out = append(out, &c)
		}
	}
	return out
}

// listed returns a list of an identity, from the cache if it is there. pick copies
// the entries that a filter keeps.
func listed[T any](ctx context.Context, c *Client, path, id string, f filter, query url.Values, pick func(*T, filter) *T) (*T, error) {
	cache, now := c.shared, c.o.Now()
	if cache == nil {
		cache = c.ofCall(ctx)
	}
	all := path + "?" + query.Encode()
	if query == nil {
		query = url.Values{}
	}
	if l, ok := cache.get(now, id, all).(*T); ok {
		return pick(l, f), nil
	}
	// Sorted, so that the same names in another order are found in the cache.
	query["names"], query["labels"] = slices.Sorted(slices.Values(f.names)), slices.Sorted(slices.Values(f.labels))
	exact := path + "?" + query.Encode()
	if l, ok := cache.get(now, id, exact).(*T); ok {
		return pick(l, filter{}), nil
	}
	begun, list := cache.begin(), new(T)
	size, err := c.do(ctx, request{method: http.MethodGet, path: path, identity: id, query: query}, list)
	if err != nil {
		return nil, err
	}
	key := exact
	if f.empty() {
		key = all
	}
	cache.put(begun, now, c.o.TTL, id, key, list, size)
	return pick(list, filter{}), nil
}

// ExperimentsList implements runtime.Satori.
func (c *Client) ExperimentsList(ctx context.Context, id string, names, labels []string) (*runtime.ExperimentList, error) {
	if err := named("identity id", id); err != nil {
		return nil, err
	}
	return listed(ctx, c, "/v1/experiment", id, filter{names, labels}, nil, func(l *runtime.ExperimentList, f filter) *runtime.ExperimentList {
		return &runtime.ExperimentList{Experiments: picked(l.Experiments, f, func(e *runtime.Experiment) string { return e.Name })}
	})
}

// FlagsList implements runtime.Satori. Without an identity it returns the default
// values of all flags.
func (c *Client) FlagsList(ctx context.Context, id string, names, labels []string) (*runtime.FlagList, error) {
	return listed(ctx, c, "/v1/flag", id, filter{names, labels}, nil, func(l *runtime.FlagList, f filter) *runtime.FlagList {
		return &runtime.FlagList{Flags: picked(l.Flags, f, func(x *runtime.Flag) string { return x.Name })}
	})
}

// FlagsOverridesList implements runtime.Satori: it lists what determines the values of
// flags.
func (c *Client) FlagsOverridesList(ctx context.Context, id string, names, labels []string) (*runtime.FlagOverridesList, error) {
	return listed(ctx, c, "/v1/flag/override", id, filter{names, labels}, nil, func(l *runtime.FlagOverridesList, f filter) *runtime.FlagOverridesList {
		return &runtime.FlagOverridesList{Flags: picked(l.Flags, f, func(x *runtime.FlagOverrides) string { return x.FlagName })}
	})
}

// LiveEventsList implements runtime.Satori. Times are in Unix seconds; 0 sets no
// limit.
func (c *Client) LiveEventsList(ctx context.Context, id string, names, labels []string, pastRunCount, futureRunCount int32, startTimeSec, endTimeSec int64) (*runtime.LiveEventList, error) {
	if err := named("identity id", id); err != nil {
		return nil, err
	}
	query := url.Values{}
	for _, arg := range []struct {
		name  string
		value int64
	}{{"past_run_count", int64(pastRunCount)}, {"future_run_count", int64(futureRunCount)}, {"start_time_sec", startTimeSec}, {"end_time_sec", endTimeSec}} {
		if arg.value < 0 {
			return nil, invalid("%s must be 0 or more", arg.name)
		}
		if arg.value > 0 {
			query.Set(arg.name, strconv.FormatInt(arg.value, 10))
		}
	}
	if (startTimeSec > 0) != (endTimeSec > 0) || startTimeSec > endTimeSec {
		return nil, fault.New(fault.InvalidArgument, "start_time_sec and end_time_sec must both be given, in this order")
	}
	name := func(e *runtime.LiveEvent) string { return e.Name }
	return listed(ctx, c, "/v1/live-event", id, filter{names, labels}, query, func(l *runtime.LiveEventList, f filter) *runtime.LiveEventList {
		return &runtime.LiveEventList{LiveEvents: picked(l.LiveEvents, f, name), ExplicitJoinLiveEvents: picked(l.ExplicitJoinLiveEvents, f, name)}
	})
}

// LiveEventJoin implements runtime.Satori.
func (c *Client) LiveEventJoin(ctx context.Context, id, liveEventId string) error {
	if err := named("live event id", liveEventId); err != nil {
		return err
	}
	return c.act(ctx, request{
		method: http.MethodPost, path: "/v1/live-event/" + url.PathEscape(liveEventId) + "/participation",
		route: "/v1/live-event/{id}/participation", identity: id,
	})
}
