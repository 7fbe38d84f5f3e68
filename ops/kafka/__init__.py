"""A local Kafka as child processes: jars from Maven Central, Java from a Python package."""
