package core

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// importedObject is an object of a file that is imported. Without permissions it is the
// owner's to read and write.
type importedObject struct {
	Collection string          `json:"collection"`
	Key        string          `json:"key"`
	UserID     string          `json:"user_id"`
	Value      json.RawMessage `json:"value"`
	Read       *int32          `json:"permission_read"`
	Write      *int32          `json:"permission_write"`
}

// ImportStorage writes the objects of a file, all or none, whatever is stored under their
// keys: a JSON array of objects, or CSV with a header that names the same fields.
// InvalidArgument names the object that is wrong.
func (k *Console) ImportStorage(ctx context.Context, file io.Reader, isJSON bool) error {
	read := readCSV
	if isJSON {
		read = readJSONObjects
	}
	objects, err := read(file)
	if err != nil {
		return invalid("The file cannot be read: %v", err)
	}
	writes := make([]objectWrite, len(objects))
	for i, o := range objects {
		id, err := storageID(o.Collection, o.Key, o.UserID)
		if err == nil {
			writes[i], err = k.newObjectWrite(id.collection, id.key, id.owner, string(o.Value), "", orOwner(o.Read), orOwner(o.Write))
		}
		if err != nil {
			return invalid("Object %d: %v", i+1, err)
		}
	}
	if len(writes) == 0 {
		return nil
	}
	_, err = k.writeStorage(ctx, writes, false)
	return err
}

func orOwner(permission *int32) int32 {
	if permission == nil {
		return readOwner
	}
	return *permission
}

func readJSONObjects(file io.Reader) (objects []importedObject, err error) {
	d := json.NewDecoder(file)
	if err := d.Decode(&objects); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is more after the array")
	}
	return objects, nil
}

func readCSV(file io.Reader) ([]importedObject, error) {
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it has no header")
	}
	columns := map[string]int{}
	for _, name := range []string{"collection", "key", "user_id", "value", "permission_read", "permission_write"} {
		i := slices.IndexFunc(rows[0], func(s string) bool { return strings.TrimSpace(s) == name })
		if i < 0 {
			return nil, errors.New("the header has no column " + name)
		}
		columns[name] = i
	}
	objects := make([]importedObject, 0, len(rows)-1)
	for _, row := range rows[1:] {
		o := importedObject{
			Collection: row[columns["collection"]], Key: row[columns["key"]], UserID: row[columns["user_id"]], Value: json.RawMessage(row[columns["value"]]),
		}
		for name, into := range map[string]**int32{"permission_read": &o.Read, "permission_write": &o.Write} {
			n, err := strconv.ParseInt(row[columns[name]], 10, 32)
			if err != nil {
				return nil, errors.New("line " + strconv.Itoa(len(objects)+2) + ": " + name + " is not a number")
			}
			permission := int32(n)
			*into = &permission
		}
		objects = append(objects, o)
	}
	return objects, nil
}
