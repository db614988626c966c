// Package purchasetest is a server that answers as the stores of apps do, for tests
// and for development without accounts at the stores.
package purchasetest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kumi/core/purchase"
)

// Stores plays all stores. Its methods may be called from any goroutine. Paths begin
// with the host that a request was for; see [purchase.Redirect].
type Stores struct {
	URL   string
	Apple *Signer // signs for Apple

	key    *rsa.PrivateKey // of the Google account, and of Huawei's app
	server *http.Server

	mu       sync.Mutex
	answers  map[string]any // by what is asked for
	other    func(about string) any
	failing  int            // status of all answers, 0: none
	hanging  chan struct{}  // closed: answer again; nil: answers
	requests map[string]int // by host
	grant    string         // the access token that is valid
}

// Refusal is an answer with an HTTP status, see Set.
type Refusal struct {
	Status int
	Body   any // written as JSON
}

// Start starts a server on a free port of this machine.
func Start() (*Stores, error) { return StartAt("127.0.0.1:0") }

// StartAt starts a server on an address, as host:port.
func StartAt(address string) (*Stores, error) {
	signer, err := NewSigner(true)
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Stores{URL: "http://" + listener.Addr().String(), Apple: signer, key: key, answers: map[string]any{}, requests: map[string]int{}, grant: "granted"}
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close stops the server.
func (s *Stores) Close() { _ = s.server.Close() }

// Options configure a client of these stores.
func (s *Stores) Options() purchase.Options {
	to, _ := url.Parse(s.URL)
	return purchase.Options{Transport: purchase.Redirect(to), AppleRoots: s.Apple.Pool()}
}

// Set sets what a store answers about a receipt, a token or an id. It is a value that
// is written as JSON, a Refusal, or an int, which is an HTTP status.
func (s *Stores) Set(about string, answer any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[about] = answer
}

// Otherwise sets what the stores answer about what Set has not set; nil is that they do
// not know it. The function may be called from any goroutine.
func (s *Stores) Otherwise(answer func(about string) any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = answer
}

// Fail makes all stores answer with an HTTP status; 0 ends that.
func (s *Stores) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = status
}

// Hang makes all stores wait with their answers until the returned function is called.
func (s *Stores) Hang() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hanging := make(chan struct{})
	s.hanging = hanging
	return sync.OnceFunc(func() {
		s.mu.Lock()
		s.hanging = nil
		s.mu.Unlock()
		close(hanging)
	})
}

// Withdraw ends the access tokens that the stores have granted so far.
func (s *Stores) Withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grant += " again"
}

// granted is the access token that is valid.
func (s *Stores) granted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grant
}

// Requests is the number of requests for a host.
func (s *Stores) Requests(host string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[host]
}

// GoogleAccount is the service account that Google accepts.
func (s *Stores) GoogleAccount() purchase.GoogleAccount {
	der, _ := x509.MarshalPKCS8PrivateKey(s.key)
	return purchase.GoogleAccount{Email: "server@game.example", PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
}

// HuaweiApp is the app whose purchases Huawei confirms.
func (s *Stores) HuaweiApp() purchase.HuaweiApp {
	der, _ := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	return purchase.HuaweiApp{PublicKey: base64.StdEncoding.EncodeToString(der), ClientID: "client", ClientSecret: "secret"}
}

// SignHuawei signs a purchase as AppGallery does.
func (s *Stores) SignHuawei(data string) string {
	hash := sha256.Sum256([]byte(data))
	sig, _ := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, hash[:])
	return base64.StdEncoding.EncodeToString(sig)
}

// SignFacebook makes a signed request of Facebook Instant Games.
func SignFacebook(secret string, data any) string {
	text, _ := json.Marshal(data)
	payload := base64.RawURLEncoding.EncodeToString(text)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + payload
}

func (s *Stores) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /buy.itunes.apple.com/verifyReceipt", s.appleReceipt("production"))
	mux.HandleFunc("POST /sandbox.itunes.apple.com/verifyReceipt", s.appleReceipt("sandbox"))
	mux.HandleFunc("POST /oauth2.googleapis.com/token", s.token("assertion"))
	mux.HandleFunc("POST /oauth-login.cloud.huawei.com/oauth2/v3/token", s.token("client_secret"))
	const google = "GET /androidpublisher.googleapis.com/androidpublisher/v3/applications/{app}/purchases/"
	mux.HandleFunc(google+"products/{product}/tokens/{token}", s.google)
	mux.HandleFunc(google+"productsv2/tokens/{token}", s.google)
	mux.HandleFunc(google+"subscriptionsv2/tokens/{token}", s.google)
	mux.HandleFunc("POST /orders-dre.iap.cloud.huawei.eu/applications/purchases/tokens/verify", s.huawei)
	mux.HandleFunc("GET /iap.samsungapps.com/iap/v6/receipt", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r.FormValue("purchaseID"), map[string]any{"status": "fail", "errorCode": 9135})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		s.mu.Lock()
		failing, hanging := s.failing, s.hanging
		s.requests[host]++
		s.mu.Unlock()
		if hanging != nil {
			select {
			case <-hanging:
			case <-r.Context().Done():
				return
			}
		}
		if failing != 0 {
			http.Error(w, `{"error":"failing"}`, failing)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answer writes what Set has set, or else unknown.
func (s *Stores) answer(w http.ResponseWriter, about string, unknown any) {
	s.mu.Lock()
	answer, ok := s.answers[about]
	other := s.other
	s.mu.Unlock()
	switch {
	case ok:
	case other != nil:
		answer = other(about)
	default:
		answer = unknown
	}
	if status, ok := answer.(int); ok {
		answer = Refusal{status, map[string]any{"error": "refused"}}
	}
	w.Header().Set("Content-Type", "application/json")
	if refused, ok := answer.(Refusal); ok {
		w.WriteHeader(refused.Status)
		answer = refused.Body
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// token grants an access token for a request with a field.
func (s *Stores) token(field string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue(field) == "" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": s.granted(), "token_type": "Bearer", "expires_in": 3600})
	}
}

// appleReceipt answers for production and for the sandbox: an answer whose environment
// is Sandbox is known in the sandbox only.
func (s *Stores) appleReceipt(at string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Receipt  string `json:"receipt-data"`
			Password string `json:"password"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Password != "shared" {
			s.answer(w, "", map[string]any{"status": 21004})
			return
		}
		s.mu.Lock()
		known, _ := s.answers[in.Receipt].(map[string]any)
		s.mu.Unlock()
		if at == "production" && known["environment"] == "Sandbox" {
			s.answer(w, "", map[string]any{"status": 21007})
			return
		}
		s.answer(w, in.Receipt, map[string]any{"status": 21003})
	}
}

func (s *Stores) google(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.granted():
		http.Error(w, `{"error":{"code":401}}`, http.StatusUnauthorized)
	case r.PathValue("app") != "com.example.game": // the account's only one
		http.Error(w, `{"error":{"code":401,"errors":[{"domain":"androidpublisher","reason":"permissionDenied"}]}}`, http.StatusUnauthorized)
	default:
		s.answer(w, r.PathValue("token"), http.StatusNotFound)
	}
}

func (s *Stores) huawei(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"purchaseToken"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil ||
		r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("APPAT:"+s.granted())) {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	s.answer(w, in.Token, map[string]any{"responseCode": "5", "responseMessage": "unknown"})
}
