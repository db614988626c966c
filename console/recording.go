package console

import (
	"context"
	"mime"
	"net/http"
	"os"
	"time"

	"kumi/core"
	"kumi/core/acl"
	"kumi/core/consolepb"
)

// recordingPath is where the file of a recording is.
const recordingPath = prefix + "/recording/{name}/file"

// downloadRecording sends the file of a recording. It has all that the code of the match read,
// such as accounts, so the right to look at matches is not enough.
func (s *Server) downloadRecording(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	name := r.PathValue("name")
	call := core.ConsoleCall{
		Name: "DownloadRecording", Right: acl.Match.Write(), Action: core.AuditExport, Request: &consolepb.RecordingName{Name: name},
	}
	var file *os.File
	err := s.Console.Run(r.Context(), visitorOf(r, s.Config.Socket.ProxyCount), call, func(context.Context, *core.Operator) (err error) {
		file, err = s.Console.OpenRecording(name)
		return err
	})
	if file != nil {
		defer file.Close()
	}
	var modified time.Time
	if err == nil {
		var stat os.FileInfo
		if stat, err = file.Stat(); err == nil {
			modified = stat.ModTime()
		}
	}
	s.counted(call.Name, start, err)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", modified, file)
}
