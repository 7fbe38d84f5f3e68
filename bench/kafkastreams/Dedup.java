import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.TopicNameExtractor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The same job in Kafka Streams: exactly once, marks in RocksDB, one topic per type. */
public final class Dedup implements Processor<byte[], byte[], byte[], byte[]> {
  private static final String MARKS = "marks";
  private static final String TYPE = "ce_type";
  private static final int TYPE_PREFIX = "com.seismic.".length();

  private final ObjectMapper json = new ObjectMapper();
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<String, Long> marks;

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    this.marks = context.getStateStore(MARKS);
  }

  @Override
  public void process(Record<byte[], byte[]> event) {
    JsonNode body = parsed(event.value());
    String key = body.get("tenantId").asText() + "|" + body.get("id").asText();
    if (marks.putIfAbsent(key, event.timestamp()) == null) {
      context.forward(event);
    }
  }

  private JsonNode parsed(byte[] body) {
    try {
      return json.readTree(body);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static Topology topology(String prefix) {
    TopicNameExtractor<byte[], byte[]> byType =
        (key, value, context) ->
            prefix + "event."
                + new String(context.headers().lastHeader(TYPE).value()).substring(TYPE_PREFIX);
    return new Topology()
        .addSource("raw", prefix + "raw")
        .addProcessor("dedup", Dedup::new, "raw")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(MARKS), Serdes.String(), Serdes.Long()),
            "dedup")
        .addSink("events", byType, "dedup");
  }

  public static void main(String[] arguments) throws InterruptedException {
    String prefix = System.getenv("GEOPHONE_TOPIC_PREFIX");
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "kafka-streams");
    settings.put(
        StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("GEOPHONE_KAFKA_BOOTSTRAP_SERVERS"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("GEOPHONE_STATE_DIR"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    new KafkaStreams(topology(prefix), settings).start();
    new CountDownLatch(1).await();
  }
}
