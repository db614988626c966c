package test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Files of storage objects are imported whole or not at all.
func TestConsoleStorageImport(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		ann := srv.User(t, "ann")
		admin := srv.ConsoleAdmin()
		send := func(o *servertest.Operator, field, file, text string) servertest.Answer {
			t.Helper()
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			part, err := form.CreateFormFile(field, file)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = part.Write([]byte(text))
			_ = form.Close()
			o.Header.Set("Content-Type", form.FormDataContentType())
			return o.Do(t, "POST", "/storage/import", body.String())
		}
		objects := `[{"collection":"a","key":"1","user_id":"` + ann.ID + `","value":{"n":9007199254740993},"permission_read":2,"permission_write":0},
			{"collection":"a","key":"2","user_id":"00000000-0000-0000-0000-000000000000","value":{}}]`
		bad := strings.Replace(objects, `"value":{}`, `"value":[]`, 1)
		want(t, send(admin, "objects.json", "x", bad), 400, 3, "Object 2")
		want(t, send(admin, "file", "objects.csv", "collection,key\na,b\n"), 400, 3, "user_id")
		want(t, send(admin, "file", "objects.json", "{"), 400, 3, "cannot be read")
		want(t, admin.Do(t, "POST", "/storage/import", "x"), 400, 3, "")
		if a := admin.Must(t, "GET", "/storage/collections", nil); a.Body != `{"collections":[]}` {
			t.Errorf("something was imported: %s", a.Body)
		}
		for field, file := range map[string]string{"objects.json": "x", "file": "objects.json"} {
			if a := send(admin, field, file, objects); a.Status != 200 || a.Body != "" {
				t.Errorf("JSON: %d %s", a.Status, a.Body)
			}
		}
		csv := "key,collection,value,user_id,permission_write,permission_read\n3,a,\"{\"\"n\"\":1}\"," + ann.ID + ",1,1\n"
		if a := send(admin, "file", "objects.csv", csv); a.Status != 200 {
			t.Errorf("CSV: %d %s", a.Status, a.Body)
		}
		if a := admin.Must(t, "GET", "/storage/a/1/"+ann.ID, nil); !strings.Contains(a.Body, "9007199254740993") || !strings.Contains(a.Body, `"permission_read":2`) {
			t.Errorf("the object is %s", a.Body)
		}
		if a := admin.Must(t, "GET", "/storage?collection=a", nil); strings.Count(a.Body, `"key":`) != 3 {
			t.Errorf("the objects are %s", a.Body)
		}
		reader := admin
		reader.Header.Del("Content-Type")
		helper := reader.Add(t, "helper", goodPassword, `{"STORAGE_DATA":{"read":true,"write":true,"delete":true}}`)
		want(t, send(helper, "file", "objects.json", objects), 403, 7, "STORAGE_DATA_IMPORT:write")
		if a := admin.Must(t, "GET", "/audit/log?action=5", nil); strings.Count(a.Body, `"ImportStorage"`) != 3 {
			t.Errorf("the log is %s", a.Body)
		}
	})
}
