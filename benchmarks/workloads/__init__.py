"""The workloads, one file each; a hand-written model imports its backend where it is called."""

from benchmarks.workload import Workload
from benchmarks.workloads.crossed import CROSSED
from benchmarks.workloads.elasticity import ELASTICITY
from benchmarks.workloads.groups import GROUPS
from benchmarks.workloads.nested import NESTED, NESTED_1M, NESTED_100K
from benchmarks.workloads.products import PRODUCTS
from benchmarks.workloads.radon import RADON
from benchmarks.workloads.stores import STORES

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        ELASTICITY,
        NESTED,
        NESTED_100K,
        NESTED_1M,
        PRODUCTS,
        STORES,
        GROUPS,
        RADON,
        CROSSED,
    )
}
