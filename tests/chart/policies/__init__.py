"""What holds for every rendering of the chart, whatever the values: one function for each rule.

Each yields a sentence for whatever breaks it. `test_policies` holds all of them against all
fixtures, `test_mutations` sees to it that they notice something.
"""

from collections.abc import Callable, Iterator, Mapping

from tests.chart.policies import (
    containers,
    ending,
    naming,
    passing,
    probing,
    reach,
    scaling,
    security,
    walls,
)
from tests.chart.rendered import Rendered

Policy = Callable[[Rendered], Iterator[str]]

POLICIES: Mapping[str, Policy] = {
    policy.__name__: policy
    for policy in (
        security.restricted,
        security.numeric_user,
        security.no_token,
        security.service_account,
        containers.resources,
        containers.own_variables,
        containers.images,
        probing.probes,
        probing.long_restore,
        probing.long_recovery,
        containers.volumes,
        containers.logs_in_a_folder,
        containers.kafka_can_write,
        security.secrets_are_files,
        security.secrets_are_read_only,
        security.given_secrets,
        containers.once,
        containers.files_are_there,
        containers.settings,
        scaling.one_scaler,
        scaling.within_partitions,
        scaling.lag_of_what_is_read,
        scaling.keda_logs_in,
        scaling.keda_asks_prometheus,
        scaling.patient,
        scaling.measured_container,
        scaling.disruption_budgets,
        scaling.spread,
        ending.drain,
        ending.membership,
        ending.state,
        ending.findings,
        reach.selectors,
        reach.services,
        reach.balancer_probes,
        reach.routes,
        reach.network,
        reach.monitors,
        walls.peers,
        walls.further_ways_out,
        walls.own_kafka,
        passing.passed_on,
        passing.front_service,
        passing.own_words,
        passing.anew_with_its_text,
        naming.common_values,
        naming.names,
        naming.labels,
        naming.hooks,
        naming.rights,
        naming.kept_topics,
    )
}
