package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"kumi/core"
	"kumi/core/acl"
)

// importPath is where files with storage objects are sent to, as multipart/form-data.
const importPath = prefix + "/storage/import"

// importStorage imports the first part of a form. It is JSON if the name of its field, as
// in Nakama, or of its file ends in .json, otherwise CSV.
func (s *Server) importStorage(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	call := core.ConsoleCall{Name: "ImportStorage", Right: acl.StorageDataImport.Write(), Action: core.AuditImport}
	err := s.Console.Run(r.Context(), visitorOf(r, s.Config.Socket.ProxyCount), call, func(ctx context.Context, _ *core.Operator) error {
		form, err := r.MultipartReader()
		if err != nil {
			return invalid("Requires a form with a file: "+err.Error(), err)
		}
		part, err := form.NextPart()
		if err != nil {
			return invalid("The form has no file.", err)
		}
		isJSON := strings.HasSuffix(strings.ToLower(part.FormName()), ".json") || strings.HasSuffix(strings.ToLower(part.FileName()), ".json")
		return s.Console.ImportStorage(ctx, part, isJSON)
	})
	s.counted(call.Name, start, err)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}
