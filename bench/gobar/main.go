// gobar is the bar in Go: what a good engineer writes with net/http and franz-go. It verifies, stores in Kafka with
// acks=all and answers 200 once every in-sync replica has the event. Configured as the ingress is.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

type envelope struct {
	ID       string `json:"id"`
	TenantID string `json:"tenantId"`
}

type webhook struct {
	secret []byte
	kafka  *kgo.Client
}

func (w *webhook) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 1<<20))
	if err != nil {
		http.Error(answer, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	mac := hmac.New(sha256.New, w.secret)
	mac.Write(body)
	signature, _ := hex.DecodeString(request.Header.Get("x-seismic-signature"))
	if !hmac.Equal(mac.Sum(nil), signature) {
		http.Error(answer, "signature", http.StatusUnauthorized)
		return
	}
	var event envelope
	if json.Unmarshal(body, &event) != nil || event.ID == "" || event.TenantID == "" {
		http.Error(answer, "no event", http.StatusBadRequest)
		return
	}
	record := &kgo.Record{Key: []byte(event.TenantID), Value: body}
	if err := w.kafka.ProduceSync(request.Context(), record).FirstErr(); err != nil {
		http.Error(answer, "not stored", http.StatusServiceUnavailable)
	}
}

func main() {
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS"), ",")...),
		kgo.DefaultProduceTopic(os.Getenv("GEOPHONE_TOPIC_PREFIX")+"raw"),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/webhook", &webhook{[]byte(os.Getenv("GEOPHONE_SECRETS")), kafka})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("GEOPHONE_PORT"), nil))
}
