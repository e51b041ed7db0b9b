"""What the default instance types can do and what they cost.

Peak throughput in single precision and memory bandwidth are those of NVIDIA's data sheets (A10,
whose chip the A10G has; T4) and, for the processor, cores x clock x 64 floating-point operations
(two AVX-512 fused multiply-adds of 16 values).

Prices are list prices on demand of SageMaker training in us-east-1. AWS's page "Amazon SageMaker AI
pricing" is where they come from; they were read in November 2026 from public copies of that list
which agreed with each other, not from the page itself.
"""

from dataclasses import dataclass

PRICES_READ = "November 2026"


@dataclass(frozen=True)
class Instance:
    """One entry of the list that jobs are tried on."""

    type: str
    processor: str
    peak_flops: float  # per second, 32 bits
    bandwidth: float | None  # bytes per second; None where caches hold a whole step
    dollars_an_hour: float
    launches: bool  # a GPU: every kernel has to be launched


INSTANCES = (
    Instance("ml.g5.xlarge", "NVIDIA A10G", 31.2e12, 600e9, 1.408, True),
    Instance("ml.g4dn.xlarge", "NVIDIA T4", 8.1e12, 320e9, 0.736, True),
    Instance("ml.c5.2xlarge", "4 cores of Xeon", 4 * 3.0e9 * 64, None, 0.408, False),
)
