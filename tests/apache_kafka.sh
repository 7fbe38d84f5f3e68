#!/bin/bash
# What the image apache/kafka does between its CMD and the broker, as far as whoever runs it can
# notice: docker/resources/common-scripts/run, configureDefaults and configure, docker/jvm/launch,
# bin/kafka-run-class.sh and bin/kafka-server-start.sh of https://github.com/apache/kafka.
set -o errexit -o nounset

readonly kafka=/opt/kafka

# The heap and how it is swept count against the limit of memory, so these options are the image's.
run_class() {
  # shellcheck disable=SC2086 - options are words
  exec "$JAVA_HOME/bin/java" ${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G} -server -XX:+UseG1GC \
    -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
    -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true -cp "$kafka/libs/*" "$@"
}

echo "===> User"
id

echo "===> Configuring ..."
export CLUSTER_ID="${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}"
if [[ ! -w $kafka/config/ ]]; then
  echo "$kafka/config/ file not writable"
  exit 1
fi

echo "===> Launching ..."
# Kafka's own class makes server.properties of the variables KAFKA_…, and formats the storage.
said=$(
  run_class kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \
    --mounted-configs-dir /mnt/shared/config --final-configs-dir $kafka/config 2>&1
) || grep --ignore-case "already formatted" <<<"$said" || {
  echo "$said"
  exit 1
}

mkdir -p $kafka/logs
run_class -Xlog:gc*:file=$kafka/logs/kafkaServer-gc.log:time,tags:filecount=10,filesize=100M \
  kafka.Kafka $kafka/config/server.properties
