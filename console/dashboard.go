package console

import "kumi/core/consolepb"

// dashboard is what the server does now.
func (s *Server) dashboard() (*consolepb.Dashboard, error) {
	status, err := s.status()
	if err != nil {
		return nil, err
	}
	return &consolepb.Dashboard{Node: status.Nodes[0]}, nil
}
