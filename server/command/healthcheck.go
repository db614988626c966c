package command

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// healthcheck queries the server on this machine. It exits with 1 unless the server
// responds with 200.
func healthcheck(ctx context.Context, args []string, s streams) int {
	port := 7350
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > 65535 {
			fmt.Fprintf(s.err, "healthcheck: %q is not a port\n", args[0])
			return exitUsage
		}
		port = n
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://localhost:%d/", port), nil)
	if err != nil {
		return failed(s, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return failed(s, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return failed(s, fmt.Errorf("healthcheck: the server answered %s", resp.Status))
	}
	return exitOK
}
