"""What all tiers share: the plugins, and how many examples Hypothesis tries."""

import signal

from hypothesis import HealthCheck, Phase, settings

pytest_plugins = ["tests.support.tiers", "tests.support.running_platforms"]

# The machines that run this differ too much in speed for deadlines, and for saying that values are made too slowly.
settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("default"), max_examples=2_000)
# Of a mutant it is enough to know that it fails, at once and each time.
settings.register_profile(
    "mutation", settings.get_profile("default"), derandomize=True, max_examples=100, phases=[Phase.generate]
)
settings.load_profile("default")

# Where `nohup` or a script in the background started the tests, they have some signals ignored, and so would have each
# program that a test starts.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
