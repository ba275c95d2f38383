"""Options whose values are numbers. Their errors do not quote the value, as those of click do: it may be a secret."""

from typing import Any

import click


class WholeNumber(click.IntRange):
    """A whole number within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_number(value, param, ctx), param, ctx)


class Seconds(click.FloatRange):
    """A number of seconds within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_number(value, param, ctx), param, ctx)


def _number(value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
    """Return the value unchanged if it is a number."""
    try:
        float(value)
    except ValueError:
        raise click.BadParameter("it must be a number.", ctx, param) from None
    return value
