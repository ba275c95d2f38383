"""Numbers as options. Unlike click, no error quotes what is no number: it may be a secret in the wrong place."""

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
    """The value as it is."""
    try:
        float(value)
    except ValueError:
        raise click.BadParameter("it must be a number.", ctx, param) from None
    return value
