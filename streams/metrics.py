"""Every metric of the streams process: name, meaning, labels. Nothing is created elsewhere."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter(
    "geophone_streams_records_total", "Source records handled to the end, by stage.", ["stage"]
)
DUPLICATES = Counter(
    "geophone_streams_duplicates_total",
    "Events dropped because their (tenantId, id) had been written before.",
)
QUARANTINED = Counter(
    "geophone_streams_quarantined_total",
    "Records set aside, by stage and reason.",
    ["stage", "reason"],
)
LEFT_OUT = Counter(
    "geophone_streams_recipients_left_out_total",
    "Recipients without a task, as an id or address of theirs is none; the others have theirs.",
)
EXPIRED = Counter(
    "geophone_streams_expired_records_total",
    "Records that the topic's retention deleted before this stage handled them: lost to it.",
    ["stage"],
)
WRITTEN = Counter(
    "geophone_streams_written_total", "Records written to output topics, by topic.", ["topic"]
)
TRANSACTION_SECONDS = Histogram(
    "geophone_streams_transaction_seconds",
    "Time from begin to the broker's answer to commit, by stage.",
    ["stage"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
TAKEOVER_SECONDS = Histogram(
    "geophone_streams_takeover_seconds",
    "Time to fence the predecessor, rule out its transactions and restore, by stage.",
    ["stage"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
RESTORE_SECONDS = Histogram(
    "geophone_streams_restore_seconds",
    "Time to restore one partition's marks from the changelog.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
MARKS_RESTORED = Counter(
    "geophone_streams_marks_restored_total", "Marks read from the changelog at takeover."
)
LAG = Gauge(
    "geophone_streams_lag_records",
    "Records between the next one to handle and the end that readers may see.",
    ["stage", "topic", "partition"],
)
PARTITIONS = Gauge(
    "geophone_streams_partitions", "Source partitions ready here, by stage.", ["stage"]
)
TASKS = Counter(
    "geophone_crm_tasks_total",
    "Task commands carried out, by target and outcome: created, already_there, dead.",
    ["target", "outcome"],
)
CRM_RETRIES = Counter(
    "geophone_crm_retries_total",
    "Deliveries to the CRM that have to be tried again, by target.",
    ["target"],
)
CRM_SECONDS = Histogram(
    "geophone_crm_request_seconds",
    "Time until the CRM has answered for one command, its turn waited for, by target.",
    ["target"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
CRM_HELD = Gauge(
    "geophone_crm_held",
    "1 while deliveries to a target are held because it refuses most commands, else 0.",
    ["target"],
)
CRM_OLDEST = Gauge(
    "geophone_crm_oldest_undecided_seconds",
    "Age of the oldest command in hand whose task the CRM has not taken or refused, by target.",
    ["target"],
)
CRM_ERRORS = Counter(
    "geophone_crm_errors_total",
    "Errors in a connector that nobody foresaw, by target; the command is tried again.",
    ["target"],
)
