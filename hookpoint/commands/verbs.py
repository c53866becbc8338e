"""How the command group meets mistakes: a line that says what is wrong, never a traceback."""

import difflib

import click

from hookpoint.errors import HookpointError


class Verbs(click.Group):
    """A group that says what is wrong in a line instead of showing a traceback, and offers the nearest verb."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            click.echo(_said(error), err=True)
            ctx.exit(getattr(error, "exit_code", 1))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
        if self.get_command(ctx, args[0]) is None and near:
            ctx.fail(f"There is no command `{args[0]}`. Did you mean `{near[0]}`?")
        return super().resolve_command(ctx, args)


def _said(error: Exception) -> str:
    if isinstance(error, HookpointError):
        return str(error)
    what = f"A defect of hookpoint: {type(error).__name__}: {error}"
    return f"{what}\n`hookpoint --debug ...` shows where it is."
