"""Budgets of clients that fill up again evenly over an hour: a token bucket for each client, and for each network."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from crypt_core.limits.addresses import client_groups
from crypt_core.limits.rate_limiter import NETWORK_FACTOR

HOUR = 3_600.0
"""Seconds."""

ROUNDING = 1e-4
"""Seconds. Tolerance for sums of times: near today's Unix time, floats step by 2e-7 s."""
