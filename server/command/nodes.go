package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"kumi/config"
	"kumi/core/consolepb"
)

// consoleFlags is the help of the commands that ask a running node.
const consoleFlags = `The console of a running node is asked, by default that at 127.0.0.1:7351. For another node:
  --console.port and --console.address   where the node's console listens
  --console.username and --console.password   those of its settings
`

// operator calls the console's API of a running server, as the administrator of the
// settings.
type operator struct {
	host, url, username, password string
	client                        http.Client
}

// operatorOf is for the server that the settings are of.
func operatorOf(cfg *config.Config) (*operator, error) {
	c := &cfg.Console
	if c.Port == 0 {
		return nil, errors.New("the console is switched off (console.port is 0), and this command asks the server through it")
	}
	host := c.Address
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	host = net.JoinHostPort(host, strconv.Itoa(c.Port))
	return &operator{
		host: host, url: "http://" + host + "/v2/console/",
		username: c.Username, password: string(c.Password), client: http.Client{Timeout: 10 * time.Second},
	}, nil
}

// call makes a call and returns the body of its answer.
func (o *operator) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(o.username, o.password)
	resp, err := o.client.Do(req)
	if err != nil {
		return nil, o.failed(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var failure struct{ Message string }
		_ = json.Unmarshal(text, &failure)
		if failure.Message == "" || resp.StatusCode == http.StatusNotFound && path == "status" {
			return nil, o.failed(fmt.Errorf("the answer is %s, so another program or port answers there", resp.Status))
		}
		return nil, errors.New(failure.Message)
	}
	return text, nil
}

// failed says which server was asked, and how to ask another one.
func (o *operator) failed(err error) error {
	if failure, ok := errors.AsType[*url.Error](err); ok {
		err = failure.Err // it has the address twice
	}
	return fmt.Errorf("ask the console of the node at %s: %w (--console.port and --console.address say where the console of a running node listens)", o.host, err)
}

// nodes returns the nodes, the one that answers first.
func (o *operator) nodes(ctx context.Context) ([]*consolepb.StatusList_Status, error) {
	text, err := o.call(ctx, http.MethodGet, "status", nil)
	if err != nil {
		return nil, err
	}
	var list consolepb.StatusList
	if err := protojson.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	return list.Nodes, nil
}

// nodes prints the nodes of a cluster, as the server of the settings sees them.
func nodes(ctx context.Context, args []string, s streams) int {
	cfg, _, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	o, err := operatorOf(cfg)
	if err != nil {
		return failed(s, err)
	}
	list, err := o.nodes(ctx)
	if err != nil {
		return failed(s, err)
	}
	slices.SortFunc(list, func(a, b *consolepb.StatusList_Status) int { return strings.Compare(a.Name, b.Name) })
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tSTATE\tSESSIONS\tMATCHES\tPARTIES\tMODULES\tDELAY\tVERSION")
	for _, n := range list {
		delay := "-"
		if n.DelayMs > 0 {
			delay = fmt.Sprintf("%.1f ms", n.DelayMs)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%.8s\t%s\t%s\n", n.Name, n.State, n.SessionCount, n.MatchCount, n.PartyCount, n.ModuleDigest, delay, n.ServerVersion)
	}
	if err := w.Flush(); err != nil {
		return failed(s, err)
	}
	return exitOK
}

// cannotDial reports whether nobody listens at the address.
func cannotDial(err error) bool {
	var failure *net.OpError
	return errors.As(err, &failure) && failure.Op == "dial"
}

// drainWatch is the time between looks at a node that is being drained.
const drainWatch = time.Second

// drainNode asks a node to stop in order, shows how far it is, and returns when it has
// stopped. Without a name it is the node that answers.
func drainNode(ctx context.Context, args []string, s streams) int {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	cfg, _, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	o, err := operatorOf(cfg)
	if err != nil {
		return failed(s, err)
	}
	list, err := o.nodes(ctx)
	if err != nil {
		return failed(s, err)
	}
	here := list[0].Name
	name = cmp.Or(name, here)
	if _, err := o.call(ctx, http.MethodPost, "node/"+url.PathEscape(name)+"/drain", []byte("{}")); err != nil {
		return failed(s, fmt.Errorf("drain %s: %w", name, err))
	}
	tick := time.NewTicker(drainWatch)
	defer tick.Stop()
	for {
		list, err := o.nodes(ctx)
		i := slices.IndexFunc(list, func(n *consolepb.StatusList_Status) bool { return n.Name == name })
		switch {
		case err == nil && i < 0, name == here && cannotDial(err):
			fmt.Fprintf(s.out, "%s has stopped\n", name)
			return exitOK
		case err != nil && name != here:
			return failed(s, err)
		case err == nil:
			n := list[i]
			fmt.Fprintf(s.out, "%s is %s: %s, %s, %s\n", name, n.State, count(n.SessionCount, "session", "sessions"), count(n.MatchCount, "match", "matches"), count(n.PartyCount, "party", "parties"))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return failed(s, ctx.Err())
		}
	}
}
